/** HTTP requests to the application: each is judged by the configuration in force when it comes. */
import type { RequestFacts } from '../../core/evaluate/index.ts';
import type { Code } from '../../core/errors/index.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import type { DataPlane } from '../context.ts';
import type { Series } from '../telemetry/types.ts';
import { ownText } from '../wire/copies.ts';
import { cut } from '../wire/exchange/cuts.ts';
import type { Failure } from '../wire/exchange/ends.ts';
import type { Exchange } from '../wire/exchange/exchange.ts';
import type { ExchangeRecord } from '../wire/exchange/record.ts';
import type { FieldList, Request } from '../wire/exchange/message.ts';
import type { Pool } from '../wire/exchange/pool.ts';
import { HttpStation } from '../wire/httpStation.ts';
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
  /** How a peer proxy speaks to us; undefined: no proxy. */
  readonly wire: Wire | undefined;
  /** Fields added to each request. */
  readonly source: FieldList;
  series: Series | undefined;
}

export class InboundHttp extends HttpStation {
  /** Upgraded exchanges: what to do when policy changes. */
  private readonly judged: Set<() => void>;

  constructor({ plane, side, judged }: { plane: DataPlane; side: Side; judged: Set<() => void> }) {
    super(plane, side);
    this.judged = judged;
  }

  /** A peer that is told so sends its next request elsewhere. */
  override closing(): boolean {
    return this.plane.drain.draining || this.side.stopping;
  }

  begin(exchange: Exchange): void {
    const { peer, application } = exchange.context as InboundContext;
    const { config } = peer;
    if (config === undefined) return exchange.refuse('NOT_CONFIGURED', { unprocessed: true });
    const { request } = exchange;
    setFacts(peer.facts, request);
    const code = peer.judge(config, 'request');
    exchange.verdict = peer.verdict;
    // an idle connection must not keep the texts of its last request
    clearFacts(peer.facts);
    if (code !== undefined) return this.deny(exchange, peer, code);
    const pool = application();
    if (pool.full)
      return exchange.refuse('OVERLOADED', { bound: 'connectionsPerEndpoint', unprocessed: true });
    exchange.overHttp2 = speaksHttp2(config.section.protocols[String(peer.port)], request);
    exchange.send(pool);
  }

  /** Only what certainly was not seen, or where a kept connection was closed and twice does no harm. */
  again(exchange: Exchange, failure: Failure): boolean {
    const stale = failure.sent && failure.reused && failure.code === 'UPSTREAM_RESET';
    const harmless = failure.unprocessed || (stale && exchange.request.idempotent);
    if (!harmless || exchange.attempts >= MAX_ATTEMPTS) return false;
    const { peer, application } = exchange.context as InboundContext;
    this.plane.telemetry.retry(String(peer.port), failure.code);
    exchange.send(application(), true);
    return true;
  }

  failed(exchange: Exchange, failure: Failure): void {
    const { detail } = failure;
    if (failure.sent && !failure.unprocessed) return exchange.refuse(failure.code, { detail });
    // it never saw the request: a peer may send it elsewhere
    const code: Code = this.plane.drain.draining ? 'DRAINING' : 'APPLICATION_UNAVAILABLE';
    exchange.refuse(code, { detail, unprocessed: true });
  }

  seriesOf(exchange: Exchange): Series {
    const context = exchange.context as InboundContext;
    return (context.series ??= context.peer.series('http'));
  }

  override requestFields(exchange: Exchange): FieldList {
    const { source } = exchange.context as InboundContext;
    const own = super.requestFields(exchange);
    return own.length === 0 ? source : [...source, ...own];
  }

  wireOf(exchange: ExchangeRecord): Wire | undefined {
    return (exchange.context as InboundContext).wire;
  }

  responseCuts(): number {
    return FROM_APPLICATION;
  }

  disconnected(): void {}

  /** A change of policy ends what it no longer allows, upgraded connections too. */
  override tunnelled(exchange: Exchange, abort: (reason: Code) => void): () => void {
    const { peer } = exchange.context as InboundContext;
    const facts: RequestFacts = { ...peer.facts };
    setFacts(facts, exchange.request);
    facts.path = ownText(facts.path);
    facts.host = ownText(facts.host);
    const judge = () => {
      if (!peer.stillAllowed('request', facts)) abort('AUTHORIZATION_DENIED');
    };
    const ended = super.tunnelled(exchange, abort);
    this.judged.add(judge);
    return () => {
      ended();
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

function setFacts(facts: RequestFacts, { method, path, authority }: Request): void {
  facts.method = method;
  facts.path = path;
  facts.host = authority;
}

function clearFacts(facts: RequestFacts): void {
  facts.method = facts.path = facts.host = '';
}

/** Declared ports are spoken to as declared, others as the client speaks. */
function speaksHttp2(declared: string | undefined, request: Request): boolean {
  if (declared === 'Http2' || declared === 'Grpc') return true;
  return declared !== 'Http' && request.http2;
}
