/** One HTTP/2 connection, either role, over a channel. */
import type { Handler } from '../channel.ts';
import type { Swept } from '../sweeper.ts';
import type { Http2Options, StreamHandler } from './handlers.ts';
import { Http2Stream, type StreamOwner } from './stream.ts';

export declare class Http2Connection implements Handler, StreamOwner, Swept {
  constructor(options: Http2Options);
  /** Begins, with bytes that were already read: of a client, its preface among them. */
  start(bytes?: Buffer): void;
  /** Client role: opens a stream and sends its head, pseudo-fields first. Undefined where none may be opened now. */
  request(fields: readonly string[], ended: boolean, handler: StreamHandler): Http2Stream | undefined;
  /** Open streams. */
  readonly streams: number;
  /** Client role: `request` would give a stream. */
  readonly canOpen: boolean;
  /** Client role: the server takes `:protocol` (RFC 8441). Known once its SETTINGS have come. */
  readonly extendedConnect: boolean;
  /** SETTINGS of the peer have come. */
  readonly ready: boolean;
  /** performance.now() when the last stream ended, or of the start; 0 while streams are open. */
  readonly idleSince: number;
  /** Neither side has said that it takes or opens no more streams. */
  readonly open: boolean;
  /** Graceful end: streams that run may finish, new ones go elsewhere. */
  shutdown(): void;
  /** Ends at once; streams are told. */
  destroy(code?: number): void;
  /** Asks for a round trip; told its milliseconds. False where too many are under way or the connection is over. */
  ping(told: (milliseconds: number) => void): boolean;
  sweep(now: number): void;
  data(bytes: Buffer): void;
  end(): void;
  drain(): void;
  closed(error: Error | undefined): void;
  sendHead(stream: Http2Stream, fields: readonly string[], ended: boolean): void;
  sendData(stream: Http2Stream, bytes: Buffer): boolean;
  sendEnd(stream: Http2Stream): void;
  sendReset(stream: Http2Stream, code: number): void;
  resumed(stream: Http2Stream): void;
}
