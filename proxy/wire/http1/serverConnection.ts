/** One client connection that speaks HTTP/1.x: reads its requests one after the other and hands each to the exchange. */
import { bound } from '../bounds.ts';
import type { Channel, Handler } from '../channel.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { HttpConnection, Station } from '../exchange/station.ts';
import type { Swept } from '../sweeper.ts';
import { Accumulator } from './accumulator.ts';
import { Answers } from './answers.ts';
import { Body, framing } from './body.ts';
import { BAD, DONE, LARGE, MORE } from './head.ts';
import { limit } from './limits.ts';
import { RequestHead } from './request.ts';

/** head: before or in a request head. body: in a request body. wait: the request is complete, the response is not.
 *  gone: nothing more is read as HTTP. linger: the last answer was sent; what still comes is thrown away. */
type State = 'head' | 'body' | 'wait' | 'linger' | 'gone';

export interface ServerOptions {
  station: Station;
  /** The station's own knowledge of this connection. */
  context: object;
  /** The client sent something that is no HTTP: true where the connection was taken over. */
  takeOver?: (connection: ServerConnection, bytes: Buffer) => boolean;
}

export class ServerConnection implements Handler, Swept, HttpConnection {
  readonly channel: Channel;
  readonly head = new RequestHead();
  readonly body = new Body();
  readonly exchange: Exchange;
  private readonly station: Station;
  private readonly takeOver: ServerOptions['takeOver'];
  private state: State = 'head';
  /** What came is no request: nothing after it could be read either. */
  unreadable = false;
  private partial: Accumulator | undefined;
  /** Read but not yet looked at: bytes after the current request. */
  private rest: Buffer | undefined;
  private paused = false;
  private pumping = false;
  /** performance.now() after which the state is given up. */
  private deadline: number;
  /** Bytes of answers that the client has not taken, and since when they are so many. */
  private unread = 0;
  private unreadSince = 0;

  constructor(channel: Channel, { station, context, takeOver }: ServerOptions) {
    this.channel = channel;
    this.station = station;
    this.takeOver = takeOver;
    this.exchange = new Exchange(new Answers(this, station), station, context);
    this.deadline = performance.now() + station.idleMs();
    station.connections.add(this);
    station.sweeper.add(this);
    channel.handler = this;
  }

  /** Begins with bytes that were already read. */
  start(bytes: Buffer | undefined): void {
    if (bytes !== undefined && bytes.length > 0) this.data(bytes);
    if (this.channel.ended) this.end();
    if (this.channel.closed) this.closed(undefined);
  }

  get idle(): boolean {
    return this.state === 'head';
  }

  data(bytes: Buffer): void {
    switch (this.state) {
      case 'head':
        this.rest = bytes;
        return this.pump();
      case 'body':
        return this.readBody(bytes);
      case 'wait':
        // pipelined: it waits for its turn, and the client with it
        this.rest = this.rest === undefined ? bytes : Buffer.concat([this.rest, bytes]);
        return this.pause();
      default:
    }
  }

  end(): void {
    if (this.state === 'head') return this.close();
    if (this.state === 'body') return this.abort();
    if (this.state === 'linger') this.channel.destroy();
    // most clients that are gone look like this; one that has only finished sending is given a moment
    if (this.state === 'wait' && this.exchange.unanswered) this.deadline = performance.now() + bound.lingerMs;
  }

  drain(): void {
    this.exchange.resumeResponse();
  }

  closed(_error: Error | undefined): void {
    if (this.state === 'body' || this.state === 'wait') this.exchange.clientGone();
    this.forget();
  }

  sweep(now: number): void {
    this.station.load.bufferedBytes += this.channel.buffered;
    if (this.isStalled(now)) return this.channel.reset();
    if (this.deadline === 0 || now < this.deadline) return;
    if (this.state === 'body') return this.giveUpBody(now);
    if (this.state === 'wait') return this.leaveUnanswered();
    // a slow client may still be reading the last answer
    const reading = this.state === 'linger' && !this.channel.flushed;
    if (reading && now < this.deadline + bound.slowReaderMs) return;
    if (this.state === 'linger' || !this.head.begun) this.channel.destroy();
    else this.refuseHead('REQUEST_TIMEOUT', '');
  }

  pause(): void {
    this.paused = true;
    this.channel.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.channel.resume();
  }

  /** The exchange is over. `persists`: the connection may carry another one. */
  finished(persists: boolean): void {
    if (this.state === 'gone') return;
    const complete = this.state === 'wait';
    this.head.reset();
    if (!persists || !complete) return this.close();
    this.state = 'head';
    this.deadline = performance.now() + this.station.idleMs();
    this.pump();
    if (this.state !== 'head') return;
    if (this.channel.ended) this.close();
    else this.resume();
  }

