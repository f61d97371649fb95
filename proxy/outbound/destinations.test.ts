import { describe, expect, it } from 'vitest';
import type { Directory, Endpoint, ProxyConfig, Wire } from '../../core/proxyConfig/index.ts';
import { buildDestinations, LiveDestinations } from './destinations.ts';
import { compact } from './directory.ts';

const cart = 'spiffe://cluster.local/ns/shop/sa/cart';
const ready: Endpoint = {
  address: '10.1.0.1',
  port: 9080,
  state: 'Ready',
  wire: 'weft-tcp/1',
  identity: cart,
};

function documentWith(services: ProxyConfig['services']): ProxyConfig {
  return {
    version: 'weft.dev/proxy/v1',
    epoch: 1,
    revision: '1',
    hash: 'h',
    workload: { kind: 'deployment', namespace: 'shop', name: 'web' },
    resources: {},
    trust: { trustDomain: 'cluster.local' },
    telemetry: { accessLog: 'Off' },
    settings: { logLevel: 'Info', connectTimeoutMs: 1000, idleTimeoutMs: 1000, drainMs: 0 },
    sections: [],
    services,
  };
}

const service = (endpoints: Endpoint[], addresses = ['10.96.0.5', 'FD00:0:0::5']) => ({
  hash: 'h',
  namespace: 'shop',
  name: 'cart',
  addresses,
  hosts: ['cart', 'cart.shop', 'cart.shop.svc', 'cart.shop.svc.cluster.local'],
  ports: [{ port: 8080, protocol: 'Http' as const, endpoints }],
});

const directory: Directory = {
  version: 'weft.dev/proxy/v1',
  epoch: 1,
  revision: '1',
  hash: 'h',
  services: [
    {
      namespace: 'bank',
      name: 'ledger',
      addresses: ['10.96.7.7'],
      ports: [{ port: 80, protocol: 'Auto' }],
      identities: ['spiffe://cluster.local/ns/bank/sa/ledger', 'spiffe://cluster.local/ns/bank/sa/ledger-v2'],
    },
    // also in the document: the document knows more and wins
    {
      namespace: 'shop',
      name: 'cart',
      addresses: ['10.96.0.5'],
      ports: [{ port: 8080, protocol: 'Auto' }],
      identities: [cart],
    },
  ],
};

const found = buildDestinations(
  documentWith([
    service([
      ready,
      { ...ready, address: '10.1.0.2', state: 'Terminating' },
      { address: '10.1.0.3', port: 9080, state: 'Unprotected' },
      { address: '10.1.0.4', port: 9080, state: 'Ready' },
    ]),
  ]),
  directory,
);

describe('wires', () => {
  const wireOf = (wire: Wire) =>
    buildDestinations(documentWith([service([{ ...ready, wire }])]), undefined).resolve('10.1.0.1', 9080)
      .ready[0]!;

  it('are those of the document, and plain text has none', () => {
    expect([wireOf('weft/1').wire, wireOf('weft-tcp/1').wire]).toEqual(['weft/1', 'weft-tcp/1']);
    expect(found.resolve('10.1.0.4', 9080).ready[0]).toMatchObject({
      wire: undefined,
      identities: undefined,
    });
  });

  it('make keys of their own: a pod that comes back with another proxy gets new connections', () => {
    expect(wireOf('weft/1').key).not.toBe(wireOf('weft-tcp/1').key);
  });

  it.each([
    [{}, 'weft-tcp/1'],
    [{ wire: 'weft-tcp/1' as const }, 'weft-tcp/1'],
    [{ wire: 'weft/1' as const }, 'weft/1'],
  ])('of the directory with %o is %s: every version speaks that', (named, wire) => {
    const services = [{ ...directory.services[0]!, ...named }];
    const [target] = buildDestinations(documentWith([]), { ...directory, services }).resolve(
      '10.96.7.7',
      80,
    ).ready;
    expect(target).toMatchObject({ wire, key: expect.stringContaining(wire) });
  });
});

