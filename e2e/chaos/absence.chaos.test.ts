/** The control plane away for five minutes, and the API server for one: traffic and restarts of proxies go on. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeComponents, restartProxy, restoreComponents } from '../support/absence.ts';
import { call, shopPod } from '../support/calls.ts';
import { imageLoader, namespaces } from '../support/environment.ts';
import { hasProxy, rolledOut } from '../support/install.ts';
import { kubectl, livingPods, tryKubectl } from '../support/kubectl.ts';
import { startLoad } from '../support/load.ts';
import { applyPolicy, removePolicies } from '../support/policies.ts';
import { run } from '../support/run.ts';
import { holds, waitFor } from '../support/waitFor.ts';

const { shop } = namespaces;
const both = ['webhook', 'operator'];
const MINUTE = 60_000;

beforeAll(async () => {
  await removePolicies();
  await applyPolicy('strict', { mtls: { mode: 'Strict' } });
});

afterAll(removePolicies);

describe('operator and webhook away for five minutes', () => {
  afterEach(() => restoreComponents(both));

  it('no request fails, restarted proxies serve, and later pods are injected', async () => {
    const load = await startLoad({
      url: 'http://catalog:8080/products',
      rate: 50,
      seconds: 330,
      name: 'load-absence',
    });
    await removeComponents(both);
    const away = performance.now();
    for (const app of ['cart', 'payment']) await restartProxy(shop, (await shopPod(app)).pod);
    const web = await shopPod('web');
    await holds(
      async () => {
        const answer = await call(web, 'http://web:8080/checkout', { method: 'POST' });
        expect(answer.status).toBe(200);
      },
      5 * MINUTE - (performance.now() - away),
    );
    const summary = await load.stop();
    process.stdout.write(`control plane away: ${JSON.stringify(summary)}\n`);
    expect(summary.failures).toEqual([]);
    expect(summary.failed).toBe(0);

    await restoreComponents(both);
    await kubectl(['rollout', 'restart', 'deployment/inventory', '-n', shop]);
    await rolledOut(shop);
    expect((await livingPods(shop, 'app=inventory')).every(hasProxy)).toBe(true);
  });
});

describe('the API server away for a minute', () => {
  // how to stop an API server is known only of the test cluster's own command
  const component = (verb: string) => run(imageLoader, [verb, 'kube-apiserver']);
  afterEach(() => component('start'));

  it('no request fails, and policy can be changed again afterwards', async () => {
    const load = await startLoad({
      url: 'http://catalog:8080/products',
      rate: 50,
      seconds: 120,
      name: 'load-api-away',
    });
    await component('stop');
    await holds(async () => {
      const { code } = await tryKubectl(['get', '--raw', '/readyz', '--request-timeout=2s']);
      expect(code).not.toBe(0);
    }, MINUTE);
    await component('start');
    const summary = await waitFor('the load to end', () => load.done(), 3 * MINUTE);
    process.stdout.write(`API server away: ${JSON.stringify(summary)}\n`);
    expect(summary.failures).toEqual([]);
    await applyPolicy('after', { selector: { matchLabels: { app: 'cart' } }, mtls: { mode: 'Permissive' } });
  });
});
