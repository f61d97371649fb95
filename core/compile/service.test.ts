import { describe, expect, it } from 'vitest';
import {
  account,
  namespace,
  pod,
  policy,
  service,
  slice,
  snapshotOf,
  workload,
} from '../../sources/testing/mesh.ts';
import type { Manifest } from '../../sources/index.ts';
import { directoryOf, documentOf } from '../../sources/testing/compiled.ts';

const labels = { app: 'db' };

function compile(...manifests: Manifest[]) {
  const snapshot = snapshotOf(namespace('shop'), ...manifests);
  const document = documentOf(snapshot, { kind: 'deployment', namespace: 'shop', name: 'web' });
  return { services: document.services, directory: directoryOf(snapshot).services };
}

const endpoints = (...manifests: Manifest[]) => compile(...manifests).services[0]?.ports[0]?.endpoints;
const strict = policy('strict', { mtls: { mode: 'Strict' } });

describe('endpoints by the state of their pod', () => {
  const one = (podOptions: Parameters<typeof pod>[1], how: object = {}) => [
    service('db'),
    pod('db-0', { labels, account: 'db', ...podOptions }),
    slice('db', [{ address: '10.1.0.1', pod: 'db-0', ...how }]),
  ];
  const mtls = { wire: 'weft-tcp/1', identity: 'spiffe://cluster.local/ns/shop/sa/db' };
  const at = { address: '10.1.0.1', port: 8080, pod: 'shop/db-0', node: 'node1' };

  it.each<[string, Manifest[], object[]]>([
    ['with a proxy', one({}), [{ ...at, state: 'Ready', ...mtls }]],
    ['without', one({ proxy: false }), [{ ...at, state: 'Ready' }]],
    ['without, under Strict', [...one({ proxy: false }), strict], [{ ...at, state: 'Unprotected' }]],
    [
      'without, under Strict of that port',
      [...one({ proxy: false }), policy('p', { mtls: { ports: { 8080: 'Strict' } } })],
      [{ ...at, state: 'Unprotected' }],
    ],
    [
      'without, under Strict of another port',
      [...one({ proxy: false }), policy('p', { mtls: { ports: { 80: 'Strict' } } })],
      [{ ...at, state: 'Ready' }],
    ],
    [
      'a proxy that restarts',
      one({ proxy: { wires: ['weft-tcp/1'], started: false } }),
      [{ ...at, state: 'Ready', ...mtls }],
    ],
    [
      'a proxy that speaks several wires: by the best',
      one({ proxy: { wires: ['weft-tcp/1', 'weft/1'] } }),
      [{ ...at, state: 'Ready', ...mtls, wire: 'weft/1' }],
    ],
    [
      'a proxy of a later version: by what both know',
      one({ proxy: { wires: ['weft/2', 'weft-tcp/1'] } }),
      [{ ...at, state: 'Ready', ...mtls }],
    ],
    ['a proxy of another wire', one({ proxy: { wires: ['weft/9'] } }), [{ ...at, state: 'Ready' }]],
    [
      'a proxy of another wire, under Strict',
      [...one({ proxy: { wires: ['weft/9'] } }), strict],
      [{ ...at, state: 'Unprotected' }],
    ],
    ['mTLS disabled', [...one({}), policy('p', { mtls: { mode: 'Disabled' } })], [{ ...at, state: 'Ready' }]],
    [
      'a policy in Shadow',
      [...one({ proxy: false }), policy('p', { mode: 'Shadow', mtls: { mode: 'Strict' } })],
      [{ ...at, state: 'Ready' }],
    ],
    [
      'not ready: its peers dial it by its address all the same',
      one({}, { ready: false }),
      [{ ...at, state: 'NotReady', ...mtls }],
    ],
    ['not ready, without a proxy', one({ proxy: false }, { ready: false }), []],
    ['not ready, without a proxy, under Strict', [...one({ proxy: false }, { ready: false }), strict], []],
    [
      'terminating and serving',
      one({}, { ready: false, serving: true, terminating: true }),
      [{ ...at, state: 'Terminating', ...mtls }],
    ],
    [
      'terminating',
      one({}, { ready: false, serving: false, terminating: true }),
      [{ ...at, state: 'NotReady', ...mtls }],
    ],
    ['its pod is being deleted', one({ deleted: true }), [{ ...at, state: 'Terminating', ...mtls }]],
    ['its pod has ended', one({ phase: 'Succeeded' }), []],
    ['its pod is not known', [service('db'), slice('db', [{ address: '10.1.0.1', pod: 'db-0' }])], []],
    ['its pod was made anew', one({ uid: 'new' }, { podUid: 'old' }), []],
    [
      'no pod at all',
      [service('db'), slice('db', [{ address: '192.0.2.1' }])],
      [{ address: '192.0.2.1', port: 8080, state: 'Ready' }],
    ],
    [
      'no pod at all, under Strict',
      [service('db'), slice('db', [{ address: '192.0.2.1' }]), strict],
      [{ address: '192.0.2.1', port: 8080, state: 'Ready' }],
    ],
    ['a zone', one({}, { zone: 'z1' }), [{ ...at, state: 'Ready', ...mtls, zone: 'z1' }]],
  ])('%s', (_name, manifests, expected) => {
    expect(endpoints(...manifests)).toEqual(expected);
  });

  it('are in one order, each once, whatever the slices say', () => {
    const list = endpoints(
      service('db'),
      slice('db', [{ address: '10.1.0.2' }, { address: '10.1.0.1', ready: false }]),
      slice('db', [{ address: '10.1.0.1' }], { suffix: 'b' }),
    );
    expect(list?.map(({ address }) => address)).toEqual(['10.1.0.1', '10.1.0.2']);
  });
});

