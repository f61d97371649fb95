/** Following snapshot by snapshot gives what looking at the last one alone gives, and names every pod that changed. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { MeshPolicy } from '../../core/api/index.ts';
import { workloadKey, type PodModel, type Snapshot } from '../../core/model/index.ts';
import { meshPolicy, podModel, snapshotOf } from '../testing/model.ts';
import { SnapshotView } from './view.ts';

const NAMESPACES = ['shop', 'bank', 'weft-system', 'kube-system'];
const APPS = ['cart', 'web'];

const pod = fc.record({
  name: fc.integer({ min: 0, max: 5 }).map((index) => `p-${index}`),
  namespace: fc.constantFrom(...NAMESPACES),
  app: fc.constantFrom(...APPS),
  proxy: fc.constantFrom('none', 'starting', 'started'),
  terminating: fc.boolean(),
  uid: fc.constantFrom('a', 'b'),
});
const policy = fc.record({
  name: fc.integer({ min: 0, max: 3 }).map((index) => `m-${index}`),
  namespace: fc.constantFrom('shop', 'bank', 'weft-system'),
  app: fc.constantFrom(undefined, ...APPS),
  mode: fc.constantFrom<'Strict' | 'Permissive'>('Strict', 'Permissive'),
});
const step = fc.record({
  pods: fc.array(pod, { maxLength: 4 }),
  gone: fc.array(fc.constantFrom(...NAMESPACES), { maxLength: 1 }),
  policies: fc.option(fc.uniqueArray(policy, { maxLength: 4, selector: ({ name }) => name })),
  enabled: fc.subarray(['shop', 'bank']),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function podOf({ name, namespace, app, proxy, terminating, uid }: Step['pods'][number]): PodModel {
  const { proxy: started, ...bare } = podModel(name, {
    namespace,
    labels: { app },
    terminating,
    uid: `${namespace}-${name}-${uid}`,
    workload: { kind: 'deployment', namespace, name: app },
  });
  if (proxy === 'none') return bare;
  return { ...bare, proxy: { ...started!, started: proxy === 'started' } };
}

const policyOf = ({ name, namespace, app, mode }: NonNullable<Step['policies']>[number]): MeshPolicy =>
  meshPolicy(
    name,
    { mtls: { mode }, ...(app === undefined ? {} : { selector: { matchLabels: { app } } }) },
    { namespace },
  );

function after(before: Snapshot, { pods, gone, policies, enabled }: Step): Snapshot {
  const next = new Map([...before.pods].filter(([, { namespace }]) => !gone.includes(namespace)));
  for (const one of pods.map(podOf)) next.set(`${one.namespace}/${one.name}`, one);
  const fresh = snapshotOf({ enabled, policies: policies?.map(policyOf) ?? [] });
  return {
    ...fresh,
    pods: pods.length + gone.length === 0 ? before.pods : next,
    policies: policies ? fresh.policies : before.policies,
  };
}

/** All that anybody asks of a view. */
function answers(view: SnapshotView): unknown {
  const { snapshot } = view;
  const names = (pods: Iterable<PodModel>): string[] => Array.from(pods, ({ uid }) => uid).sort();
  const pods = [...snapshot.pods.values()];
  return {
    podsOf: NAMESPACES.map((namespace) => names(view.podsOf(namespace).values())),
    injected: pods.map(({ workload }) => names(view.injected(workloadKey(workload)).values())).sort(),
    proxies: names(view.proxies()),
    policiesOf: pods.map((one) => [one.uid, ...view.policiesOf(one).sort()]).sort(),
    missing: names(pods.filter((one) => view.proxyMissing(one))),
    selected: [...view.policies].map(([name, one]) => {
      const { meshed, unprotected } = view.selected(one);
      return [name, names(meshed), names(unprotected), view.conflict(name)];
    }),
  };
}

it('gives the same as looking at the last snapshot alone, and names what changed', () => {
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
    let snapshot = snapshotOf();
    const view = new SnapshotView(snapshot);
    for (const one of steps) {
      const before = snapshot;
      snapshot = after(before, one);
      const { pods } = view.take(snapshot);
      const keys = new Set([...before.pods.keys(), ...snapshot.pods.keys()]);
      const changed = [...keys].filter((key) => before.pods.get(key) !== snapshot.pods.get(key));
      expect(new Set(pods.map(({ key }) => key))).toEqual(new Set(changed));
      expect(answers(view)).toEqual(answers(new SnapshotView(snapshot)));
    }
    return true;
  });
  expect(fc.check(property, { numRuns: 200 })).toMatchObject({ failed: false, counterexample: null });
});
