/** HTTP requests to the application: each is judged by the configuration in force when it comes. */
import type { RequestFacts } from '../../core/evaluate/index.ts';
import type { Code } from '../../core/errors/index.ts';
import type { DataPlane } from '../context.ts';
import type { Series } from '../telemetry/types.ts';
import { cut } from '../wire/http1/cuts.ts';
import type { Exchange } from '../wire/http1/exchange.ts';
import type { Pool } from '../wire/http1/pool.ts';
import type { Failure, Station } from '../wire/http1/station.ts';
import { requestIds } from '../wire/requestIds.ts';
import type { Side } from '../wire/side.ts';
import type { Peer } from './peer.ts';

const MAX_ATTEMPTS = 3;
/** Only proxies say x-weft-…: an application must not be taken for one. */
const FROM_APPLICATION = cut.reason | cut.weft;

/** What is known of a client connection. */
export interface InboundContext {
  readonly peer: Peer;
  /** The application, as the client called it. */
  readonly application: () => Pool;
  /** Lines added to each request. */
  readonly sourceLine: string;
  series: Series | undefined;
}

export class InboundHttp implements Station {
  readonly side: Side;
  private readonly plane: DataPlane;
  private readonly nextId = requestIds();
  /** Upgraded exchanges: what to do when policy changes. */
  private readonly judged: Set<() => void>;

  constructor({ plane, side, judged }: { plane: DataPlane; side: Side; judged: Set<() => void> }) {
    this.plane = plane;
    this.side = side;
    this.judged = judged;
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
  /** A peer that is told so sends its next request elsewhere. */
  closing(): boolean {
    return this.plane.drain.draining || this.side.stopping;
  }

  begin(exchange: Exchange): void {
    const { peer, application } = exchange.context as InboundContext;
    const { config } = peer;
    if (config === undefined) return exchange.refuse('NOT_CONFIGURED', { unprocessed: true });
    const { facts } = peer;
    const { request } = exchange;
    facts.method = request.method;
    facts.path = request.path;
    facts.host = request.authority;
    const code = peer.judge(config, 'request');
    exchange.verdict = peer.verdict;
    if (code !== undefined) return this.deny(exchange, peer, code);
    const pool = application();
    if (pool.full)
      return exchange.refuse('OVERLOADED', { bound: 'connectionsPerEndpoint', unprocessed: true });
    exchange.send(pool);
  }

  /** Only a kept connection that turned out to be closed, and only where twice does no harm. */
  again(exchange: Exchange, failure: Failure): boolean {
    const stale = failure.sent && failure.reused && failure.code === 'UPSTREAM_RESET';
    if (!stale || !exchange.request.idempotent || exchange.attempts >= MAX_ATTEMPTS) return false;
    const { peer, application } = exchange.context as InboundContext;
    this.plane.telemetry.retry(String(peer.port), failure.code);
    exchange.send(application(), true);
    return true;
  }

  failed(exchange: Exchange, failure: Failure): void {
    const { detail } = failure;
    if (failure.sent) return exchange.refuse(failure.code, { detail });
    // it never saw the request: a peer may send it elsewhere
    const code: Code = this.plane.drain.draining ? 'DRAINING' : 'APPLICATION_UNAVAILABLE';
    exchange.refuse(code, { detail, unprocessed: true });
  }

  seriesOf(exchange: Exchange): Series {
    const context = exchange.context as InboundContext;
    return (context.series ??= context.peer.series('http'));
  }

  requestLines(exchange: Exchange): string {
    const { sourceLine } = exchange.context as InboundContext;
    if (exchange.request.hasRequestId) return sourceLine;
    const id = this.nextId();
    exchange.requestId = id;
    return `${sourceLine}x-request-id: ${id}\r\n`;
  }

  responseCuts(): number {
    return FROM_APPLICATION;
  }

  takeOver(): boolean {
    return false;
  }

  disconnected(): void {}

  /** A change of policy ends what it no longer allows, upgraded connections too. */
  tunnelled(exchange: Exchange, abort: () => void): () => void {
    const { peer } = exchange.context as InboundContext;
    const facts: RequestFacts = { ...peer.facts };
    const judge = () => {
      if (!peer.stillAllowed('request', facts)) abort();
    };
    this.side.tunnels.add(abort);
    this.judged.add(judge);
    return () => {
      this.side.tunnels.delete(abort);
      this.judged.delete(judge);
    };
  }

  private deny(exchange: Exchange, { principal, verdict }: Peer, code: Code): void {
    exchange.refuse(code, {
      policy: verdict?.policy ?? '',
      rule: verdict?.rule ?? '',
      ...(principal === undefined ? {} : { source: principal }),
      destination: this.plane.identity.current?.spiffeId ?? '',
    });
  }
}
