/** A document that somebody damaged: the proxies keep the last good one, and metric and status say so. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, shopPod } from './support/calls.ts';
import { namespaces } from './support/environment.ts';
import {
  conditionOf,
  get,
  kubectl,
  livingPods,
  type KubernetesObject,
  type MeshPolicyObject,
} from './support/kubectl.ts';
import { appliedEverywhere, policyFile, removePolicies } from './support/policies.ts';
import { metric, sumOf } from './support/proxy.ts';
import { waitFor } from './support/waitFor.ts';

const { shop } = namespaces;
const DOCUMENT = 'weft.deployment.payment';
const payment = { namespace: shop, selector: 'app=payment' };

/** Refusals become visible so soon: nobody pokes pods, nor keeps the operator from mending. */
const SEEN_MS = 10_000;
/** The operator mends after 45 s, and refreshes the pods. */
const MENDED_MS = 75_000;

async function patchDocument(text: string): Promise<void> {
  const patch = JSON.stringify({ data: { 'config.json': text } });
  await kubectl(['patch', 'configmap', DOCUMENT, '-n', shop, '--type=merge', '-p', patch]);
}

async function documentText(): Promise<string> {
  const found = await get<KubernetesObject & { data: Record<string, string> }>([
    'configmap',
    DOCUMENT,
    '-n',
    shop,
  ]);
  return found.data['config.json']!;
}

/** What a document says of policy. Endpoints and with them revision and hash may change at any time. */
function policyIn(text: string): unknown {
  const { resources, sections } = JSON.parse(text) as { resources: object; sections: object[] };
  return { resources, sections };
}

/** The policy, once `Applied` has this reason. */
const appliedBecause = (reason: string, deadlineMs: number): Promise<MeshPolicyObject> =>
  waitFor(
    `the status to say ${reason}`,
    async () => {
      const found = await get<MeshPolicyObject>(['meshpolicy', 'payment', '-n', shop]);
      return conditionOf(found, 'Applied')?.reason === reason ? found : undefined;
    },
    deadlineMs,
  );

beforeAll(async () => {
  await removePolicies();
  await kubectl(['apply', '-f', policyFile('cart-calls-payment')]);
  await appliedEverywhere('payment');
});

afterAll(removePolicies);

it.each([
  ['rubbish', () => 'garbage', /DOCUMENT_/],
  [
    'a document that says the opposite',
    (text: string) => text.replaceAll('cart', 'web'),
    /DOCUMENT_HASH_MISMATCH/,
  ],
])('keeps the last good document, says so, and takes the mended one: %s', async (_what, damage, code) => {
  const [web, cart] = await Promise.all([shopPod('web'), shopPod('cart')]);
  const pods = (await livingPods(shop, 'app=payment')).length;
  const failuresBefore = await sumOf(payment, metric.reloadFailures);
  const good = await documentText();
  await patchDocument(damage(good));
  const damagedAt = performance.now();
  const [policy] = await Promise.all([
    appliedBecause('LastGoodInForce', SEEN_MS),
    waitFor(
      'every proxy to count a failed reload and refuse the newest document',
      async () =>
        (await sumOf(payment, metric.reloadFailures)) > failuresBefore &&
        (await sumOf(payment, metric.refused, { subject: 'config' })) === pods,
      SEEN_MS,
    ),
  ]);
  expect(conditionOf(policy, 'Applied')?.message).toMatch(code);
  expect(policy.status?.applied).toBe(`${pods}/${pods}`);
  // what the damaged document would have turned around still holds
  expect((await call(cart, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(200);
  expect((await call(web, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(403);

  const leftMs = MENDED_MS - (performance.now() - damagedAt);
  const mended = await appliedBecause('Applied', leftMs);
  expect(mended.status?.applied).toBe(`${pods}/${pods}`);
  expect(policyIn(await documentText())).toEqual(policyIn(good));
  expect(await sumOf(payment, metric.refused, { subject: 'config' })).toBe(0);
  expect((await call(cart, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(200);
});
