/** A stream of an HTTP/2 connection that carries bytes: CONNECT, and upgrades (RFC 9113, 8.5; RFC 8441). */
import { ignore, type Channel, type Handler } from '../channel.ts';
import { EMPTY, code, codeName } from '../http2/constants.ts';
import type { StreamHandler } from '../http2/handlers.ts';
import type { Http2Stream } from '../http2/stream.ts';

/** The protocol that proxies ask each other for where an application speaks no HTTP (docs/wire.md). */
export const TCP_PROTOCOL = 'weft-tcp';

export class StreamChannel implements Channel {
  handler: Handler = ignore;
  whenClosed: (() => void) | undefined = undefined;
  ended = false;
  closed = false;
  /** The other side gave the stream up. */
  cancelled = false;
  protected readonly stream: Http2Stream;
  private readonly below: Channel;
  private finished = false;

  /** Takes the stream over. `below`: what the HTTP/2 connection itself goes over. */
  constructor(stream: Http2Stream, below: Channel) {
    this.stream = stream;
    this.below = below;
    this.ended = stream.receivedEnd;
    stream.handler = new Listener(this);
  }

  get peer(): string {
    return this.below.peer;
  }
  get remoteAddress(): string {
    return this.below.remoteAddress;
  }
  get flushed(): boolean {
    return this.stream.sentEnd;
  }
  get buffered(): number {
    return this.stream.queued;
  }
  get usable(): boolean {
    return !this.ended && !this.closed && !this.finished;
  }

  write(bytes: Buffer | string): boolean {
    return this.stream.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  // what is written in one turn leaves in one piece anyway
  cork(): void {}
  uncork(): void {}

  end(): void {
    if (this.finished) return;
    this.finished = true;
    this.stream.end();
    this.closeIfOver();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  destroy(): void {
    this.give(code.CANCEL);
  }

  /** RFC 9113, 8.5: a reset of TCP becomes CONNECT_ERROR. */
  reset(): void {
    this.give(code.CONNECT_ERROR);
  }

  /** From the stream. */
  take(bytes: Buffer, ended: boolean): void {
    if (bytes.length > 0) this.handler.data(bytes);
    if (ended) this.endReading();
  }

  broken(reason: number): void {
    this.cancelled = reason === code.CANCEL;
    this.close(new Error(`the stream was reset: ${codeName(reason)}`));
  }

  private give(reason: number): void {
    if (this.closed) return;
    this.stream.reset(reason);
    this.close(undefined);
  }

  private endReading(): void {
    if (this.ended) return;
    this.ended = true;
    this.handler.end();
    this.closeIfOver();
  }

  private closeIfOver(): void {
    if (this.ended && this.finished) this.close(undefined);
  }

  private close(error: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    // as a socket tells it: never while its owner is still in the call that caused it
    queueMicrotask(() => {
      this.whenClosed?.();
      this.handler.closed(error);
    });
  }
}

/** What the stream tells: a reset of it means something else than a reset of the channel. */
class Listener implements StreamHandler {
  private readonly channel: StreamChannel;

  constructor(channel: StreamChannel) {
    this.channel = channel;
  }

  interim(): void {}
  response(): void {}
  data(bytes: Buffer, ended: boolean): void {
    this.channel.take(bytes, ended);
  }
  trailers(): void {
    this.channel.take(EMPTY, true);
  }
  drain(): void {
    this.channel.handler.drain();
  }
  reset(reason: number): void {
    this.channel.broken(reason);
  }
}
