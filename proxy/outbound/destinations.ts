/**
 * What an application may mean by an address: looked up once per connection. What the directory knows is never taken
 * for the outside.
 */
import type { Directory, ProxyConfig, Service } from '../../core/proxyConfig/index.ts';
import { joinHostPort, normalizeAddress, splitHostPort } from '../wire/address.ts';
import { Catalog } from './catalog.ts';
import {
  blockedDestination,
  directoryDestination,
  outsideDestination,
  type Destination,
} from './destination.ts';
import { compact, type CompactDirectory } from './directory.ts';
import { changesOf } from './ordered.ts';
import { registryOf, type Vicinity } from './registry.ts';

export type { Destination, Target } from './destination.ts';

export interface Destinations {
  /** By original destination. Never fails: what is not known is outside, or blocked. */
  resolve(address: string, port: number): Destination;
  /** By name, for requests made to the proxy's own port. Without a port: 80, or the only port of the service. */
  resolveHost(host: string, port?: number): Destination | undefined;
  /** Whether a key is one of a target that there is, so that pools of vanished ones can be closed. */
  has(targetKey: string): boolean;
}

/** What is derived from a state's documents. */
export interface DestinationSource {
  readonly settings: ProxyConfig['settings'];
  /** By `namespace/name`; equal services are the same values. */
  readonly services: ReadonlyMap<string, Service>;
  readonly directory: CompactDirectory | undefined;
}

/** A destination of the directory, found by one address or by the name of its service. */
interface Made {
  readonly destination: Destination;
  readonly address?: string;
}

/** Of the directory, those that were called lately. */
const MAX_MADE = 1024;

/**
 * One for a proxy's whole life: `become` makes it that of another state, at the cost of what differs. So it always says
 * what the newest state says, whichever state it was found in.
 */
export class LiveDestinations implements Destinations {
  private readonly vicinity: Vicinity | undefined;
  private readonly catalog = new Catalog();
  private source: DestinationSource | undefined;
  private isRegistered: ReturnType<typeof registryOf>;
  private readonly made = new Map<string, Made>();

  constructor(vicinity?: Vicinity) {
    this.vicinity = vicinity;
  }

  become(source: DestinationSource): void {
    const { changed, removed } = changesOf(this.source?.services, source.services);
    for (const key of removed) this.catalog.remove(key);
    for (const service of changed) this.catalog.put(service);
    this.forget(this.source?.directory, source.directory);
    this.source = source;
    this.isRegistered = registryOf(source.settings, source.directory, this.vicinity);
  }

  resolve(address: string, port: number): Destination {
    const plain = normalizeAddress(address);
    const known = this.known(plain, port);
    if (known) return known;
    const refused = this.isRegistered !== undefined && !this.isRegistered(plain, port);
    return refused ? blockedDestination(plain, port) : outsideDestination(plain, port);
  }

  resolveHost(authority: string, port?: number): Destination | undefined {
    const split = splitHostPort(authority.toLowerCase());
    const host = split.host.replace(/\.$/, '');
    const wanted = split.port ?? port;
    const short = host.replace(/\.svc\..*$/, '.svc');
    const ports = this.catalog.ofHost(host);
    if (ports.size === 0 && short !== host)
      for (const [number, make] of this.catalog.ofHost(short)) ports.set(number, make);
    for (const [number, make] of this.listed(short)) if (!ports.has(number)) ports.set(number, make);
    if (ports.size === 0) return this.known(normalizeAddress(host), wanted ?? 80);
    const [only] = ports.values();
    return wanted === undefined && ports.size === 1 ? only!() : ports.get(wanted ?? 80)?.();
  }

  has(targetKey: string): boolean {
    const name = targetKey.slice(0, targetKey.indexOf('|'));
    const colon = name.lastIndexOf(':');
    const [service, port] = [name.slice(0, colon), Number(name.slice(colon + 1))];
    return this.catalog.hasTarget(service, targetKey) || this.lists(service, port, targetKey);
  }

  private known(address: string, port: number): Destination | undefined {
    const at = joinHostPort(address, port);
    const found = this.catalog.resolve(at);
    if (found) return found;
    const made = this.made.get(at);
    if (made) return made.destination;
    const service = this.source?.directory?.find(address, port);
    const declared = service?.ports.find((candidate) => candidate.port === port);
    return (
      service &&
      declared &&
      this.keep(at, { destination: directoryDestination(service, [address], declared), address })
    );
  }

  /** The ports of the directory's service that has this name. */
  private listed(host: string): Map<number, () => Destination> {
    const ports = new Map<number, () => Destination>();
    const [name, namespace, ...rest] = host.split('.');
    if (namespace === undefined || rest.length > 1 || (rest[0] ?? 'svc') !== 'svc') return ports;
    const key = `${namespace}/${name}`;
    const service = this.source?.directory?.get(key);
    if (!service) return ports;
    const addresses = service.addresses.map(normalizeAddress);
    for (const port of service.ports) {
      const at = `${key}:${port.port}`;
      const make = () => this.keep(at, { destination: directoryDestination(service, addresses, port) });
      ports.set(port.port, () => this.made.get(at)?.destination ?? make());
    }
    return ports;
  }

  private lists(key: string, port: number, targetKey: string): boolean {
    const service = this.source?.directory?.get(key);
    const declared = service?.ports.find((candidate) => candidate.port === port);
    if (!service || !declared) return false;
    const { ready } = directoryDestination(service, service.addresses.map(normalizeAddress), declared);
    return ready.some((target) => target.key === targetKey);
  }

  /** What was made stays while all that it was made of does: its connections and retries are counted by it. */
  private forget(before: CompactDirectory | undefined, after: CompactDirectory | undefined): void {
    if (before === after) return;
    for (const [at, { destination, address }] of this.made) {
      const textsIn = (directory: CompactDirectory | undefined) =>
        directory?.textsOf(address ?? { service: destination.service! }) ?? [];
      const now = textsIn(after);
      const then = textsIn(before);
      if (now.length !== then.length || now.some((text, n) => text !== then[n])) this.made.delete(at);
    }
  }

  private keep(at: string, made: Made): Destination {
    const [oldest] = this.made.keys();
    if (this.made.size >= MAX_MADE) this.made.delete(oldest!);
    this.made.set(at, made);
    return made.destination;
  }
}

/** Of documents as they are read. */
export function buildDestinations(
  { settings, services }: Pick<ProxyConfig, 'settings' | 'services'>,
  directory: Directory | undefined,
  vicinity?: Vicinity,
): Destinations {
  const destinations = new LiveDestinations(vicinity);
  destinations.become({
    settings,
    services: new Map(services.map((service) => [`${service.namespace}/${service.name}`, service])),
    directory: directory && compact(directory, () => ''),
  });
  return destinations;
}
