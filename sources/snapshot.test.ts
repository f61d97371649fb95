import { describe, expect, it } from 'vitest';
import { annotation, container } from '../core/model/names.ts';
import { noObjects, SnapshotBuilder, type Manifest, type RawMesh, type RawObjects } from './index.ts';
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
  snapshotOf,
  workload,
} from './testing/mesh.ts';

const only = (...manifests: Manifest[]) => [...snapshotOf(...manifests).pods.values()][0];

describe('a pod', () => {
  it('is known with all that the mesh needs of it', () => {
    const model = only(
      pod('cart-1', {
        account: 'cart',
        labels: { app: 'cart', 'topology.kubernetes.io/zone': 'z1' },
        ports: [{ name: 'http', containerPort: 8080 }],
        owner: ofDeployment('cart'),
      }),
      replicaSet('cart'),
    );
    expect(model).toMatchObject({
      namespace: 'shop',
      name: 'cart-1',
      ips: ['10.1.0.1'],
      serviceAccount: 'cart',
      zone: 'z1',
      workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
      proxy: { wires: ['weft-tcp/1'], started: true },
      ports: [{ name: 'http', port: 8080 }],
      terminating: false,
    });
  });

  it.each<[string, string | undefined, string]>([
    ['no annotation', undefined, container.proxy],
    ['no proxy', '{"version":"1","wires":["weft-tcp/1"]}', 'other'],
    ['no JSON', '{', container.proxy],
    ['no object', 'null', container.proxy],
    ['no list', '{"wires":"weft-tcp/1"}', container.proxy],
    ['no texts', '{"wires":[1]}', container.proxy],
  ])('has no proxy where there is %s', (_name, stamp, init) => {
    const { kind, object } = pod('p');
    const metadata = {
      ...object.metadata,
      annotations: stamp === undefined ? {} : { [annotation.proxy]: stamp },
    };
    const changed = { ...object, metadata, spec: { initContainers: [{ name: init }] } };
    expect(only({ kind, object: changed })?.proxy).toBeUndefined();
  });

  it('has a proxy that did not start yet', () => {
    expect(only(pod('p', { proxy: { wires: ['weft-tcp/1'], started: false } }))?.proxy?.started).toBe(false);
  });
});

describe('endpoints', () => {
  const endpoints = (...slices: Manifest[]) =>
    snapshotOf(service('db'), ...slices).services.get('shop/db')?.endpoints;

  it('are ready where nothing else is said, and serving where they are ready', () => {
    expect(endpoints(slice('db', [{ address: '10.1.0.1' }]))).toEqual([
      { address: '10.1.0.1', ports: { http: 8080 }, ready: true, serving: true, terminating: false },
    ]);
  });

  it('in two slices count once, in the more usable form', () => {
    const list = endpoints(
      slice('db', [{ address: '10.1.0.1', ready: false }]),
      slice('db', [{ address: '10.1.0.1' }], { suffix: 'b' }),
      slice('db', [{ address: '10.1.0.1', ready: false }], { suffix: 'c' }),
    );
    expect(list?.map(({ ready }) => ready)).toEqual([true]);
  });

  it('of another service or namespace are not ours', () => {
    expect(
      endpoints(
        slice('web', [{ address: '1.1.1.1' }]),
        slice('db', [{ address: '1.1.1.1' }], { namespace: 'x' }),
      ),
    ).toEqual([]);
  });
});

describe('an annotation of a Service that cannot be read', () => {
  it('is told once, until it is another one', () => {
    const problems: string[] = [];
    const builder = new SnapshotBuilder({ ...settings, onProblem: (problem) => problems.push(`${problem}`) });
    const put = (visibleTo: string) => builder.put('services', service('db', { visibleTo }).object);
    const seen = () => builder.snapshot('1').services.get('shop/db')?.visibleTo;
    put('bank;web');
    put('bank;web');
    expect([problems.length, seen()]).toEqual([1, []]);
    expect(problems[0]).toMatch(/INVALID_ANNOTATION.*Service shop\/db.*weft.dev\/visible-to/s);
    put('web, bank,.');
    expect([problems.length, seen()]).toEqual([1, ['bank', 'web']]);
    put('');
    expect([problems.length, seen()]).toEqual([2, []]);
  });
});

