/** The two ends of an exchange, each an HTTP/1.x connection (http1/) or an HTTP/2 stream (streams/). */
import type { Code } from '../../../core/errors/index.ts';
import type { Series } from '../../telemetry/types.ts';
import type { Channel } from '../channel.ts';
import type { Exchange } from './exchange.ts';
import type { FieldList, Request, Response } from './message.ts';
import type { Pool } from './pool.ts';
import type { RefusalDetail } from './refusal.ts';

/** What is left of an end that has left HTTP. */
export interface Released {
  channel: Channel;
  /** Read, but not yet looked at. */
  bytes: Buffer | undefined;
}

/** Where the request comes from. A body passes in the form it came in; the other end converts it where it must. */
export interface Downstream {
  readonly request: Request;
  /** All of the request has come. */
  readonly requestComplete: boolean;
  /** Bytes of its body so far. */
  readonly requestBytes: number;
  /** `address:port` of the client. */
  readonly peer: string;
  /** The request's body should wait, or go on. */
  pause(): void;
  resume(): void;
  /** Passes a 1xx on. `cuts`: kinds of lines (cut.…) to leave out, here and below. */
  inform(response: Response, cuts: number): void;
  /** Passes the final head on, with what came of an HTTP/1.x body. `ended`: all of it. False: wait for drain. */
  respond(response: Response, cuts: number, ended: boolean): boolean;
  body(bytes: Buffer, ended: boolean): boolean;
  /** The response is complete. */
  complete(trailers: FieldList | undefined): void;
  /** Answers in place of the application. */
  refuse(code: Code, detail: RefusalDetail): void;
  /** The exchange is over: the next may come. */
  finished(): void;
  /** Ends so that what was sent cannot be taken for complete. `resetCode`: of HTTP/2, where that was the cause. */
  abort(resetCode: number | undefined): void;
  /** Says by `response`, where there is one, that the connection leaves HTTP, and gives it up. */
  release(response: Response | undefined, cuts: number): Released;
}

/** Where the request goes to: one attempt. */
export interface Upstream {
  readonly pool: Pool;
  /** Where the exchange is counted; undefined: by who called. */
  readonly series: Series | undefined;
  /** Bytes of the response's body so far. */
  readonly responseBytes: number;
  /** Sends the head, and of the body what is there. `ended`: all of it. False: wait for drain. */
  send(exchange: Exchange, chunks: readonly Buffer[], ended: boolean): boolean;
  body(bytes: Buffer, ended: boolean): boolean;
  /** The request is complete: said after the last `body`, and after `send` where that was all. */
  complete(trailers: FieldList | undefined): void;
  pause(): void;
  resume(): void;
  /** Nothing more is wanted of it. `resetCode`: of HTTP/2, where the client gave one. */
  abandon(resetCode?: number): void;
  /** Gives the connection up to who carries bytes. */
  release(): Channel;
}

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
  /** RST_STREAM's code, where an HTTP/2 stream ended so. */
  resetCode?: number;
}
