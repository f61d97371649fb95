/**
 * One stream of an HTTP/2 connection (RFC 9113, 5). It holds the numbers of its state; what happens to it is decided in
 * receiver.ts and sender.ts. No closures and no listeners: a stream costs one object.
 */
import { EMPTY } from './constants.ts';
import { isInterim } from './fieldRules.ts';
import type { StreamHandler } from './handlers.ts';
import type { StreamQueue } from './streamQueue.ts';

/** What a stream asks of its connection. */
export interface StreamOwner {
  sendHead(stream: Http2Stream, fields: readonly string[], ended: boolean): void;
  /** False where the writer should wait. */
  sendData(stream: Http2Stream, bytes: Buffer): boolean;
  sendEnd(stream: Http2Stream): void;
  sendReset(stream: Http2Stream, code: number): void;
  resumed(stream: Http2Stream): void;
}

const NONE: readonly string[] = [];

/** Until the owner has returned its handler, and for those without interest. */
export const unheard: StreamHandler = {
  interim: () => {},
  response: () => {},
  data: () => {},
  trailers: () => {},
  drain: () => {},
  reset: () => {},
};

export class Http2Stream {
  readonly id: number;
  handler: StreamHandler;
  private readonly owner: StreamOwner;

  /** Both sides have ended, or one has reset the stream: nothing goes or comes any more. */
  closed = false;
  /** The peer has ended its side. */
  receivedEnd = false;
  /** `end` or an ended head was asked for: nothing can be written any more. */
  ending = false;
  /** The last frame of this side has been handed to the connection. */
  sentEnd = false;
  /** No credit is given to the peer. */
  paused = false;
  /** Names that heads and trailers sent on it must let into no table (RFC 7541, 7.1.3): as Http2Head.neverIndexed. */
  neverIndexed: readonly string[] = NONE;

  // the rest belongs to the connection

  /** What the peer lets us send; may be negative (6.9.2). */
  sendWindow = 0;
  /** What we let the peer send. */
  receiveWindow = 0;
  /** Received and not yet given back as credit. */
  uncredited = 0;
  /** The part of it that came, or waited, while paused. */
  held = 0;
  /** Bytes of a message that its content-length still lacks; -1: not declared. */
  lacking = -1;
  /** The (final) head of the peer has come, so that content and trailers may follow. */
  responded = false;
  /** Client role: the answer has no content, whatever its fields say (HEAD). */
  bodiless = false;
  /** Of CONNECT: content is bytes of a tunnel. */
  tunnel = false;
  interims = 0;
  /** Server role: the final head was sent. */
  answered = false;

  /** What waits to be sent: the first piece from `offset` on, then others. */
  first: Buffer = EMPTY;
  offset = 0;
  others: Buffer[] | undefined = undefined;
  /** The last of `others`, where small pieces may still be added to it, and how much of it is used. */
  tail: Buffer | undefined = undefined;
  tailUsed = 0;
  queued = 0;
  trailers: readonly string[] | undefined = undefined;
  /** `write` gave false. */
  waiting = false;
  /** Where it waits for its turn to send, and between whom. */
  queue: StreamQueue | undefined = undefined;
  next: Http2Stream | undefined = undefined;
  previous: Http2Stream | undefined = undefined;
  /** RST_STREAM with NO_ERROR follows the end (8.1). */
  resetAfterEnd = false;

  constructor(id: number, owner: StreamOwner, handler: StreamHandler = unheard) {
    this.id = id;
    this.owner = owner;
    this.handler = handler;
  }

  /**
   * Server role: an interim head (1xx) or the final one. Pseudo-fields first. `ended`: nothing follows. Nothing happens
   * on a closed stream, here and below.
   */
  respond(fields: readonly string[], ended: boolean): void {
    if (this.closed || this.ending) return;
    this.answered = !isInterim(fields);
    this.owner.sendHead(this, fields, ended);
  }

  /** Bytes are kept, not copied: they must not change. False: wait for `drain`, though these are taken. */
  write(bytes: Buffer): boolean {
    if (this.closed || this.ending) return true;
    return this.owner.sendData(this, bytes);
  }

  /** Ends this side after what was written, with trailers where given. */
  end(trailers?: readonly string[]): void {
    if (this.closed || this.ending) return;
    this.ending = true;
    this.trailers = trailers;
    this.owner.sendEnd(this);
  }

  /**
   * Ends the stream at once; what was written and not sent is dropped, and the handler is told nothing more. Only with
   * NO_ERROR after `end` it first sends what was written: the answer is complete and the rest of the request is not
   * wanted (8.1).
   */
  reset(code: number): void {
    if (this.closed) return;
    this.owner.sendReset(this, code);
  }

  /** The peer gets no more credit; what it already had still comes. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (!this.closed) this.owner.resumed(this);
  }
}
