/** Destinations with the connections to their endpoints. Connections outlive configurations as long as endpoints do. */
import type { DataPlane } from '../context.ts';
import type { Series, SeriesKey } from '../telemetry/types.ts';
import { joinHostPort } from '../wire/address.ts';
import { dial, type DialHandlers } from '../wire/dial.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import { ALPN_TCP } from '../wire/sniff.ts';
import { Pool } from '../wire/exchange/pool.ts';
import type { Side } from '../wire/side.ts';
import type { Destination, Destinations, Target } from './destinations.ts';
import { RetryBudget } from './retryBudget.ts';

/** Peers keep connections much longer than this, so that a request does not run into their close. */
const PEER_IDLE_MS = 60_000;
/** Servers without a hint that close after less are rare; a request that must not be sent twice is more careful. */
const PLAIN_IDLE_MS = 4_000;
const PLAIN_FRESH_MS = 100;

/** Behind an address of the directory stand pods that only the cluster knows; each connection leads to one of them. */
const SPREAD = 4;
/** Of a service that is called, connections to so many endpoints are opened ahead, each within so long. */
const WARM_ENDPOINTS = 16;
const WARM_MS = 100;

/** A destination as requests use it. */
export interface Route {
  readonly destination: Destination;
  readonly ready: readonly Pool[];
  readonly terminating: readonly Pool[];
  readonly budget: RetryBudget;
  /** Where requests that reached no endpoint are counted. */
  series(protocol: 'http' | 'tcp'): Series;
}

export class Routes {
  private readonly plane: DataPlane;
  private readonly side: Side;
  private readonly pools = new Map<string, Pool>();
  private readonly routes = new WeakMap<Destination, Route>();

  constructor(plane: DataPlane, side: Side) {
    this.plane = plane;
    this.side = side;
  }

  /** The route to a destination of the mesh. Made at its first use; what is outside has one for each connection. */
  to(destination: Destination): Route {
    let route = this.routes.get(destination);
    if (!route) {
      route = this.make(destination, (target) => this.pool(destination, target));
      for (const pool of route.ready.slice(0, WARM_ENDPOINTS)) pool.warm(WARM_MS);
      this.routes.set(destination, route);
    }
    return route;
  }

  /** A route whose connections nobody else uses: outside the mesh, a connection may mean something to the server. */
  private(destination: Destination): Route {
    return this.make(destination, (target) => this.newPool(destination, target));
  }

  /** Ends connections to endpoints that the configuration no longer has; requests that run may finish. */
  retain(destinations: Destinations): void {
    for (const [key, pool] of this.pools) {
      if (destinations.has(key)) continue;
      this.pools.delete(key);
      pool.retire();
    }
  }

  end(): void {
    for (const pool of this.pools.values()) pool.retire();
    this.pools.clear();
  }

  private make(destination: Destination, poolOf: (target: Target) => Pool): Route {
    return {
      destination,
      ready: destination.ready.map(poolOf),
      terminating: destination.terminating.map(poolOf),
      budget: new RetryBudget(),
      series: (protocol) => this.series(destination, { protocol, security: 'plain', destination: '' }),
    };
  }

  private pool(destination: Destination, target: Target): Pool {
    let pool = this.pools.get(target.key);
    if (!pool) this.pools.set(target.key, (pool = this.newPool(destination, target)));
    return pool;
  }

  private newPool(destination: Destination, target: Target): Pool {
    const { plane } = this;
    const meshed = target.identities !== undefined;
    return new Pool({
      upstream: joinHostPort(target.address, target.port),
      wire: target.wire,
      spread: destination.kind === 'directory' ? SPREAD : 1,
      trusted: meshed,
      ...this.keeping(destination, meshed),
      sweeper: this.side.sweeper,
      load: this.side.load,
      incidents: this.side,
      serial: () => (meshed ? (plane.identity.current?.serial ?? '') : ''),
      dial: (wire, handlers) => this.dial(target, wire, handlers),
      series: (identity, protocol) =>
        this.series(destination, { protocol, security: meshed ? 'mtls' : 'plain', destination: identity }),
    });
  }

  /** How long unused connections are kept, and how long they are trusted. */
  private keeping({ kind }: Destination, meshed: boolean): { idleMs: () => number; freshMs: number } {
    if (meshed) {
      // a peer ends connections after the idle time of the same mesh: well before that they must be given up
      const own = () => this.plane.config.current?.document.settings.idleTimeoutMs ?? PEER_IDLE_MS;
      return { idleMs: () => Math.min(PEER_IDLE_MS, own() / 2), freshMs: PEER_IDLE_MS };
    }
    // outside, a connection belongs to the one client that it was opened for, and ends when either side wants
    if (kind === 'outside') return { idleMs: () => Number.MAX_VALUE, freshMs: Number.MAX_VALUE };
    return { idleMs: () => PLAIN_IDLE_MS, freshMs: PLAIN_FRESH_MS };
  }

  private series(
    { name }: Destination,
    key: Pick<SeriesKey, 'protocol' | 'security' | 'destination'>,
  ): Series {
    const source = this.plane.identity.current?.spiffeId ?? '';
    return this.plane.telemetry.series({ direction: 'outbound', source, service: name, ...key });
  }

  private dial(
    { address, port, identities }: Target,
    wire: Wire | undefined,
    handlers: DialHandlers,
  ): () => void {
    const { config, identity, telemetry } = this.plane;
    const security = identities ? 'mtls' : 'plain';
    const timeoutMs = config.current?.document.settings.connectTimeoutMs ?? 5_000;
    const own = identity.current;
    if (identities && !own) {
      const timer = setTimeout(() => handlers.failed('NOT_CONFIGURED', 'this proxy has no certificate yet'));
      return () => clearTimeout(timer);
    }
    const alpn = wire ?? ALPN_TCP;
    const tls = identities && own ? { context: own.clientContext, identities, alpn } : undefined;
    return dial(
      { address, port, timeoutMs, ...(tls ? { tls } : {}) },
      {
        connected: (channel, proven) => {
          telemetry.connectionOpened('outbound', security);
          channel.whenClosed = () => telemetry.connectionClosed('outbound', security);
          handlers.connected(channel, proven);
        },
        failed: (code, detail) => {
          if (code === 'PEER_IDENTITY_MISMATCH' || code === 'TLS_HANDSHAKE_FAILED') {
            telemetry.handshakeFailed('outbound', code);
          }
          handlers.failed(code, detail);
        },
      },
    );
  }
}

/** A client is gone: connections to the outside that were opened for it are of use to nobody else. */
export function leave(route: Route | undefined): void {
  if (route?.destination.kind === 'outside') for (const pool of route.ready) pool.retire();
}
