/** The streams of one connection: those that are open, and what must be remembered of those that were (RFC 9113, 5.1). */
import { MAX_31 } from './constants.ts';
import type { Http2Stream } from './stream.ts';

/** Streams that we reset and of which frames may still be under way; of older ones none can be. */
const REMEMBERED = 1024;

export class StreamTable {
  readonly open = new Map<number, Http2Stream>();
  /** Highest identifier that the opening side has used. */
  last = 0;
  private resets: Set<number> | undefined = undefined;

  get size(): number {
    return this.open.size;
  }

  /** Client role: the identifier of the next stream; 0 where there are no more. */
  nextId(): number {
    const id = this.last === 0 ? 1 : this.last + 2;
    return id > MAX_31 ? 0 : id;
  }

  add(stream: Http2Stream): void {
    this.open.set(stream.id, stream);
  }

  remove(stream: Http2Stream): void {
    this.open.delete(stream.id);
  }

  rememberReset(id: number): void {
    this.resets ??= new Set();
    this.resets.add(id);
    if (this.resets.size <= REMEMBERED) return;
    const [oldest] = this.resets;
    this.resets.delete(oldest!);
  }

  wasReset(id: number): boolean {
    return this.resets !== undefined && this.resets.has(id);
  }

  /** Nobody has opened it yet. Only a client opens streams, with odd identifiers. */
  isIdle(id: number): boolean {
    return id > this.last || (id & 1) === 0;
  }
}
