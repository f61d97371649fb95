import { describe, expect, it } from 'vitest';
import type { Directory } from '../../core/proxyConfig/index.ts';
import { configState } from '../testing/plane.ts';
import { buildDestinations } from './destinations.ts';
import { compact } from './directory.ts';
import { registryOf } from './registry.ts';

const anything = configState().document.settings;
const settings = configState({ settings: { outbound: 'RegistryOnly' } }).document.settings;
const db = { namespace: 'old', name: 'db', addresses: ['10.96.0.1', 'FD00:0::1'], ports: [5432, 5433] };
const directoryOf = (outside: Directory['outside']): Directory => ({
  version: 'weft.dev/proxy/v1',
  epoch: 1,
  revision: '1',
  hash: 'h',
  services: [],
  ...(outside ? { outside } : {}),
});
const compactOf = (outside: Directory['outside']) => compact(directoryOf(outside), () => '');
const vicinity = { addresses: ['10.1.0.7', '::ffff:10.1.0.8'], resolvers: ['169.254.20.10', 'FD00::A'] };

describe('what may be reached outside the mesh', () => {
  const isRegistered = registryOf(settings, compactOf([db]), vicinity);

  it.each<[string, [string, number], boolean]>([
    ['a service by its address', ['10.96.0.1', 5432], true],
    ['each of its ports', ['10.96.0.1', 5433], true],
    ['each of its addresses, however they are written', ['fd00::1', 5432], true],
    ['no other port of it', ['10.96.0.1', 80], false],
    ['no other address', ['10.96.0.2', 5432], false],
    ['a resolver, by DNS over TCP', ['169.254.20.10', 53], true],
    ['a resolver of IPv6', ['fd00::a', 53], true],
    ['nothing else at the address of a resolver', ['169.254.20.10', 80], false],
    ['no DNS elsewhere', ['192.0.2.53', 53], false],
    ['the pod itself, at any port', ['10.1.0.7', 7000], true],
    ['the pod itself, at each of its addresses', ['10.1.0.8', 7000], true],
  ])('%s', (_name, [address, port], expected) => {
    expect(isRegistered?.(address, port)).toBe(expected);
  });

  it('is everything with AllowAny, whatever the directory lists', () => {
    expect(registryOf(anything, compactOf([db]), vicinity)).toBeUndefined();
    expect(registryOf(anything, undefined, vicinity)).toBeUndefined();
  });

  it('is everything while the directory has no list yet', () => {
    expect(registryOf(settings, compactOf(undefined), vicinity)).toBeUndefined();
  });

  it('is the pod and DNS alone where there is no directory', () => {
    const alone = registryOf(settings, undefined, vicinity);
    expect([alone?.('10.96.0.1', 5432), alone?.('10.1.0.7', 1), alone?.('169.254.20.10', 53)]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('a destination that may not be reached', () => {
  const found = buildDestinations({ settings, services: [] }, directoryOf([db]), vicinity);

  it('is blocked: it has a name, and nothing to connect to', () => {
    expect(found.resolve('::ffff:192.0.2.1', 443)).toEqual({
      kind: 'blocked',
      name: '192.0.2.1:443',
      protocol: 'Auto',
      ready: [],
      terminating: [],
      unprotected: 0,
    });
  });

  it('is outside again, as it is, where it is registered', () => {
    expect(found.resolve('10.96.0.1', 5432)).toMatchObject({
      kind: 'outside',
      ready: [{ address: '10.96.0.1', port: 5432, identities: undefined }],
    });
  });
});
