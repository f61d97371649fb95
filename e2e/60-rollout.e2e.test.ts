/** A deployment rolled to another ServiceAccount and other labels while requests run: none fails. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { namespaces } from './support/environment.ts';
import { rolledOut } from './support/install.ts';
import { apply, kubectl, livingPods } from './support/kubectl.ts';
import { startLoad } from './support/load.ts';
import { appliedEverywhere, policyFile, removePolicies } from './support/policies.ts';
import { accessLogs } from './support/proxy.ts';
import { identityOf } from './support/environment.ts';

const { shop } = namespaces;

/** Rolls the cart; the patch changes what a pod is known by. */
async function rollCart(serviceAccount: string, labels: Record<string, string>): Promise<void> {
  const spec = { template: { metadata: { labels }, spec: { serviceAccountName: serviceAccount } } };
  await kubectl(['patch', 'deployment', 'cart', '-n', shop, '-p', JSON.stringify({ spec })]);
  await rolledOut(shop);
}

beforeAll(async () => {
  await removePolicies();
  await kubectl(['apply', '-f', policyFile('strict')]);
  await appliedEverywhere('strict');
  await apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'cart-next', namespace: shop },
  });
});

afterAll(async () => {
  await rollCart('cart', { version: 'v1', tier: 'front' });
  await removePolicies();
});

it('0 failed requests while the cart gets another ServiceAccount and other labels', async () => {
  const load = await startLoad({ url: 'http://cart:8080/cart', rate: 50, seconds: 150 });
  await rollCart('cart-next', { version: 'v2', tier: 'back' });
  const pods = await livingPods(shop, 'app=cart,tier=back');
  expect(pods.map(({ spec }) => spec.serviceAccountName)).toEqual(['cart-next', 'cart-next']);
  const lines = await accessLogs(shop, 'app=cart,tier=back');
  const identities = lines
    .filter(({ direction }) => direction === 'inbound')
    .map(({ destination }) => destination);
  expect(new Set(identities)).toEqual(new Set([identityOf(shop, 'cart-next')]));
  const summary = await load.stop();
  expect(summary.failures).toEqual([]);
  expect(summary.failed).toBe(0);
  expect(summary.sent).toBeGreaterThan(100);
});

it('0 failed POST requests while payment is restarted', async () => {
  const load = await startLoad({
    url: 'http://payment:8080/charge',
    method: 'POST',
    rate: 50,
    seconds: 150,
    name: 'load-post',
  });
  await kubectl(['rollout', 'restart', 'deployment/payment', '-n', shop]);
  await rolledOut(shop);
  const summary = await load.stop();
  expect(summary.failures).toEqual([]);
  expect(summary.sent).toBeGreaterThan(100);
});
