/** HTTP requests of the application: which service, which endpoint, whether to try again. */
import { leastRequest, type Balancer } from '../balance/leastRequest.ts';
import type { ConfigState, DataPlane } from '../context.ts';
import type { Series } from '../telemetry/types.ts';
import { cut } from '../wire/http1/cuts.ts';
import type { ClientConnection } from '../wire/http1/clientConnection.ts';
import type { Exchange } from '../wire/http1/exchange.ts';
import type { Pool } from '../wire/http1/pool.ts';
import type { ServerConnection } from '../wire/http1/serverConnection.ts';
import type { Failure, Station } from '../wire/http1/station.ts';
import { requestIds } from '../wire/requestIds.ts';
import type { Side } from '../wire/side.ts';
import { MAX_ATTEMPTS, choose, chooseAgain, mayRetry } from './attempts.ts';
import type { Destination } from './destinations.ts';
import type { Route, Routes } from './routes.ts';

const FROM_PLAIN = cut.reason | cut.weft;
const FROM_PEER = cut.weft;

/** What is known of a client connection. */
export interface OutboundContext {
  /** What it was opened to; undefined: to the proxy itself, so that each request says by its Host where it goes. */
  readonly find: ((config: ConfigState) => Destination) | undefined;
  config: ConfigState | undefined;
  route: Route | undefined;
  tried: Pool[];
}

export class OutboundHttp implements Station {
  readonly side: Side;
  private readonly plane: DataPlane;
  private readonly nextId = requestIds();
  private readonly routes: Routes;
  private readonly balancer: Balancer = leastRequest();
  private readonly takeOverBytes: (connection: ServerConnection, bytes: Buffer) => boolean;

  constructor(
    { plane, side, routes }: { plane: DataPlane; side: Side; routes: Routes },
    takeOver: (connection: ServerConnection, bytes: Buffer) => boolean,
  ) {
    this.plane = plane;
    this.side = side;
    this.routes = routes;
    this.takeOverBytes = takeOver;
  }

  get sweeper() {
    return this.side.sweeper;
  }
  get connections() {
    return this.side.connections;
  }
  get running(): number {
    return this.side.requests;
  }
  set running(count: number) {
    this.side.requests = count;
  }
  idleMs(): number {
    return this.plane.config.current?.document.settings.idleTimeoutMs ?? 60_000;
  }
  closing(): boolean {
    return this.side.stopping;
  }

  begin(exchange: Exchange): void {
    const context = exchange.context as OutboundContext;
    const config = this.plane.config.current;
    if (config === undefined) return exchange.refuse('NOT_CONFIGURED');
    if (context.tried.length > 0) context.tried = [];
    const route = this.routeOf(context, config, exchange);
    if (route === undefined) return exchange.refuse('UNKNOWN_DESTINATION', { destination: exchange.host });
    exchange.transparent = route.destination.kind === 'outside';
    route.budget.deposit();
    const pool = choose(this.balancer, route, context.tried);
    if (typeof pool !== 'string') return exchange.send(pool);
    const destination = route.destination.name;
    exchange.refuse(
      pool,
      pool === 'OVERLOADED' ? { destination, bound: 'connectionsPerEndpoint' } : { destination },
    );
  }

  again(exchange: Exchange, failure: Failure): boolean {
    const { route, tried } = exchange.context as OutboundContext;
    if (route === undefined || route.destination.kind === 'outside' || exchange.attempts >= MAX_ATTEMPTS)
      return false;
    const retry = mayRetry(failure, exchange.request.idempotent);
    const last = exchange.lastPool;
    if (retry === 'no' || last === undefined) return false;
    let pool: Pool | undefined = last;
    if (retry === 'elsewhere') {
      tried.push(last);
      const other = chooseAgain(this.balancer, route, tried);
      pool = typeof other === 'string' ? undefined : other;
    }
    if (pool === undefined || !route.budget.withdraw()) return false;
    this.plane.telemetry.retry(route.destination.name, failure.code);
    // a kept connection to an address of the directory may lead where the last one did
    exchange.send(pool, retry === 'anew' || route.destination.kind === 'directory');
    return true;
  }

  failed(exchange: Exchange, failure: Failure): void {
    const { route } = exchange.context as OutboundContext;
    const destination = route?.destination.name ?? exchange.host;
    exchange.refuse(failure.code, { destination, detail: failure.detail });
  }

  seriesOf(exchange: Exchange): Series {
    const { route } = exchange.context as OutboundContext;
    if (route) return route.series('http');
    const source = this.plane.identity.current?.spiffeId ?? '';
    return this.plane.telemetry.series({
      direction: 'outbound',
      source,
      destination: '',
      service: '',
      protocol: 'http',
      security: 'plain',
    });
  }

  requestLines(exchange: Exchange): string {
    if (exchange.request.hasRequestId) return '';
    const id = this.nextId();
    exchange.requestId = id;
    return `x-request-id: ${id}\r\n`;
  }

  responseCuts(upstream: ClientConnection): number {
    return upstream.pool.options.trusted ? FROM_PEER : FROM_PLAIN;
  }

  disconnected(context: OutboundContext): void {
    if (context.route?.destination.kind === 'outside') for (const pool of context.route.ready) pool.retire();
  }

  takeOver(connection: ServerConnection, bytes: Buffer): boolean {
    return this.takeOverBytes(connection, bytes);
  }

  tunnelled(_exchange: Exchange, abort: () => void): () => void {
    this.side.tunnels.add(abort);
    return () => this.side.tunnels.delete(abort);
  }

  /** Looked up once per connection and configuration; per request only where the Host decides. */
  private routeOf(context: OutboundContext, config: ConfigState, exchange: Exchange): Route | undefined {
    if (context.find === undefined) {
      const destination = config.destinations.resolveHost(exchange.host);
      context.route = destination && this.routes.to(destination);
    } else if (context.config !== config || context.route === undefined) {
      const destination = context.find(config);
      const outside = destination.kind === 'outside';
      // an open connection to the outside is kept through changes of configuration
      if (!outside) context.route = this.routes.to(destination);
      else if (context.route?.destination.name !== destination.name)
        context.route = this.routes.private(destination);
    }
    context.config = config;
    return context.route;
  }
}
