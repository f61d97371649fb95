/**
 * The services of the document by every address and name that leads to them. It is changed service by service: what one
 * service costs does not depend on how many there are.
 */
import type { Endpoint, Service, ServicePort } from '../../core/proxyConfig/index.ts';
import { serviceKey } from '../../core/proxyConfig/parts.ts';
import { joinHostPort, normalizeAddress } from '../wire/address.ts';
import { endpointDestination, isWhole, keyOf, serviceDestination, type Destination } from './destination.ts';
import { Owners } from './ordered.ts';

/** One service, with what was made of it so far. */
class Piece {
  readonly key: string;
  readonly service: Service;
  private readonly made = new Map<ServicePort, Destination>();
  private keys: Set<string> | undefined;

  constructor(key: string, service: Service) {
    this.key = key;
    this.service = service;
  }

  nameOf = ({ port }: ServicePort): string => `${this.key}:${port}`;

  destination(port: ServicePort): Destination {
    let destination = this.made.get(port);
    if (!destination) this.made.set(port, (destination = serviceDestination(this.nameOf(port), port)));
    return destination;
  }

  hasTarget(key: string): boolean {
    this.keys ??= new Set(
      this.service.ports.flatMap((port) =>
        port.endpoints
          .filter((endpoint) => endpoint.state !== 'Unprotected' && isWhole(endpoint))
          .map((endpoint) => keyOf(this.nameOf(port), endpoint)),
      ),
    );
    return this.keys.has(key);
  }
}

/** What an address leads to: a port of a service, or one endpoint of it. */
class Place {
  readonly piece: Piece;
  readonly port: ServicePort;
  readonly endpoint: Endpoint | undefined;
  private made: Destination | undefined;

  constructor(piece: Piece, port: ServicePort, endpoint?: Endpoint) {
    this.piece = piece;
    this.port = port;
    this.endpoint = endpoint;
  }

  get destination(): Destination {
    const { piece, port, endpoint } = this;
    if (!endpoint) return piece.destination(port);
    return (this.made ??= endpointDestination(piece.nameOf(port), port, endpoint));
  }
}

const byKey = (a: { key: string }, b: { key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** Services come before endpoints, and then go by their names; those of one service in its order, as they were put. */
const byRank = (a: Place, b: Place): number =>
  Number(a.endpoint !== undefined) - Number(b.endpoint !== undefined) || byKey(a.piece, b.piece);

function* placesOf(piece: Piece): Iterable<[string, Place]> {
  const { ports, addresses } = piece.service;
  for (const port of ports) {
    if (addresses.length === 0) continue;
    const place = new Place(piece, port);
    for (const address of addresses) yield [joinHostPort(normalizeAddress(address), port.port), place];
  }
  for (const port of ports) {
    for (const endpoint of port.endpoints) {
      const at = joinHostPort(normalizeAddress(endpoint.address), endpoint.port);
      yield [at, new Place(piece, port, endpoint)];
    }
  }
}

export class Catalog {
  private readonly pieces = new Map<string, { piece: Piece; places: readonly [string, Place][] }>();
  private readonly byAddress = new Owners<Place>(byRank);
  private readonly byHost = new Owners<Piece>(byKey);

  put(service: Service): void {
    const key = serviceKey(service);
    this.remove(key);
    const piece = new Piece(key, service);
    const places = [...placesOf(piece)];
    for (const [at, place] of places) this.byAddress.add(at, place);
    for (const host of service.hosts) this.byHost.add(host, piece);
    this.pieces.set(key, { piece, places });
  }

  remove(key: string): void {
    const known = this.pieces.get(key);
    if (!known) return;
    for (const [at, place] of known.places) this.byAddress.remove(at, place);
    for (const host of known.piece.service.hosts) this.byHost.remove(host, known.piece);
    this.pieces.delete(key);
  }

  /** `at`: normalized `address:port`. */
  resolve(at: string): Destination | undefined {
    return this.byAddress.first(at)?.destination;
  }

  /** By port, in the order in which they count. */
  ofHost(host: string): Map<number, () => Destination> {
    const ports = new Map<number, () => Destination>();
    for (const piece of this.byHost.all(host)) {
      for (const port of piece.service.ports)
        if (!ports.has(port.port)) ports.set(port.port, () => piece.destination(port));
    }
    return ports;
  }

  /** Whether a service has a target of this key. */
  hasTarget(service: string, key: string): boolean {
    return this.pieces.get(service)?.piece.hasTarget(key) ?? false;
  }
}