describe('from one snapshot to the next', () => {
  const manifests = [
    namespace('shop'),
    account('cart'),
    workload('cart'),
    replicaSet('cart'),
    pod('cart-1', { owner: ofDeployment('cart') }),
    pod('bare', { account: 'cart' }),
    service('cart'),
    slice('cart', [{ address: '10.1.0.1', pod: 'cart-1' }]),
    policy('p', { mtls: { mode: 'Strict' } }),
  ];
  const objects = objectsOf(manifests);
  const MAPS = ['namespaces', 'services', 'pods', 'workloads', 'serviceAccounts', 'policies'] as const;

  it('everything that did not change is the very same value', () => {
    const builder = new SnapshotBuilder(settings);
    const first = builder.build(objects, '1');
    const second = builder.build({ ...objects }, '2');
    expect(MAPS.filter((map) => first[map] !== second[map])).toEqual([]);
    // lists made anew of the same objects
    const copied = Object.fromEntries(
      Object.entries(objects).map(([kind, list]) => [kind, [...(list as unknown[])]]),
    ) as unknown as RawObjects;
    const third = builder.build(copied, '3');
    expect(MAPS.filter((map) => first[map] !== third[map])).toEqual([]);
    expect(third.revision).toBe('3');
  });

  it('a change shows where it happened and nowhere else', () => {
    const builder = new SnapshotBuilder(settings);
    const first = builder.build(objects, '1');
    const ended = pod('cart-1', { owner: ofDeployment('cart'), phase: 'Failed' }).object;
    const pods = objects.pods.map((raw) => (raw.metadata.name === 'cart-1' ? ended : raw));
    const second = builder.build({ ...objects, pods }, '2');
    expect(MAPS.filter((map) => first[map] !== second[map])).toEqual(['pods']);
    expect(second.pods.get('shop/bare')).toBe(first.pods.get('shop/bare'));
    expect(second.pods.get('shop/cart-1')?.phase).toBe('Failed');
  });

  it('a service follows its slices', () => {
    const builder = new SnapshotBuilder(settings);
    const first = builder.build(objects, '1');
    const second = builder.build({ ...objects, endpointSlices: [] }, '2');
    expect(first.services.get('shop/cart')?.endpoints).toHaveLength(1);
    expect(second.services.get('shop/cart')?.endpoints).toHaveLength(0);
  });

  it('a pod finds its Deployment when the ReplicaSet is seen after it', () => {
    const builder = new SnapshotBuilder(settings);
    const before = builder.build({ ...objects, replicaSets: [] }, '1');
    expect(before.pods.get('shop/cart-1')?.workload.kind).toBe('replicaset');
    expect(builder.build(objects, '2').pods.get('shop/cart-1')?.workload.kind).toBe('deployment');
  });
});

describe('mesh resources', () => {
  const good = (generation: number, mode = 'Strict') =>
    policy('p', { mtls: { mode } }, { generation }).object;
  const bad = (generation: number) => policy('p', { mtls: { mode: 'strict' } }, { generation }).object;
  const build = (builder: SnapshotBuilder, ...meshPolicies: RawMesh[]) =>
    builder.build({ ...noObjects, meshPolicies }, '1');

  it('an invalid change leaves the last good form in force and is told', () => {
    const builder = new SnapshotBuilder(settings);
    const first = build(builder, good(1));
    const second = build(builder, bad(2));
    expect(second.policies).toEqual(first.policies);
    expect(second.rejected).toMatchObject([
      {
        kind: 'MeshPolicy',
        namespace: 'shop',
        name: 'p',
        generation: 2,
        inForce: 1,
        problems: [{ field: 'spec.mtls.mode' }],
      },
    ]);
    const third = build(builder, good(3, 'Permissive'));
    expect([third.policies[0]?.spec.mtls?.mode, third.rejected]).toEqual(['Permissive', []]);
  });

  it('one that never was good is not in force', () => {
    const { policies, rejected } = build(new SnapshotBuilder(settings), bad(1));
    expect(policies).toEqual([]);
    expect(rejected).toHaveLength(1);
    expect(rejected[0]).not.toHaveProperty('inForce');
  });

  it('one that was deleted and made again has nothing of its predecessor', () => {
    const builder = new SnapshotBuilder(settings);
    build(builder, good(1));
    const { object } = policy('p', { mtls: { mode: 'no' } }, { uid: 'another' });
    expect(build(builder, object).policies).toEqual([]);
  });

  it('a change of status keeps the spec the very same value', () => {
    const builder = new SnapshotBuilder(settings);
    const first = build(builder, good(1));
    const second = build(builder, { ...good(1), status: { applied: '1/1' } } as RawMesh);
    expect(second.policies[0]?.spec).toBe(first.policies[0]?.spec);
    expect(second.policies[0]?.status).toEqual({ applied: '1/1' });
  });

  it('a refused form says what its status is now', () => {
    const { rejected } = build(new SnapshotBuilder(settings), {
      ...bad(1),
      status: { applied: '0/1' },
    } as RawMesh);
    expect(rejected[0]?.status).toEqual({ applied: '0/1' });
  });

  it('are ordered by age, then by name', () => {
    const at = (name: string, created: string) =>
      policy(name, { mtls: { mode: 'Strict' } }, { created }).object;
    const { policies } = build(
      new SnapshotBuilder(settings),
      at('b', '2026-01-01T00:00:00Z'),
      at('c', '2025-01-01T00:00:00Z'),
      at('a', '2026-01-01T00:00:00Z'),
    );
    expect(policies.map(({ metadata }) => metadata.name)).toEqual(['c', 'a', 'b']);
  });

  it('MeshConfig: defaults until there is one, its last good form after', () => {
    const builder = new SnapshotBuilder({ ...settings, trustDomain: 'first.example' });
    const config = (spec: object, generation: number) =>
      builder.build({ ...noObjects, meshConfigs: [meshConfig(spec, { generation }).object] }, '1');
    const none = builder.build(noObjects, '1');
    expect([none.meshConfig.trustDomain, none.meshConfigResource]).toEqual(['first.example', undefined]);
    expect(config({ proxy: { drain: '5s' } }, 1).meshConfig.proxy.drain).toBe('5s');
    const invalid = config({ proxy: { drain: '5h' } }, 2);
    expect(invalid.meshConfig.proxy.drain).toBe('5s');
    expect(invalid.rejected).toMatchObject([{ kind: 'MeshConfig', name: 'default', inForce: 1 }]);
  });
});
