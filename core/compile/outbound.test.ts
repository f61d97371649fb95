import { describe, expect, it } from 'vitest';
import {
  meshConfig,
  namespace,
  pod,
  policy,
  service,
  slice,
  snapshotOf,
} from '../../sources/testing/mesh.ts';
import type { Manifest } from '../../sources/index.ts';
import { buildDestinations } from '../../proxy/outbound/destinations.ts';
import { directoryOf, documentOf } from '../../sources/testing/compiled.ts';

const registryOnly = meshConfig({ outbound: { default: 'RegistryOnly' } });
const old = { namespace: 'old' };

/** As the proxy reads them, with what it makes of them. */
function made(...manifests: Manifest[]) {
  const snapshot = snapshotOf(namespace('shop'), namespace('old', false), ...manifests);
  const document = documentOf(snapshot, { kind: 'deployment', namespace: 'shop', name: 'web' });
  const directory = directoryOf(snapshot);
  const found = buildDestinations(document, directory);
  return {
    document,
    directory,
    kindOf: (address: string, port: number) => found.resolve(address, port).kind,
  };
}

const plain = [
  service('db', { ...old, ip: '10.96.0.1', ports: [{ name: 'tcp', port: 5432, targetPort: 15432 }] }),
  slice('db', [{ address: '10.1.0.1', pod: 'db-0' }], { ...old, ports: { tcp: 15432 } }),
  pod('db-0', { ...old, proxy: false }),
];

describe('with AllowAny', () => {
  it('nothing is said of what is outside, and nothing is refused', () => {
    const { document, directory, kindOf } = made(...plain);
    expect(document.settings).not.toHaveProperty('outbound');
    expect(directory).not.toHaveProperty('outside');
    expect([kindOf('10.96.0.1', 5432), kindOf('192.0.2.1', 443)]).toEqual(['outside', 'outside']);
  });
});

describe('with RegistryOnly', () => {
  it('a Service outside the mesh is reached as before, at its address and ports alone', () => {
    const { document, directory, kindOf } = made(...plain, registryOnly);
    expect(document.settings.outbound).toBe('RegistryOnly');
    expect(directory.outside).toEqual([
      { namespace: 'old', name: 'db', addresses: ['10.96.0.1'], ports: [5432] },
    ]);
    expect(kindOf('10.96.0.1', 5432)).toBe('outside');
    expect([kindOf('10.96.0.1', 5433), kindOf('10.1.0.1', 15432), kindOf('192.0.2.1', 443)]).toEqual([
      'blocked',
      'blocked',
      'blocked',
    ]);
  });

  it('a Service without selector registers the addresses that somebody gave it', () => {
    const { kindOf } = made(
      service('api', { ...old, ip: 'None', selector: {}, ports: [{ name: 'https', port: 443 }] }),
      slice('api', [{ address: '192.0.2.1' }], { ...old, ports: { https: 443 } }),
      registryOnly,
    );
    expect([kindOf('192.0.2.1', 443), kindOf('192.0.2.2', 443)]).toEqual(['outside', 'blocked']);
  });

  it('the members of a headless Service are reached, ready or not', () => {
    const { kindOf } = made(
      service('db', { ...old, ip: 'None' }),
      slice('db', [{ address: '10.1.0.1', pod: 'db-0', ready: false }], old),
      pod('db-0', { ...old, proxy: false }),
      registryOnly,
    );
    expect(kindOf('10.1.0.1', 8080)).toBe('outside');
  });

  it('a member whose pod is not known is not: plain text might reach a proxy', () => {
    const { kindOf } = made(
      service('db', { ...old, ip: 'None' }),
      slice('db', [{ address: '10.1.0.1', pod: 'db-0' }], old),
      registryOnly,
    );
    expect(kindOf('10.1.0.1', 8080)).toBe('blocked');
  });

  it('members of a headless Service that policy makes plain are reached', () => {
    const { directory, kindOf } = made(
      service('db', { ...old, ip: 'None' }),
      slice('db', [{ address: '10.1.0.1', pod: 'db-0' }], old),
      pod('db-0', { ...old, labels: { app: 'db' } }),
      policy('plain', { mtls: { mode: 'Disabled' } }, old),
      registryOnly,
    );
    expect(directory.services).toMatchObject([{ name: 'db', addresses: [] }]);
    expect(kindOf('10.1.0.1', 8080)).toBe('outside');
  });

  it('what is of the mesh is not listed as outside', () => {
    const { directory, kindOf } = made(
      service('cart', { ip: '10.96.0.2' }),
      pod('cart-0', { labels: { app: 'cart' } }),
      slice('cart', [{ address: '10.1.0.1', pod: 'cart-0' }]),
      registryOnly,
    );
    expect(directory.outside).toEqual([]);
    expect(kindOf('10.96.0.2', 80)).toBe('service');
  });

  it('a service on its way into the mesh is reached all the time, whichever of the files comes first', () => {
    const injected = pod('db-0', { ...old, labels: { app: 'db' } });
    const [before, after] = [
      made(...plain, registryOnly),
      made(plain[0]!, plain[1]!, injected, registryOnly),
    ];
    for (const { document } of [before, after]) {
      for (const { directory } of [before, after]) {
        expect(buildDestinations(document, directory).resolve('10.96.0.1', 5432).kind).not.toBe('blocked');
      }
    }
  });

  it('nothing is refused before both files say so', () => {
    const [any, only] = [made(...plain), made(...plain, registryOnly)];
    for (const [{ document }, { directory }] of [
      [any, only],
      [only, any],
    ] as const) {
      expect(buildDestinations(document, directory).resolve('10.96.0.1', 5432).kind).toBe('outside');
    }
  });
});

describe('services of other namespaces that are not to be seen', () => {
  const teller = (name: string, visibleTo: string) => [
    service(name, { namespace: 'bank', ip: 'None', visibleTo }),
    slice(name, [{ address: '10.1.0.1', pod: 'teller-0' }], { namespace: 'bank' }),
  ];
  const bank = [namespace('bank'), pod('teller-0', { namespace: 'bank' })];

  it('are no outside', () => {
    expect(made(...bank, ...teller('teller', '.')).kindOf('10.1.0.1', 8080)).toBe('hidden');
    expect(made(...bank, ...teller('teller', '.'), registryOnly).kindOf('10.1.0.1', 8080)).toBe('hidden');
  });

  it('hide nothing of those that are, at the addresses they have in common', () => {
    const { kindOf } = made(...bank, ...teller('a', '.'), ...teller('b', '*'), ...teller('c', '.'));
    expect(kindOf('10.1.0.1', 8080)).toBe('directory');
  });
});
