import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  account,
  hash,
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
import { buildSnapshot, SnapshotBuilder, type Manifest } from '../../sources/index.ts';
import { hashContent, parseDirectory, parseProxyConfig, type ProxyConfig } from '../proxyConfig/index.ts';
import type { Snapshot } from '../model/index.ts';
import { buildDestinations } from '../../proxy/outbound/destinations.ts';
import { compileDirectory, compileWorkload, workloadsOf } from './index.ts';

const tools = { hash, epoch: 1 };
const CART = { kind: 'deployment', namespace: 'shop', name: 'cart' };
const documentOf = (snapshot: Snapshot, ref = CART): ProxyConfig => compileWorkload(snapshot, ref, tools);

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
  it('is what the proxy reads, with the hash of its content', () => {
    const document = documentOf(snapshotOf(...cart, ...other, policy('p', { mtls: { mode: 'Strict' } })));
    expect(document.hash).toBe(hashContent(document, hash));
    expect(parseProxyConfig(JSON.stringify(document), hash)).toEqual(document);
    const directory = compileDirectory(snapshotOf(...cart, ...other), tools);
    expect(parseDirectory(JSON.stringify(directory), hash)).toEqual(directory);
  });

  it('carries the settings of the mesh', () => {
    const config = meshConfig(
      {
        trustDomain: 'mesh.example',
        proxy: { drain: '5s', logLevel: 'Debug' },
        telemetry: { accessLog: 'Off' },
      },
      { generation: 7, uid: 'c' },
    );
    const document = documentOf(snapshotOf(...cart, config));
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
    const document = documentOf(
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
    const [section] = documentOf(snapshotOf(...cart, shadow)).sections;
    expect([section?.inbound.mtls.mode, section?.shadow?.mtls.mode]).toEqual(['Permissive', 'Strict']);
    expect(documentOf(snapshotOf(...cart)).sections[0]).not.toHaveProperty('shadow');
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
    const { sections } = documentOf(snapshotOf(...cart, old, ...policies));
    expect(sections.map((each) => [each.labels, each.inbound.mtls.mode])).toEqual([
      [{ app: 'cart', version: 'v0' }, 'Strict'],
      [{ app: 'cart' }, 'Permissive'],
    ]);
  });

  it('say what Services declare of the ports of the workload', () => {
    const { sections } = documentOf(
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
    const { services } = documentOf(snapshotOf(...cart, ...other));
    expect(services.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['shop/cart']);
    expect(services[0]?.hosts).toEqual(['cart', 'cart.shop', 'cart.shop.svc', 'cart.shop.svc.cluster.local']);
  });

  it('are mixed ones of other namespaces too, without the bare name', () => {
    const bare = pod('teller-2', { namespace: 'bank', ip: '10.1.9.8', proxy: false });
    const more = slice('teller', [{ address: '10.1.9.8', pod: 'teller-2' }], {
      namespace: 'bank',
      suffix: 'b',
    });
    const snapshot = snapshotOf(...cart, ...other, bare, more);
    const teller = documentOf(snapshot).services.find(({ name }) => name === 'teller');
    expect(teller?.hosts).toEqual(['teller.bank', 'teller.bank.svc', 'teller.bank.svc.cluster.local']);
    expect(teller?.ports[0]?.endpoints.map(({ address, wire }) => [address, wire])).toEqual([
      ['10.1.9.8', undefined],
      ['10.1.9.9', 'weft-tcp/1'],
    ]);
  });

  it('that become mixed or mesh never leave the directory, so that no proxy takes them for the outside', () => {
    const bare = pod('teller-2', { namespace: 'bank', ip: '10.1.9.8', proxy: false });
    const more = slice('teller', [{ address: '10.1.9.8', pod: 'teller-2' }], {
      namespace: 'bank',
      suffix: 'b',
    });
    const mesh = snapshotOf(...cart, ...other);
    const mixed = snapshotOf(...cart, ...other, bare, more);
    // whichever of the two files comes first
    for (const [before, after] of [
      [mesh, mixed],
      [mixed, mesh],
    ] as const) {
      for (const [document, directory] of [
        [before, after],
        [after, before],
      ] as const) {
        const found = buildDestinations(documentOf(document), compileDirectory(directory, tools));
        expect(found.resolveHost('teller.bank', 80)?.kind).toBe(document === mixed ? 'service' : 'directory');
      }
    }
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
      compileDirectory(snapshot, tools),
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
    const before = documentOf(snapshotOf(...everything));
    const change = fc.oneof(
      fc.constant(policy('new', { mtls: { mode: 'Strict' } }, { namespace: 'bank' })),
      fc.constant(service('new', { namespace: 'bank' })),
      fc.constant(workload('new', { namespace: 'bank', labels: { app: 'cart' } })),
      fc.constant(pod('cart-1', { namespace: 'bank', labels })),
      fc.constant(namespace('new')),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        expect(documentOf(snapshotOf(...everything, ...changes)).hash).toBe(before.hash);
      }),
    );
  });

  it('what was compiled before makes no difference to what is compiled next', () => {
    const builder = new SnapshotBuilder(settings);
    fc.assert(
      fc.property(fc.subarray(everything), (some) => {
        const objects = objectsOf([...cart, ...some]);
        const anew = documentOf(buildSnapshot(structuredClone(objects), settings));
        expect(documentOf(builder.build(objects, '1')).hash).toBe(anew.hash);
      }),
    );
  });

  it('a part that stays the same stays the very same value', () => {
    const builder = new SnapshotBuilder(settings);
    const objects = objectsOf(everything);
    const before = documentOf(builder.build(objects, '1'));
    const started = pod('teller-1', {
      namespace: 'bank',
      labels: { app: 'teller' },
      account: 'teller',
      ip: '10.1.9.9',
    });
    const pods = objects.pods.map((raw) => (raw.metadata.name === 'teller-1' ? started.object : raw));
    const after = documentOf(builder.build({ ...objects, pods }, '2'));
    expect(after.services[0]).toBe(before.services[0]);
    expect(after.hash).toBe(before.hash);
    expect(after.revision).toBe('2');
  });
});
