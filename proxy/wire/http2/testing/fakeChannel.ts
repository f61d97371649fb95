/** A channel without a network: what is written can be read, and bytes can be fed at will, to a reader that pauses too. */
import { ignore, type Channel, type Handler } from '../../channel.ts';

export class FakeChannel implements Channel {
  handler: Handler = ignore;
  readonly peer = '192.0.2.1:1';
  readonly remoteAddress = '192.0.2.1';
  ended = false;
  readonly buffered = 0;
  closed = false;
  flushed = true;
  whenClosed: (() => void) | undefined = undefined;
  paused = false;
  /** `end` was called. */
  finished = false;
  /** What `write` answers. */
  takes = true;
  /** Every write, corked ones as one. */
  readonly writes: Buffer[] = [];
  private corked: Buffer[] | undefined = undefined;

  get usable(): boolean {
    return !this.ended && !this.closed;
  }
  /** Everything that was written since the last call. */
  take(): Buffer {
    return Buffer.concat(this.writes.splice(0));
  }
  feed(bytes: Buffer): void {
    if (!this.closed) this.handler.data(bytes);
  }
  finish(): void {
    this.ended = true;
    this.handler.end();
  }

  write(bytes: Buffer | string): boolean {
    const piece = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    if (this.closed || this.finished) return true;
    (this.corked ?? this.writes).push(piece);
    return this.takes;
  }
  cork(): void {
    this.corked = [];
  }
  uncork(): void {
    const pieces = this.corked ?? [];
    this.corked = undefined;
    this.writes.push(Buffer.concat(pieces));
  }
  end(): void {
    this.finished = true;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  destroy(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.whenClosed?.();
    this.handler.closed(error);
  }
  reset(): void {
    this.destroy();
  }
}

/** The end of the event-loop turn, at which connections write. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
