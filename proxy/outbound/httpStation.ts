/** HTTP requests of the application: which service, which endpoint, whether to try again. */
import { leastRequest, type Balancer } from '../balance/leastRequest.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import type { ConfigState, DataPlane } from '../context.ts';
import type { Series } from '../telemetry/types.ts';
import { cut } from '../wire/exchange/cuts.ts';
import type { Failure, Upstream } from '../wire/exchange/ends.ts';
import type { Exchange } from '../wire/exchange/exchange.ts';
import type { ExchangeRecord } from '../wire/exchange/record.ts';
import type { Request } from '../wire/exchange/message.ts';
import type { HttpConnection } from '../wire/exchange/station.ts';
import type { Pool } from '../wire/exchange/pool.ts';
import { HttpStation } from '../wire/httpStation.ts';
import type { Side } from '../wire/side.ts';
import { MAX_ATTEMPTS, choose, chooseAgain, mayRetry } from './attempts.ts';
import { whenKnown } from './demand.ts';
import type { Destination } from './destinations.ts';
import type { Find } from './find.ts';
import { leave, type Route, type Routes } from './routes.ts';

const FROM_PLAIN = cut.reason | cut.weft;
const FROM_PEER = cut.weft;

/** What is known of a client connection. */
export interface OutboundContext {
  /** What it was opened to; undefined: to the proxy itself, so that each request says by its Host where it goes. */
  readonly find: Find | undefined;
  /** Of HTTP/2. */
  connection: HttpConnection | undefined;
  config: ConfigState | undefined;
  route: Route | undefined;
}

export class OutboundHttp extends HttpStation {
  private readonly routes: Routes;
  private readonly balancer: Balancer = leastRequest();
  /** The answer that is given now is the last of its connection. */
  private leaving = false;

  constructor({ plane, side, routes }: { plane: DataPlane; side: Side; routes: Routes }) {
    super(plane, side);
    this.routes = routes;
  }

  begin(exchange: Exchange): void {
    const config = this.plane.config.current;
    if (config === undefined) return exchange.refuse('NOT_CONFIGURED');
    const destination = destinationOf(exchange, config);
    const waiting = whenKnown(this.plane, destination);
    if (waiting) void this.hold(exchange, waiting);
    else this.forward(exchange, config, destination);
  }

  /** The client may go away meanwhile, and the exchange be that of another request. */
  private async hold(exchange: Exchange, waiting: Promise<void>): Promise<void> {
    const held = new Held();
    exchange.notes = held;
    try {
      await waiting;
      const config = this.plane.config.current;
      if (config && exchange.notes === held) this.forward(exchange, config, destinationOf(exchange, config));
    } catch (error) {
      this.plane.log.error({ error }, 'a request that waited cannot go on');
      if (exchange.notes === held) exchange.refuse('NO_ENDPOINT', { destination: exchange.host });
    }
  }

  private forward(exchange: Exchange, config: ConfigState, found: Destination | undefined): void {
    const route = found && this.routeOf(exchange.context as OutboundContext, config, found);
    exchange.notes = route;
    if (route === undefined) return exchange.refuse('UNKNOWN_DESTINATION', { destination: exchange.host });
    const { destination } = route;
    if (destination.kind === 'gone') return this.refuseGone(exchange, destination);
    exchange.transparent = destination.kind === 'outside';
    exchange.overHttp2 = speaksHttp2(destination, exchange.request);
    route.budget.deposit();
    const pool = choose(this.balancer, route, exchange.tried);
    if (typeof pool !== 'string') return exchange.send(pool);
    const { name } = destination;
    exchange.refuse(
      pool,
      pool === 'OVERLOADED' ? { destination: name, bound: 'connectionsPerEndpoint' } : { destination: name },
    );
  }

  /** The client has to resolve anew, and will only for another connection. */
  private refuseGone(exchange: Exchange, { name }: Destination): void {
    const { connection } = exchange.context as OutboundContext;
    this.leaving = true;
    try {
      exchange.refuse('NO_ENDPOINT', { destination: name });
    } finally {
      this.leaving = false;
    }
    connection?.shutdown();
  }

