/** Where connections of the application go: what stations know of it, and how it is made of what documents say. */
import type {
  DirectoryService,
  Endpoint,
  Protocol,
  ServicePort,
  Wire,
} from '../../core/proxyConfig/index.ts';
import { joinHostPort, normalizeAddress } from '../wire/address.ts';

/** One address that may be dialled for a destination. Equal keys share connections across configurations. */
export interface Target {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** SPIFFE ids of which the peer must prove one, over mTLS; undefined: plain text. */
  readonly identities: ReadonlySet<string> | undefined;
  /** The best wire that the peer speaks; undefined exactly when `identities` is. */
  readonly wire: Wire | undefined;
}

export interface Destination {
  /**
   * service: a port of a service of the document. endpoint: one endpoint's own address. directory: a service of the
   * mesh without known endpoints, reached at its address. outside: not of the mesh, passed through as it is. blocked:
   * outside, and to be refused with OUTBOUND_NOT_REGISTERED. hidden: of the mesh, and to be refused with SERVICE_HIDDEN.
   * gone: it was of the mesh when the connection was opened, and nobody knows its address now. The last three have no
   * targets.
   */
  readonly kind: 'service' | 'endpoint' | 'directory' | 'outside' | 'blocked' | 'hidden' | 'gone';
  /** `namespace/service:port`, or `host:port` for what is outside or blocked. */
  readonly name: string;
  /** `namespace/service`, for one of the directory: by it the rest can be asked for. */
  readonly service: string | undefined;
  readonly protocol: Protocol;
  readonly ready: readonly Target[];
  /** Used only when nothing is ready. */
  readonly terminating: readonly Target[];
  /** Endpoints that policy forbids to use because they have no proxy. */
  readonly unprotected: number;
}

const EMPTY: readonly Target[] = [];

export function keyOf(name: string, { address, port, wire, identity = '' }: Endpoint): string {
  return `${name}|${joinHostPort(normalizeAddress(address), port)}|${wire ? `${wire}|${identity}` : 'plain'}`;
}

/** Whoever has to prove an identity is spoken to by a wire, or not at all: half of it must not pass for plain text. */
export const isWhole = ({ wire, identity }: Endpoint): boolean =>
  (wire === undefined) === (identity === undefined);

function targetOf(name: string, endpoint: Endpoint): Target {
  const { port, wire, identity } = endpoint;
  return {
    key: keyOf(name, endpoint),
    address: normalizeAddress(endpoint.address),
    port,
    identities: identity === undefined ? undefined : new Set([identity]),
    wire,
  };
}

export function serviceDestination(name: string, { protocol, endpoints }: ServicePort): Destination {
  const inState = (state: Endpoint['state']) =>
    endpoints
      .filter((endpoint) => endpoint.state === state && isWhole(endpoint))
      .map((endpoint) => targetOf(name, endpoint));
  return {
    kind: 'service',
    name,
    service: undefined,
    protocol,
    ready: inState('Ready'),
    terminating: inState('Terminating'),
    unprotected: endpoints.filter((endpoint) => endpoint.state === 'Unprotected').length,
  };
}

/** A single endpoint that was dialled by its own address: there is no other to choose, so it need not be ready. */
export function endpointDestination(
  name: string,
  { protocol }: ServicePort,
  endpoint: Endpoint,
): Destination {
  const unprotected = endpoint.state === 'Unprotected';
  const usable = !unprotected && isWhole(endpoint);
  return {
    kind: 'endpoint',
    name,
    service: undefined,
    protocol,
    ready: usable ? [targetOf(name, endpoint)] : EMPTY,
    terminating: EMPTY,
    unprotected: unprotected ? 1 : 0,
  };
}

/** A port of a service of the directory, at some of its addresses. */
export function directoryDestination(
  service: DirectoryService,
  addresses: readonly string[],
  { port, protocol }: DirectoryService['ports'][number],
): Destination {
  const key = `${service.namespace}/${service.name}`;
  const name = `${key}:${port}`;
  const hidden = service.hidden === true;
  const identities = new Set(service.identities);
  const proven = service.identities.toSorted().join();
  // an operator of an older version names none; every proxy speaks this one
  const { wire = 'weft-tcp/1' } = service;
  const at = (address: string): Target => ({
    key: `${name}|${joinHostPort(address, port)}|${wire}|${proven}`,
    address,
    port,
    identities,
    wire,
  });
  return {
    kind: hidden ? 'hidden' : 'directory',
    name,
    service: key,
    protocol,
    ready: hidden ? EMPTY : addresses.map(at),
    terminating: EMPTY,
    unprotected: 0,
  };
}

export function outsideDestination(address: string, port: number): Destination {
  const name = joinHostPort(address, port);
  return {
    kind: 'outside',
    name,
    service: undefined,
    protocol: 'Auto',
    ready: [{ key: `outside|${name}`, address, port, identities: undefined, wire: undefined }],
    terminating: EMPTY,
    unprotected: 0,
  };
}

export const blockedDestination = (address: string, port: number): Destination => ({
  kind: 'blocked',
  name: joinHostPort(address, port),
  service: undefined,
  protocol: 'Auto',
  ready: EMPTY,
  terminating: EMPTY,
  unprotected: 0,
});

/** What an address led to that has left the mesh. Whoever was opened to it must not go on to the same address in plain text. */
export const goneDestination = ({ name, protocol }: Destination): Destination => ({
  kind: 'gone',
  name,
  service: undefined,
  protocol,
  ready: EMPTY,
  terminating: EMPTY,
  unprotected: 0,
});
