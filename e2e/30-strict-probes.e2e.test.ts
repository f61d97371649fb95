/** Under Strict kubelet's own probes, which are plain text and without identity, keep the shop's pods Ready. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, caller, shopPod } from './support/calls.ts';
import { namespaces } from './support/environment.ts';
import { rolledOut } from './support/install.ts';
import { healthOf, isReady, kubectl, livingPods } from './support/kubectl.ts';
import { appliedEverywhere, policyFile, removePolicies } from './support/policies.ts';
import { holds } from './support/waitFor.ts';

const { shop, outside } = namespaces;

beforeAll(async () => {
  await kubectl(['apply', '-f', policyFile('strict')]);
  await appliedEverywhere('strict');
});

afterAll(removePolicies);

it('pods that start under Strict become Ready: HTTP, TCP and gRPC probes', async () => {
  await kubectl(['-n', shop, 'rollout', 'restart', 'deployment']);
  await rolledOut(shop);
  const pods = await livingPods(shop, 'app in (web,cart,catalog,payment,inventory)');
  expect(pods.filter((pod) => !isReady(pod))).toEqual([]);
});

it('pods stay Ready, and none is restarted by a liveness probe', async () => {
  // longer than the liveness probes take to give up: period 5 s, three failures
  await holds(async () => {
    for (const pod of await livingPods(shop, 'app in (web,cart,catalog,payment,inventory)')) {
      expect(healthOf(pod)).toEqual({ pod: pod.metadata.name, ready: true, restarts: [0] });
    }
  }, 20_000);
});

it('the rewritten probes open nothing: a plain request to the health path of the application is refused', async () => {
  const from = await caller(outside);
  for (const service of ['web', 'cart', 'inventory']) {
    const answer = await call(from, `http://${service}.${shop}:8080/readyz`);
    expect({ service, ...answer }).toMatchObject({
      service,
      status: 403,
      headers: { 'x-weft-reason': 'MTLS_REQUIRED' },
    });
  }
});

it('the shop works under Strict', async () => {
  const web = await shopPod('web');
  expect((await call(web, 'http://web:8080/')).status).toBe(200);
  expect((await call(web, 'http://web:8080/checkout', { method: 'POST' })).status).toBe(200);
});
