/** Body bytes of a request that wait for a connection, or that may have to be sent a second time. */
import { bound } from '../bounds.ts';

export class Replay {
  readonly chunks: Buffer[] = [];
  /** All bytes so far are here: the request can be sent again. */
  complete = true;
  private bytes = 0;

  reset(): void {
    if (this.chunks.length > 0) this.chunks.length = 0;
    this.complete = true;
    this.bytes = 0;
  }

  /** `waiting`: nothing was sent yet, so that it must be kept whatever its size (the client is paused meanwhile). */
  keep(chunk: Buffer, waiting: boolean): void {
    this.bytes += chunk.length;
    if (this.bytes > bound.replayBytes || this.chunks.length > 1024) this.complete = false;
    if (this.complete || waiting) this.chunks.push(chunk);
    else this.chunks.length = 0;
  }

  /** Everything was sent: what is not complete is of no more use. */
  sent(): void {
    if (!this.complete) this.chunks.length = 0;
  }
}
