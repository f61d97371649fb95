/**
 * What an application may mean by an address: built once per configuration, looked up once per connection.
 * What the directory knows is never taken for the outside.
 */
import type {
  Directory,
  DirectoryService,
  Endpoint,
  Protocol,
  ProxyConfig,
  Service,
  Wire,
} from '../../core/proxyConfig/index.ts';
import { joinHostPort, normalizeAddress, splitHostPort } from '../wire/address.ts';
import { registryOf, type Vicinity } from './registry.ts';

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
   * outside, and to be refused with OUTBOUND_NOT_REGISTERED; it has no targets.
   */
  readonly kind: 'service' | 'endpoint' | 'directory' | 'outside' | 'blocked';
  /** `namespace/service:port`, or `host:port` for what is outside or blocked. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly ready: readonly Target[];
  /** Used only when nothing is ready. */
  readonly terminating: readonly Target[];
  /** Endpoints that policy forbids to use because they have no proxy. */
  readonly unprotected: number;
}

export interface Destinations {
  /** By original destination. Never fails: what is not known is outside, or blocked. */
  resolve(address: string, port: number): Destination;
  /** By name, for requests made to the proxy's own port. Without a port: 80, or the only port of the service. */
  resolveHost(host: string, port?: number): Destination | undefined;
  /** Keys of all targets of the document, so that pools of vanished ones can be closed. */
  has(targetKey: string): boolean;
}

const EMPTY: readonly Target[] = [];

function targetOf(name: string, endpoint: Endpoint): Target {
  const address = normalizeAddress(endpoint.address);
  const { port, wire, identity = '' } = endpoint;
  return {
    key: `${name}|${joinHostPort(address, port)}|${wire ? `${wire}|${identity}` : 'plain'}`,
    address,
    port,
    identities: wire && new Set([identity]),
    wire,
  };
}

interface PortEntry {
  name: string;
  protocol: Protocol;
  endpoints: readonly Endpoint[];
}

function serviceDestination({ name, protocol, endpoints }: PortEntry): Destination {
  const inState = (state: Endpoint['state']) =>
    endpoints.filter((endpoint) => endpoint.state === state).map((endpoint) => targetOf(name, endpoint));
  return {
    kind: 'service',
    name,
    protocol,
    ready: inState('Ready'),
    terminating: inState('Terminating'),
    unprotected: endpoints.filter((endpoint) => endpoint.state === 'Unprotected').length,
  };
}

/** A single endpoint that was dialled by its own address: there is no other to choose, so it need not be ready. */
function endpointDestination({ name, protocol }: PortEntry, endpoint: Endpoint): Destination {
  const usable = endpoint.state !== 'Unprotected';
  return {
    kind: 'endpoint',
    name,
    protocol,
    ready: usable ? [targetOf(name, endpoint)] : EMPTY,
    terminating: EMPTY,
    unprotected: usable ? 0 : 1,
  };
}

function directoryDestination(
  service: DirectoryService,
  addresses: readonly string[],
  { port, protocol }: { port: number; protocol: Protocol },
): Destination {
  const name = `${service.namespace}/${service.name}:${port}`;
  const identities = new Set(service.identities);
  const proven = service.identities.toSorted().join();
  // an operator of an older version names none; every proxy speaks this one
  const { wire = 'weft-tcp/1' } = service;
  return {
    kind: 'directory',
    name,
    protocol,
    ready: addresses.map((address) => ({
      key: `${name}|${joinHostPort(address, port)}|${wire}|${proven}`,
      address,
      port,
      identities,
      wire,
    })),
    terminating: EMPTY,
    unprotected: 0,
  };
}

function outsideDestination(address: string, port: number): Destination {
  const name = joinHostPort(address, port);
  return {
    kind: 'outside',
    name,
    protocol: 'Auto',
    ready: [{ key: `outside|${name}`, address, port, identities: undefined, wire: undefined }],
    terminating: EMPTY,
    unprotected: 0,
  };
}