  /** The answer to the last request says so, since it is the first that can. */
  shutdown(): void {}

  /** Ends the connection after what was written, and gives the client time to read it (RFC 9112, 9.6). */
  close(): void {
    if (this.state === 'gone') return;
    this.state = 'linger';
    this.rest = this.partial = undefined;
    this.deadline = performance.now() + bound.lingerMs;
    this.channel.end();
    this.paused = true;
    this.resume();
  }

  /** Ends the connection so that the client cannot take what it got for complete. */
  abort(): void {
    this.channel.reset();
    if (this.channel.closed) this.closed(undefined);
  }

  /** Leaves HTTP: the channel belongs to whoever calls. Returns bytes that were read but not used. */
  release(): Buffer | undefined {
    const { rest } = this;
    this.forget();
    return rest;
  }

  private forget(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.deadline = 0;
    this.rest = this.partial = undefined;
    this.station.connections.delete(this);
    this.station.sweeper.delete(this);
    this.station.disconnected(this.exchange.context);
  }

  /** A reader that takes nothing of its answer for so long holds what waits for it, and the one who sends it. */
  private isStalled(now: number): boolean {
    const { buffered } = this.channel;
    if (buffered === 0 || buffered !== this.unread) {
      this.unread = buffered;
      this.unreadSince = now;
    }
    return buffered > 0 && now - this.unreadSince > bound.slowReaderMs;
  }

  /** A body that does not come, unless it is the other side that keeps it waiting. */
  private giveUpBody(now: number): void {
    if (this.paused) this.deadline = now + bound.bodyMs;
    else {
      this.state = 'wait';
      this.deadline = 0;
      this.exchange.requestBroken('REQUEST_TIMEOUT', '');
    }
  }

  private leaveUnanswered(): void {
    this.deadline = 0;
    if (!this.exchange.unanswered) return;
    this.exchange.clientGone();
    this.channel.destroy();
  }

  /** A loop and not a recursion: a client may pipeline any number of requests that are answered at once. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.state === 'head' && this.rest !== undefined) {
      const bytes = this.rest;
      this.rest = undefined;
      this.readHead(bytes);
    }
    this.pumping = false;
  }

  private readHead(chunk: Buffer): void {
    const bytes = this.partial === undefined ? chunk : this.partial.append(chunk);
    const outcome = this.head.read(bytes, 0);
    if (outcome === DONE) {
      this.partial = undefined;
      return this.begin(bytes);
    }
    if (outcome === MORE) {
      if (this.partial !== undefined) return;
      this.partial = new Accumulator(chunk);
      this.deadline = performance.now() + bound.headMs;
      return;
    }
    if (this.takeOver?.(this, bytes)) return;
    // only one of the two is reached with fewer bytes
    if (outcome === LARGE) this.station.boundReached(bytes.length > limit.headBytes ? 'headBytes' : 'fields');
    this.refuseHead(outcome === BAD ? 'BAD_REQUEST' : 'HEADERS_TOO_LARGE', this.head.problem);
  }

  private refuseHead(code: 'BAD_REQUEST' | 'HEADERS_TOO_LARGE' | 'REQUEST_TIMEOUT', detail: string): void {
    this.state = 'wait';
    this.deadline = 0;
    this.unreadable = true;
    this.exchange.refuseUnread(code, detail);
  }

  private begin(bytes: Buffer): void {
    const { head, body } = this;
    body.begin(
      head.chunked ? framing.chunked : framing.length,
      head.contentLength < 0 ? 0 : head.contentLength,
    );
    const end = head.end;
    const after = body.read(bytes, end);
    if (after < 0) return this.refuseHead('BAD_REQUEST', body.problem);
    this.state = body.done ? 'wait' : 'body';
    this.deadline = body.done ? 0 : performance.now() + bound.bodyMs;
    if (after < bytes.length) this.rest = bytes.subarray(after);
    this.exchange.begin(after > end ? bytes.subarray(end, after) : undefined);
    head.keepText();
    if (this.rest !== undefined && (this.state === 'wait' || this.state === 'body')) this.pause();
  }

  private readBody(bytes: Buffer): void {
    const after = this.body.read(bytes, 0);
    if (after < 0) {
      this.state = 'wait';
      return this.exchange.requestBroken('BAD_REQUEST', this.body.problem);
    }
    this.deadline = this.body.done ? 0 : performance.now() + bound.bodyMs;
    if (this.body.done) {
      this.state = 'wait';
      if (after < bytes.length) {
        this.rest = bytes.subarray(after);
        this.pause();
      }
    }
    this.exchange.requestBody(after === bytes.length ? bytes : bytes.subarray(0, after), this.body.done);
  }
}
