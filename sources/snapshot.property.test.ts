/** Any history of objects: a snapshot depends on the last state alone, and shows a change only where there is one. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Snapshot } from '../core/model/index.ts';
import { buildSnapshot, rawKey, SnapshotBuilder, type Manifest } from './index.ts';
import {
  account,
  meshConfig,
  namespace,
  objectsOf,
  ofDeployment,
  pod,
  policy,
  replicaSet,
  service,
  settings,
  slice,
  workload,
} from './testing/mesh.ts';

const anyName = fc.constantFrom('a', 'b', 'c');
const anyUid = fc.constantFrom('one', 'two');
const anyOwner = fc.constantFrom(undefined, ofDeployment('a'), ofDeployment('b'), {
  apiVersion: 'db.example/v1',
  kind: 'Cluster',
  name: 'a',
});

const anyManifest: fc.Arbitrary<Manifest> = fc.oneof(
  fc
    .record({ name: anyName, uid: anyUid, owner: anyOwner, account: anyName, deleted: fc.boolean() })
    .map(({ name, owner, ...rest }) => pod(name, { ...rest, ...(owner ? { owner } : {}) })),
  fc
    .record({ service: anyName, pods: fc.subarray(['a', 'b', 'c']), suffix: anyUid, ready: fc.boolean() })
    .map(({ service, pods, suffix, ready }) =>
      slice(
        service,
        pods.map((pod) => ({ address: `10.1.0.${pod.charCodeAt(0)}`, pod, ready })),
        { suffix },
      ),
    ),
  fc
    .tuple(anyName, fc.constantFrom('*', '.', 'bank'))
    .map(([name, visibleTo]) => service(name, { visibleTo })),
  anyName.map((name) => replicaSet(name)),
  fc.tuple(anyName, anyUid).map(([name, uid]) => workload(name, { uid })),
  fc.tuple(anyName, fc.boolean()).map(([name, over]) =>
    workload(name, {
      kind: 'jobs',
      status: over ? { conditions: [{ type: 'Complete', status: 'True' }] } : {},
    }),
  ),
  anyName.map((name) => account(name)),
  fc.boolean().map((enabled) => namespace('shop', enabled)),
  fc
    .tuple(anyName, fc.constantFrom('Strict', 'nonsense'), fc.integer({ min: 1, max: 99 }))
    .map(([name, mode, generation]) =>
      policy(name, { mtls: { mode } }, { generation, uid: `${name}${generation}${mode}` }),
    ),
  fc
    .integer({ min: 1, max: 9 })
    .map((generation) => meshConfig({ proxy: { drain: `${generation}s` } }, { generation })),
);

/** From the first moment on there is something to change. */
const BEGINNING: readonly Manifest[] = ['a', 'b', 'c'].flatMap((name) => [
  service(name),
  slice(name, [{ address: '10.1.0.1', pod: name }], { suffix: 'one' }),
  pod(name, { account: name }),
  account(name),
  replicaSet(name),
]);

const MAPS = ['namespaces', 'services', 'pods', 'workloads', 'serviceAccounts'] as const;
type Values = ReadonlyMap<string, object>;

/** A snapshot without the order of its maps, nor that of endpoints, which say nothing. */
function plain(snapshot: Snapshot) {
  const sorted = (map: Values) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  const { policies, rejected, meshConfig: config } = snapshot;
  const names = rejected.map(({ kind, name, generation }) => `${kind} ${name} ${generation}`).sort();
  return [MAPS.map((map) => sorted(snapshot[map])), policies, names, config];
}

const keyOf = ({ kind, object }: Manifest) => `${kind}/${rawKey(object)}`;

it('any history of objects gives what they give at once, and keeps the values of all that did not change', () => {
  const anyStep = fc.record({ manifest: anyManifest, remove: fc.boolean(), look: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 1, maxLength: 40 }), (steps) => {
      const builder = new SnapshotBuilder(settings);
      const manifests = new Map(BEGINNING.map((manifest) => [keyOf(manifest), manifest]));
      for (const { kind, object } of BEGINNING) builder.put(kind, object);
      let last = builder.snapshot('0');
      for (const { manifest, remove, look } of steps) {
        const { kind, object } = manifest;
        if (remove) builder.remove(kind, rawKey(object));
        else builder.put(kind, object);
        if (remove) manifests.delete(keyOf(manifest));
        else manifests.set(keyOf(manifest), manifest);
        if (!look) continue;
        const next = builder.snapshot('0');
        const anew = buildSnapshot(objectsOf(structuredClone([...manifests.values()].reverse())), settings);
        expect(plain(next)).toEqual(plain(anew));
        for (const map of MAPS) expect(needlessly(last[map], next[map])).toEqual([]);
        last = next;
      }
    }),
    { numRuns: 200 },
  );
}, 60_000);

/** Keys of values that are others, though they say the same; and the map, if it is another one for no reason. */
function needlessly(before: Values, after: Values): string[] {
  const others = [...after].filter(([key, value]) => before.get(key) !== value);
  const isSame = others.length === 0 && before.size === after.size;
  const map = isSame && before !== after ? ['the map'] : [];
  // a new object gives a new value: only workloads are made of several that come and go
  const same = others.filter(([key, value]) => {
    const was = before.get(key);
    return (
      was !== undefined &&
      !('template' in value) &&
      'kindName' in value &&
      JSON.stringify(was) === JSON.stringify(value)
    );
  });
  return [...map, ...same.map(([key]) => key)];
}