const blockedDestination = (address: string, port: number): Destination => ({
  kind: 'blocked',
  name: joinHostPort(address, port),
  protocol: 'Auto',
  ready: EMPTY,
  terminating: EMPTY,
  unprotected: 0,
});

/** Maps under construction: the first entry of a key wins, so that services come before endpoints. */
class Index {
  readonly byAddress = new Map<string, Destination>();
  readonly byHost = new Map<string, Map<number, Destination>>();

  address(address: string, port: number, destination: Destination): void {
    const key = joinHostPort(normalizeAddress(address), port);
    if (!this.byAddress.has(key)) this.byAddress.set(key, destination);
  }

  host(host: string, port: number, destination: Destination): void {
    let ports = this.byHost.get(host);
    if (!ports) this.byHost.set(host, (ports = new Map()));
    if (!ports.has(port)) ports.set(port, destination);
  }

  addService(service: Service): void {
    for (const { port, protocol, endpoints } of service.ports) {
      const name = `${service.namespace}/${service.name}:${port}`;
      const destination = serviceDestination({ name, protocol, endpoints });
      for (const address of service.addresses) this.address(address, port, destination);
      for (const host of service.hosts) this.host(host, port, destination);
    }
  }

  addEndpoints(service: Service): void {
    for (const { port, protocol, endpoints } of service.ports) {
      const entry = { name: `${service.namespace}/${service.name}:${port}`, protocol, endpoints };
      for (const endpoint of endpoints) {
        this.address(endpoint.address, endpoint.port, endpointDestination(entry, endpoint));
      }
    }
  }

  addDirectory(service: DirectoryService): void {
    const addresses = service.addresses.map(normalizeAddress);
    for (const port of service.ports) {
      for (const address of addresses) {
        this.address(address, port.port, directoryDestination(service, [address], port));
      }
      const destination = directoryDestination(service, addresses, port);
      this.host(`${service.name}.${service.namespace}`, port.port, destination);
      this.host(`${service.name}.${service.namespace}.svc`, port.port, destination);
    }
  }
}

/** Derives all lookups of one configuration. O(services + endpoints); every lookup after it is O(1). */
export function buildDestinations(
  document: ProxyConfig,
  directory: Directory | undefined,
  vicinity?: Vicinity,
): Destinations {
  const index = new Index();
  for (const service of document.services) index.addService(service);
  for (const service of document.services) index.addEndpoints(service);
  for (const service of directory?.services ?? []) index.addDirectory(service);
  const isRegistered = registryOf(document, directory, vicinity);
  const keys = new Set<string>();
  for (const destination of index.byAddress.values()) {
    for (const target of destination.ready) keys.add(target.key);
    for (const target of destination.terminating) keys.add(target.key);
  }
  for (const ports of index.byHost.values()) {
    for (const destination of ports.values()) for (const target of destination.ready) keys.add(target.key);
  }

  return {
    resolve(address, port) {
      const plain = normalizeAddress(address);
      const known = index.byAddress.get(joinHostPort(plain, port));
      if (known) return known;
      const refused = isRegistered !== undefined && !isRegistered(plain, port);
      return refused ? blockedDestination(plain, port) : outsideDestination(plain, port);
    },
    resolveHost(authority, port) {
      const split = splitHostPort(authority.toLowerCase());
      const host = split.host.replace(/\.$/, '');
      const wanted = split.port ?? port;
      const ports = index.byHost.get(host) ?? index.byHost.get(host.replace(/\.svc\..*$/, '.svc'));
      if (ports)
        return wanted === undefined && ports.size === 1 ? [...ports.values()][0] : ports.get(wanted ?? 80);
      return index.byAddress.get(joinHostPort(normalizeAddress(host), wanted ?? 80));
    },
    has: (targetKey) => keys.has(targetKey),
  };
}