  override closing(): boolean {
    return this.leaving || super.closing();
  }

  again(exchange: Exchange, failure: Failure): boolean {
    const taken = routeTaken(exchange);
    if (taken === undefined || taken.destination.kind === 'outside' || exchange.attempts >= MAX_ATTEMPTS)
      return false;
    const retry = mayRetry(failure, exchange.request.idempotent);
    const last = exchange.lastPool;
    if (retry === 'no' || last === undefined) return false;
    if (retry === 'anew' && exchange.attempts > 1) return false;
    const route = this.routeNow(exchange);
    if (route === undefined) return false;
    const there = isOf(route, last) ? last : undefined;
    let pool: Pool | undefined = retry === 'anew' ? there : undefined;
    if (pool === undefined) {
      exchange.tried.push(last);
      const other = chooseAgain(this.balancer, route, exchange.tried);
      // a peer that did not look at it may take it on another connection, where there is nobody else
      const again = failure.unprocessed && failure.code === 'UPSTREAM_RESET' ? there : undefined;
      pool = typeof other === 'string' ? again : other;
    }
    if (pool === undefined || !route.budget.withdraw()) return false;
    this.plane.telemetry.retry(route.destination.name, failure.code);
    // a kept connection to an address of the directory may lead where the last one did
    exchange.send(pool, retry === 'anew' || route.destination.kind === 'directory');
    return true;
  }

  failed(exchange: Exchange, failure: Failure): void {
    const destination = routeTaken(exchange)?.destination.name ?? exchange.host;
    exchange.refuse(failure.code, { destination, detail: failure.detail });
  }

  seriesOf(exchange: Exchange): Series {
    const route = routeTaken(exchange);
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

  wireOf(exchange: ExchangeRecord): Wire | undefined {
    return exchange.lastPool?.wire;
  }

  responseCuts(upstream: Upstream): number {
    return upstream.pool.options.trusted ? FROM_PEER : FROM_PLAIN;
  }

  disconnected(context: OutboundContext): void {
    leave(context.route);
  }

  /** By the configuration in force now: endpoints may have come and gone since the attempt before. */
  private routeNow(exchange: Exchange): Route | undefined {
    const config = this.plane.config.current;
    const destination = config && destinationOf(exchange, config);
    if (!destination || destination.kind === 'outside') return undefined;
    const route = this.routeOf(exchange.context as OutboundContext, config, destination);
    exchange.notes = route;
    return route;
  }

  private routeOf(context: OutboundContext, config: ConfigState, destination: Destination): Route {
    if (context.find === undefined) return this.routes.to(destination);
    if (context.config === config && context.route !== undefined) return context.route;
    context.config = config;
    // an open connection to the outside is kept through changes of configuration
    const isOutside = destination.kind === 'outside';
    if (isOutside && context.route?.destination.name === destination.name) return context.route;
    leave(context.route);
    return (context.route = isOutside ? this.routes.private(destination) : this.routes.to(destination));
  }
}

/** Notes of a request that waits until it is known where it goes. */
class Held {
  readonly waiting = true;
}

const isOf = ({ ready, terminating }: Route, pool: Pool): boolean =>
  ready.includes(pool) || terminating.includes(pool);

const routeTaken = ({ notes }: Exchange): Route | undefined =>
  notes instanceof Held ? undefined : (notes as Route | undefined);

/** Looked up once per connection and configuration; per request only where the Host decides. */
function destinationOf(exchange: Exchange, config: ConfigState): Destination | undefined {
  const { find, config: known, route } = exchange.context as OutboundContext;
  if (find === undefined) return config.destinations.resolveHost(exchange.host);
  return known === config && route !== undefined ? route.destination : find(config);
}

/** Declared ports are spoken to as declared, others as the client speaks. */
function speaksHttp2({ protocol }: Destination, request: Request): boolean {
  if (protocol === 'Http2' || protocol === 'Grpc') return true;
  return protocol !== 'Http' && request.http2;
}
