/** What decides about exchanges: the inbound and the outbound side each have one. The codecs know no policy. */
import type { Code } from '../../../core/errors/index.ts';
import type { Wire } from '../../../core/proxyConfig/index.ts';
import type { Load, Series } from '../../telemetry/types.ts';
import type { Sweeper } from '../sweeper.ts';
import type { Failure, Upstream } from './ends.ts';
import type { Exchange } from './exchange.ts';
import type { ExchangeRecord } from './record.ts';
import type { FieldList } from './message.ts';

/** A client connection that speaks HTTP, of either version. */
export interface HttpConnection {
  /** Nothing runs on it. */
  readonly idle: boolean;
  /** Ends after what was written. */
  close(): void;
  /** Takes no new requests: what runs ends first. */
  shutdown(): void;
}

/** Where connections of a side count what went wrong on them. */
export interface Incidents {
  /** A stream or connection of HTTP/2 ended with an error code (RFC 9113, 7), said by this proxy or by its peer. */
  http2Error(code: number, by: 'proxy' | 'peer'): void;
  /** Something was refused for want of room. `bound`: its name in the source. */
  boundReached(bound: string): void;
}

export interface Station extends Incidents {
  readonly sweeper: Sweeper;
  /** Open client connections that speak HTTP, so that a stop can end them. */
  readonly connections: Set<HttpConnection>;
  readonly load: Load;
  /** Exchanges that run. */
  running: number;
  /** Milliseconds that a client may stay idle between requests. */
  idleMs(): number;
  /** Client connections end after their current exchange. */
  closing(): boolean;
  /** Judges the request in `exchange.request` and calls exchange.send or exchange.refuse, now or later. */
  begin(exchange: Exchange): void;
  /** After a failed attempt: true where it was sent elsewhere, or again. */
  again(exchange: Exchange, failure: Failure): boolean;
  /** The last attempt failed: refuses the request. */
  failed(exchange: Exchange, failure: Failure): void;
  /** Where an exchange that found no endpoint is counted. */
  seriesOf(exchange: Exchange): Series;
  /** Fields to add to the request. */
  requestFields(exchange: Exchange): FieldList;
  /** Kinds of lines (cut.…) to leave out of a response of this upstream. */
  responseCuts(upstream: Upstream): number;
  /** How the exchange travels between two proxies; undefined where it does not. */
  wireOf(exchange: ExchangeRecord): Wire | undefined;
  /**
   * A request cannot be read, which costs its client nothing. Gives how many of its kind were only counted since the
   * last that had a line in the log; -1: this one is only counted, too.
   */
  unreadable(): number;
  /** A client connection has ended. */
  disconnected(context: object): void;
  /**
   * An upgraded exchange has become a relay that must obey later changes of policy; returns what to call at its end.
   * `abort` says why.
   */
  tunnelled(exchange: Exchange, abort: (reason: Code) => void): () => void;
}
