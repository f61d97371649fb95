/** Body bytes of a request that wait for a connection, or that may have to be sent a second time. */
import { bound } from '../bounds.ts';
import { forLong } from '../copies.ts';
import type { FieldList } from './message.ts';

const MAX_CHUNKS = 1024;

export class Replay {
  readonly chunks: Buffer[] = [];
  /** All bytes so far are here, none was dropped: the request can be sent, or sent again. */
  complete = true;
  trailers: FieldList | undefined = undefined;
  private bytes = 0;

  reset(): void {
    if (this.chunks.length > 0) this.chunks.length = 0;
    this.complete = true;
    this.trailers = undefined;
    this.bytes = 0;
  }

  /** `waiting`: no connection has it yet, so that it is kept whatever its size (the client is paused meanwhile). */
  keep(chunk: Buffer, waiting: boolean): void {
    if (!this.complete || chunk.length === 0) return;
    this.bytes += chunk.length;
    // a body that drips in would otherwise keep much more than its length
    this.chunks.push(this.chunks.length === 0 ? chunk : forLong(chunk));
    if (!waiting) this.sent();
  }

  /** A connection has all of it: what is too large to be kept for another one is dropped. */
  sent(): void {
    if (this.bytes <= bound.replayBytes && this.chunks.length <= MAX_CHUNKS) return;
    this.complete = false;
    this.chunks.length = 0;
  }
}
