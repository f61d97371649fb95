import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
} from '../../sources/testing/mesh.ts';
import { buildSnapshot, type Manifest } from '../../sources/index.ts';
import type { ProxyConfig } from '../proxyConfig/index.ts';
import type { Snapshot } from '../model/index.ts';
import { directoryOf, documentOf, workloadsOf } from '../../sources/testing/compiled.ts';

const CART = { kind: 'deployment', namespace: 'shop', name: 'cart' };
const cartOf = (snapshot: Snapshot, ...used: string[]): ProxyConfig => documentOf(snapshot, CART, ...used);

const labels = { app: 'cart' };
const cart: Manifest[] = [
  namespace('shop'),
  account('cart'),
  replicaSet('cart'),
  workload('cart', { labels, account: 'cart', ports: [{ name: 'web', containerPort: 8080 }] }),
  service('cart', { ip: '10.96.0.5', ports: [{ name: 'http', port: 80, targetPort: 'web' }] }),
  pod('cart-1', { labels, account: 'cart', ip: '10.1.0.1', owner: ofDeployment('cart') }),
  slice('cart', [{ address: '10.1.0.1', pod: 'cart-1' }]),
];
const other: Manifest[] = [
  namespace('bank'),
  account('teller', 'bank'),
  workload('teller', { namespace: 'bank', labels: { app: 'teller' }, account: 'teller' }),
  service('teller', { namespace: 'bank', ip: '10.96.9.9' }),
  pod('teller-1', { namespace: 'bank', labels: { app: 'teller' }, account: 'teller', ip: '10.1.9.9' }),
  slice('teller', [{ address: '10.1.9.9', pod: 'teller-1' }], { namespace: 'bank' }),
];

describe('a document', () => {
  it('carries the settings of the mesh', () => {
    const config = meshConfig(
      {
        trustDomain: 'mesh.example',
        proxy: { drain: '5s', logLevel: 'Debug' },
        telemetry: { accessLog: 'Off' },
      },
      { generation: 7, uid: 'c' },
    );
    const document = cartOf(snapshotOf(...cart, config));
    expect(document).toMatchObject({
      trust: { trustDomain: 'mesh.example' },
      telemetry: { accessLog: 'Off' },
      settings: { logLevel: 'Debug', drainMs: 5_000, connectTimeoutMs: 5_000, idleTimeoutMs: 3_600_000 },
      resources: { 'MeshConfig/default': { uid: 'c', generation: 7 } },
    });
    expect(document.services[0]?.ports[0]?.endpoints[0]?.identity).toBe(
      'spiffe://mesh.example/ns/shop/sa/cart',
    );
  });

  it('names every policy that selects the workload, in Shadow too, and no other', () => {
    const strict = { mtls: { mode: 'Strict' } };
    const document = cartOf(
      snapshotOf(
        ...cart,
        ...other,
        policy('all', strict, { generation: 3 }),
        policy('shadow', { ...strict, mode: 'Shadow' }),
        policy('mine', { ...strict, selector: { matchLabels: labels } }),
        policy('not-mine', { ...strict, selector: { matchLabels: { app: 'web' } } }),
        policy('theirs', strict, { namespace: 'bank' }),
        policy('mesh', strict, { namespace: 'weft-system' }),
      ),
    );
    expect(Object.keys(document.resources)).toEqual([
      'MeshPolicy/shop/all',
      'MeshPolicy/shop/mine',
      'MeshPolicy/shop/shadow',
      'MeshPolicy/weft-system/mesh',
    ]);
    expect(document.resources['MeshPolicy/shop/all']).toEqual({
      uid: 'meshPolicies-shop-all',
      generation: 3,
    });
  });

  it('says what policies in Shadow would do, and only then', () => {
    const shadow = policy('shadow', { mode: 'Shadow', mtls: { mode: 'Strict' } });
    const [section] = cartOf(snapshotOf(...cart, shadow)).sections;
    expect([section?.inbound.mtls.mode, section?.shadow?.mtls.mode]).toEqual(['Permissive', 'Strict']);
    expect(cartOf(snapshotOf(...cart)).sections[0]).not.toHaveProperty('shadow');
  });
});