describe('ports', () => {
  it('have the endpoints of their name; UDP is not ours', () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'grpc', port: 81 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    const { services } = compile(
      service('db', { ports }),
      slice('db', [{ address: '10.1.0.1' }], { ports: { http: 8080, grpc: 9000, dns: 53 } }),
    );
    expect(
      services[0]?.ports.map(({ port, protocol, endpoints }) => [port, protocol, endpoints[0]?.port]),
    ).toEqual([
      [80, 'Http', 8080],
      [81, 'Grpc', 9000],
    ]);
  });

  it('of an ExternalName are none: what the name resolves to decides', () => {
    expect(compile(service('db', { externalName: 'db.example.com' }))).toEqual({
      services: [],
      directory: [],
    });
  });

  it('of a Service without TCP are none', () => {
    expect(compile(service('db', { ports: [{ port: 53, protocol: 'UDP' }] })).services).toEqual([]);
  });
});

describe('the directory', () => {
  const id = (name: string) => `spiffe://cluster.local/ns/shop/sa/${name}`;
  const injected = pod('db-0', { labels, account: 'db' });
  const inSlice = slice('db', [{ address: '10.1.0.1', pod: 'db-0' }]);

  it('has the addresses and identities of a service, those of pods to come among them', () => {
    const next = workload('db', { labels, account: 'db-next' });
    expect(
      compile(service('db', { ip: '10.96.0.7' }), injected, inSlice, next, account('db')).directory,
    ).toEqual([
      {
        namespace: 'shop',
        name: 'db',
        addresses: ['10.96.0.7'],
        ports: [{ port: 80, protocol: 'Http' }],
        identities: [id('db'), id('db-next')],
        wire: 'weft-tcp/1',
      },
    ]);
  });

  it('has the addresses of the endpoints of a headless service, and their ports', () => {
    expect(compile(service('db', { ip: 'None' }), injected, inSlice).directory).toMatchObject([
      { addresses: ['10.1.0.1'], ports: [{ port: 8080, protocol: 'Http' }], identities: [id('db')] },
    ]);
  });

  it('has the address of an endpoint of a headless service that is not ready', () => {
    const notReady = slice('db', [{ address: '10.1.0.1', pod: 'db-0', ready: false }]);
    expect(compile(service('db', { ip: 'None' }), injected, notReady).directory).toMatchObject([
      { addresses: ['10.1.0.1'], ports: [{ port: 8080 }], identities: [id('db')] },
    ]);
  });

  it('has of a headless service only the addresses that speak mTLS', () => {
    const bare = pod('db-1', { labels, proxy: false });
    const both = slice('db', [
      { address: '10.1.0.1', pod: 'db-0' },
      { address: '10.1.0.2', pod: 'db-1' },
    ]);
    expect(compile(service('db', { ip: 'None' }), injected, bare, both).directory).toMatchObject([
      { addresses: ['10.1.0.1'], identities: [id('db')] },
    ]);
  });

  type Proxy = false | { wires: string[] };
  const both = { wires: ['weft/1', 'weft-tcp/1'] };
  const older = { wires: ['weft-tcp/1'] };

  it.each<[string, Proxy[], string]>([
    ['all proxies speak weft/1', [both, both], 'weft/1'],
    ['one proxy is of an older version', [both, older], 'weft-tcp/1'],
    ['one pod has no proxy, and is not reached by the directory', [both, false], 'weft/1'],
    ['no proxy is known yet: the next may be of any version', [], 'weft-tcp/1'],
  ])('names the wire for an address: %s', (_name, proxies, wire) => {
    const pods = proxies.map((proxy, i) => pod(`db-${i}`, { labels, proxy }));
    const addresses = proxies.map((_, i) => ({ address: `10.1.0.${i}`, pod: `db-${i}` }));
    expect(compile(service('db'), ...pods, slice('db', addresses)).directory).toMatchObject([{ wire }]);
  });

  it('names the wire of proxies to which policy lets clients send plain text', () => {
    const disabled = policy('p', { mtls: { mode: 'Disabled' } });
    const proxy = pod('db-0', { labels, proxy: both });
    expect(compile(service('db'), proxy, inSlice, disabled).directory).toMatchObject([{ wire: 'weft/1' }]);
  });

  it.each<[string, Manifest[], boolean]>([
    ['a service of an enabled namespace that has no endpoint yet', [service('db')], true],
    [
      'one whose only pods have no proxy: mTLS to its address would reach them',
      [service('db'), pod('db-0', { labels, proxy: false }), inSlice],
      false,
    ],
    [
      'one whose port is plain by policy',
      [service('db'), injected, inSlice, policy('p', { mtls: { mode: 'Disabled' } })],
      true,
    ],
    [
      'one of addresses outside the cluster',
      [service('db', { selector: {} }), slice('db', [{ address: '192.0.2.1' }])],
      false,
    ],
    ['one without selector and endpoints', [service('db', { selector: {} })], false],
  ])('%s: %#', (_name, manifests, expected) => {
    expect(compile(...manifests).directory.length === 1).toBe(expected);
  });

  it('has no service of a namespace that is not of the mesh, but one that a proxy stands behind', () => {
    const plain = [
      namespace('old', false),
      service('db', { namespace: 'old' }),
      slice('db', [{ address: '10.1.0.1', pod: 'db-0' }], { namespace: 'old' }),
    ];
    const without = compile(...plain, pod('db-0', { namespace: 'old', proxy: false }));
    expect([without.directory, without.services]).toEqual([[], []]);
    expect(compile(...plain, pod('db-0', { namespace: 'old', labels })).directory).toHaveLength(1);
  });
});