describe('destinations', () => {
  it('finds a service by its address with its endpoints by state', () => {
    const destination = found.resolve('10.96.0.5', 8080);
    expect(destination).toMatchObject({
      kind: 'service',
      name: 'shop/cart:8080',
      protocol: 'Http',
      unprotected: 1,
    });
    expect(destination.ready.map(({ address }) => address)).toEqual(['10.1.0.1', '10.1.0.4']);
    expect(destination.ready.map(({ identities }) => identities && [...identities])).toEqual([
      [cart],
      undefined,
    ]);
    expect(destination.terminating.map(({ address }) => address)).toEqual(['10.1.0.2']);
  });

  it('takes every spelling of an address for the same', () => {
    const destination = found.resolve('10.96.0.5', 8080);
    expect(found.resolve('::ffff:10.96.0.5', 8080)).toBe(destination);
    expect(found.resolve('fd00::5', 8080)).toBe(destination);
    expect(found.resolve('fd00:0:0:0::5', 8080)).toBe(destination);
  });

  it('finds one endpoint by its own address, and refuses to use an unprotected one', () => {
    expect(found.resolve('10.1.0.1', 9080)).toMatchObject({
      kind: 'endpoint',
      name: 'shop/cart:8080',
      protocol: 'Http',
    });
    expect(found.resolve('10.1.0.2', 9080).ready).toHaveLength(1);
    expect(found.resolve('10.1.0.3', 9080)).toMatchObject({ kind: 'endpoint', ready: [], unprotected: 1 });
  });

  it('uses an endpoint that is not ready only when it is dialled itself, and then by mTLS', () => {
    const peers = buildDestinations(
      documentWith([service([ready, { ...ready, address: '10.1.0.2', state: 'NotReady' }])]),
      undefined,
    );
    const balanced = peers.resolve('10.96.0.5', 8080);
    expect(balanced.ready.map(({ address }) => address)).toEqual(['10.1.0.1']);
    expect([balanced.terminating, balanced.unprotected]).toEqual([[], 0]);
    const dialled = peers.resolve('10.1.0.2', 9080);
    expect(dialled).toMatchObject({ kind: 'endpoint', ready: [{ address: '10.1.0.2' }] });
    expect(dialled.ready[0]!.identities).toEqual(new Set([cart]));
  });

  it('never uses an endpoint of which half is said, in plain text least of all', () => {
    const { wire: _wire, ...identityAlone } = ready;
    const { identity: _identity, ...wireAlone } = { ...ready, address: '10.1.0.2' };
    const halves = buildDestinations(documentWith([service([identityAlone, wireAlone])]), undefined);
    expect(halves.resolve('10.96.0.5', 8080)).toMatchObject({ kind: 'service', ready: [], unprotected: 0 });
    for (const address of ['10.1.0.1', '10.1.0.2'])
      expect(halves.resolve(address, 9080)).toMatchObject({ kind: 'endpoint', ready: [], unprotected: 0 });
  });

  it('never takes for outside what the directory knows', () => {
    const destination = found.resolve('10.96.7.7', 80);
    expect(destination).toMatchObject({ kind: 'directory', name: 'bank/ledger:80', protocol: 'Auto' });
    expect(destination.ready).toHaveLength(1);
    expect(destination.ready[0]!.identities).toEqual(new Set(directory.services[0]!.identities));
  });

  it('passes anything else on as it is', () => {
    expect(found.resolve('93.184.216.34', 443)).toMatchObject({
      kind: 'outside',
      name: '93.184.216.34:443',
      ready: [{ address: '93.184.216.34', port: 443, identities: undefined }],
    });
    expect(found.resolve('10.96.0.5', 8081).kind).toBe('outside');
  });

  it('finds by host name, in any case and with or without its port', () => {
    const destination = found.resolve('10.96.0.5', 8080);
    for (const host of [
      'cart',
      'CART.shop',
      'cart:8080',
      'cart.shop.svc.cluster.local:8080',
      'cart.shop.svc.cluster.local.:8080',
    ]) {
      expect(found.resolveHost(host)).toBe(destination);
    }
    expect(found.resolveHost('cart', 8080)).toBe(destination);
    expect(found.resolveHost('cart:9')).toBeUndefined();
    expect(found.resolveHost('nowhere')).toBeUndefined();
    expect(found.resolveHost('ledger.bank.svc.cluster.local')?.name).toBe('bank/ledger:80');
    expect(found.resolveHost('10.96.0.5:8080')).toBe(destination);
    expect(found.resolveHost('[fd00::5]:8080')).toBe(destination);
  });

  it('gives an endpoint that proves another identity another key, so that connections are not shared', () => {
    const key = found.resolve('10.1.0.1', 9080).ready[0]!.key;
    const other = buildDestinations(documentWith([service([{ ...ready, identity: `${cart}2` }])]), undefined);
    expect(found.has(key)).toBe(true);
    expect(other.has(key)).toBe(false);
    expect(found.resolve('10.96.0.5', 8080).ready[0]!.key).toBe(key);
  });
});

describe('a directory that changes', () => {
  const { settings } = documentWith([]);
  const ledger = directory.services[0]!;
  const other = { ...ledger, namespace: 'zoo', name: 'lion', addresses: ['10.96.8.8'] };
  const live = new LiveDestinations();
  const become = (services: Directory['services']) =>
    live.become({ settings, services: new Map(), directory: compact({ ...directory, services }, () => '') });
  const found = () => [live.resolve('10.96.7.7', 80), live.resolveHost('ledger.bank')!] as const;

  it('leaves the destinations as they are whose services it says the same of', () => {
    become([ledger]);
    const before = found();
    become([ledger, other]);
    found().forEach((destination, n) => expect(destination).toBe(before[n]));
    become([{ ...ledger, identities: [cart] }, other]);
    found().forEach((destination) => expect([...destination.ready[0]!.identities!]).toEqual([cart]));
    become([other]);
    expect([live.resolve('10.96.7.7', 80).kind, live.resolveHost('ledger.bank')]).toEqual([
      'outside',
      undefined,
    ]);
  });

  it('finds anew what another service has a claim to', () => {
    become([ledger]);
    expect(live.resolve('10.96.7.7', 80).name).toBe('bank/ledger:80');
    become([{ ...ledger, namespace: 'aaa' }, ledger]);
    expect(live.resolve('10.96.7.7', 80).name).toBe('aaa/ledger:80');
    become([{ ...ledger, namespace: 'aaa', hidden: true, identities: [] }, ledger]);
    expect(live.resolve('10.96.7.7', 80).name).toBe('bank/ledger:80');
  });
});
