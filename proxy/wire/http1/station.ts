/** What decides about exchanges: the inbound and the outbound side each have one. The codec itself knows no policy. */
import type { Code } from '../../../core/errors/index.ts';
import type { Series } from '../../telemetry/types.ts';
import type { Sweeper } from '../sweeper.ts';
import type { ClientConnection } from './clientConnection.ts';
import type { Exchange } from './exchange.ts';
import type { ServerConnection } from './serverConnection.ts';

/** An attempt that brought no response. */
export interface Failure {
  code: Code;
  detail: string;
  /** Bytes of the request may have reached the application. */
  sent: boolean;
  /** The connection had served a request before: the other side may just have closed it for idleness. */
  reused: boolean;
  /** An authenticated peer said that the application never saw the request. */
  unprocessed: boolean;
}

export interface Station {
  readonly sweeper: Sweeper;
  /** Open client connections that speak HTTP, so that a stop can end them. */
  readonly connections: Set<ServerConnection>;
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
  /** Complete lines to add to the request. */
  requestLines(exchange: Exchange): string;
  /** Kinds of lines (cut.…) to leave out of a response of this upstream. */
  responseCuts(upstream: ClientConnection): number;
  /** A client connection has ended. */
  disconnected(context: object): void;
  /** The client sent something that is no HTTP: true where the station took the connection over. */
  takeOver(connection: ServerConnection, bytes: Buffer): boolean;
  /** An upgraded exchange has become a relay that must obey later changes of policy; returns what to call at its end. */
  tunnelled(exchange: Exchange, abort: () => void): () => void;
}
