/** Webhook and operator away for a short while: what runs goes on, what starts starts, and later pods are injected. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeComponents, restartProxy, restoreComponents } from './support/absence.ts';
import { call, shopPod } from './support/calls.ts';
import { images, namespaces } from './support/environment.ts';
import { hasProxy } from './support/install.ts';
import { apply, get, kubectl, type Pod } from './support/kubectl.ts';
import { startLoad, type Load } from './support/load.ts';
import { appliedEverywhere, policyFile, removePolicies } from './support/policies.ts';
import { waitFor } from './support/waitFor.ts';

const { shop } = namespaces;
const both = ['webhook', 'operator'];

async function startSleeper(name: string): Promise<Pod> {
  await kubectl(['delete', 'pod', name, '-n', shop, '--ignore-not-found']);
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: shop, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        { name, image: images.shop, imagePullPolicy: 'IfNotPresent', command: ['node', 'inventory.ts'] },
      ],
    },
  });
  await kubectl(['wait', '-n', shop, `pod/${name}`, '--for=condition=Ready', '--timeout=90s']);
  return await get<Pod>(['pod', name, '-n', shop]);
}

let load: Load;

beforeAll(async () => {
  await removePolicies();
  await kubectl(['apply', '-f', policyFile('cart-calls-payment')]);
  await appliedEverywhere('payment');
  load = await startLoad({ url: 'http://catalog:8080/products', rate: 30, seconds: 300, name: 'load-away' });
  await removeComponents(both);
});

afterAll(async () => {
  await restoreComponents(both);
  await removePolicies();
});

it('policy stays in force, and a restarted proxy has it too', async () => {
  const [web, cart] = await Promise.all([shopPod('web'), shopPod('cart')]);
  await restartProxy(shop, (await shopPod('payment')).pod);
  await restartProxy(shop, cart.pod);
  for (let i = 0; i < 6; i += 1) {
    expect((await call(cart, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(200);
    expect((await call(web, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(403);
  }
});

it('a pod still starts while the webhook is away, without a proxy', async () => {
  expect(hasProxy(await startSleeper('born-away'))).toBe(false);
});

it('nothing of the traffic failed meanwhile', async () => {
  const summary = await load.stop();
  expect(summary.failures).toEqual([]);
  expect(summary.sent).toBeGreaterThan(100);
});

it('after they are back the next pod is injected, and policies are applied again', async () => {
  await restoreComponents(both);
  expect(hasProxy(await startSleeper('born-after'))).toBe(true);
  await kubectl(['delete', 'meshpolicy', 'payment', '-n', shop]);
  const web = await shopPod('web');
  const answer = await waitFor('web to be let in', async () => {
    const { status, body } = await call(web, 'http://payment:8080/charge', { method: 'POST' });
    return status === 200 ? body : undefined;
  });
  expect(answer).toMatchObject({ service: 'payment' });
  await kubectl(['delete', 'pod', 'born-away', 'born-after', '-n', shop]);
});