describe('sections', () => {
  it('are one for the template and one for each other form of the pods that run', () => {
    const old = pod('cart-0', {
      labels: { app: 'cart', version: 'v0', 'pod-template-hash': 'x', 'topology.kubernetes.io/zone': 'z' },
      owner: ofDeployment('cart'),
    });
    const policies = [
      policy('v0', { mtls: { mode: 'Strict' }, selector: { matchLabels: { version: 'v0' } } }),
    ];
    const { sections } = cartOf(snapshotOf(...cart, old, ...policies));
    expect(sections.map((each) => [each.labels, each.inbound.mtls.mode])).toEqual([
      [{ app: 'cart', version: 'v0' }, 'Strict'],
      [{ app: 'cart' }, 'Permissive'],
    ]);
  });

  it('say what Services declare of the ports of the workload', () => {
    const { sections } = cartOf(
      snapshotOf(
        ...cart,
        service('more', {
          selector: labels,
          ports: [
            { name: 'grpc', port: 9000 },
            { name: 'x', port: 1, targetPort: 9001 },
            { name: 'tcp', port: 2, targetPort: 'nowhere' },
          ],
        }),
        service('contradiction', { selector: labels, ports: [{ name: 'tcp', port: 9000 }] }),
        service('of-others', { selector: { app: 'web' }, ports: [{ name: 'tcp', port: 7000 }] }),
      ),
    );
    expect(sections[0]?.protocols).toEqual({ 8080: 'Http' });
  });
});

describe('services of a document', () => {
  it('are those of the own namespace by all their names', () => {
    const { services } = cartOf(snapshotOf(...cart, ...other));
    expect(services.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['shop/cart']);
    expect(services[0]?.hosts).toEqual(['cart', 'cart.shop', 'cart.shop.svc', 'cart.shop.svc.cluster.local']);
  });

  it('are those of other namespaces that it uses, without the bare name', () => {
    const snapshot = snapshotOf(...cart, ...other);
    const teller = cartOf(snapshot, 'bank/teller').services.find(({ name }) => name === 'teller');
    expect(teller?.hosts).toEqual(['teller.bank', 'teller.bank.svc', 'teller.bank.svc.cluster.local']);
    expect(teller?.ports[0]?.endpoints.map(({ address, wire }) => [address, wire])).toEqual([
      ['10.1.9.9', 'weft-tcp/1'],
    ]);
  });

  it('are not those that it used and that are gone, or outside the mesh', () => {
    const plain = [service('old', { namespace: 'plain' }), namespace('plain', false)];
    const { services } = cartOf(snapshotOf(...cart, ...plain), 'bank/teller', 'plain/old', 'shop/cart');
    expect(services.map(({ name }) => name)).toEqual(['cart']);
  });

  it('are in the directory while some of their pods have no proxy, so that no proxy takes them for the outside', () => {
    const bare = pod('teller-2', { namespace: 'bank', ip: '10.1.9.8', proxy: false });
    const more = slice('teller', [{ address: '10.1.9.8', pod: 'teller-2' }], {
      namespace: 'bank',
      suffix: 'b',
    });
    const snapshot = snapshotOf(...cart, ...other, bare, more);
    expect(directoryOf(snapshot).services.map(({ name }) => name)).toEqual(['teller', 'cart']);
    expect(cartOf(snapshot).services.map(({ name }) => name)).toEqual(['cart']);
    const teller = cartOf(snapshot, 'bank/teller').services.find(({ name }) => name === 'teller');
    expect(teller?.ports[0]?.endpoints.map(({ address, wire }) => [address, wire])).toEqual([
      ['10.1.9.8', undefined],
      ['10.1.9.9', 'weft-tcp/1'],
    ]);
  });
});

describe('in general', () => {
  const everything = [
    ...cart,
    ...other,
    policy('a', { mtls: { mode: 'Strict' } }),
    policy('b', { authorization: {} }),
  ];
  const texts = (manifests: readonly Manifest[]) => {
    const snapshot = buildSnapshot(objectsOf(manifests), settings);
    return JSON.stringify([
      workloadsOf(snapshot).map((ref) => documentOf(snapshot, ref)),
      directoryOf(snapshot),
    ]);
  };

  it('the order of the objects makes no difference', () => {
    const expected = texts(everything);
    fc.assert(
      fc.property(fc.shuffledSubarray(everything, { minLength: everything.length }), (shuffled) => {
        expect(texts(shuffled)).toBe(expected);
      }),
    );
  });

  it('what happens in another namespace does not change a document', () => {
    const before = cartOf(snapshotOf(...everything));
    const change = fc.oneof(
      fc.constant(policy('new', { mtls: { mode: 'Strict' } }, { namespace: 'bank' })),
      fc.constant(service('new', { namespace: 'bank' })),
      fc.constant(workload('new', { namespace: 'bank', labels: { app: 'cart' } })),
      fc.constant(pod('cart-1', { namespace: 'bank', labels })),
      fc.constant(namespace('new')),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        expect(cartOf(snapshotOf(...everything, ...changes)).hash).toBe(before.hash);
      }),
    );
  });
});
