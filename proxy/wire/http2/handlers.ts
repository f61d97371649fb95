/** What the owner of an HTTP/2 connection gives it, and is told by it. Calls come in the turn in which bytes came. */
import type { Channel } from '../channel.ts';
import type { Http2Head } from './head.ts';
import type { Http2Limits } from './limits.ts';
import type { Http2Stream } from './stream.ts';

export interface Http2Options {
  /** Bytes of the connection; its handler is set by `start`. */
  readonly channel: Channel;
  readonly role: 'client' | 'server';
  readonly handler: ConnectionHandler;
  readonly limits?: Partial<Http2Limits>;
}

export interface ConnectionHandler {
  /**
   * Server role: a request. Returns what follows the stream; answering or resetting it at once, before the return, is
   * fine. `ended`: it has no body and no trailers.
   */
  request(stream: Http2Stream, head: Http2Head, ended: boolean): StreamHandler;
  /**
   * Server role: a request that is refused for its head. `problem`: what is malformed about it (8.1.1), without values
   * of the peer; '': its fields exceed `headerListBytes`. `head` has what could be read. May answer before it returns;
   * a stream that has no whole answer then is reset with PROTOCOL_ERROR. Nothing more is told of it.
   */
  unacceptable(stream: Http2Stream, head: Http2Head, problem: string): void;
  /**
   * No new streams: the peer sent GOAWAY (those above its last identifier are told as unprocessed after this), or the
   * connection ends for another reason. Told once.
   */
  goingAway(): void;
  /** More streams may be opened than before: `request` gave undefined for want of room, and would not now. */
  available(): void;
  /**
   * The connection is over; every stream has been told before. `error`: it did not end as it should. Until then
   * `sweep` is needed.
   */
  closed(error: Error | undefined): void;
  /**
   * RST_STREAM or GOAWAY with an error code (7) has ended a stream or the connection; `ours`: it was sent, not received.
   * For who counts: what has to be done about it is told by the other calls.
   */
  errored(errorCode: number, ours: boolean): void;
  /** For who counts: something was refused. `bound`: a name of limits.ts or memory.ts, or `flood.` and one of floods.ts. */
  boundReached(bound: string): void;
}

export interface StreamHandler {
  /** Client role: a 1xx head. */
  interim(head: Http2Head): void;
  /** Client role: the final head. `ended`: nothing follows. */
  response(head: Http2Head, ended: boolean): void;
  /** A slice of what the channel gave; may be kept. `ended` with the last one, which may be empty. */
  data(bytes: Buffer, ended: boolean): void;
  /** Ends the incoming side. Flat list of names and values. `neverIndexed`: as Http2Head.neverIndexed. */
  trailers(fields: string[], neverIndexed: readonly string[]): void;
  /** After `write` gave false: what was queued has been handed to the connection. */
  drain(): void;
  /**
   * The stream is over, by the peer or by an error; nothing more can be sent or will come. Not told after `reset` of
   * the stream by its owner, nor after both sides ended. `unprocessed`: the peer certainly did not act on it. `problem`:
   * what the peer did wrong on this stream, so that this side has reset it; else ''.
   */
  reset(code: number, unprocessed: boolean, problem: string): void;
}
