/** Streams in the order of their turns, as a list through the streams themselves: joining and leaving allocate nothing. */
import type { Http2Stream } from './stream.ts';

export class StreamQueue {
  first: Http2Stream | undefined = undefined;
  private last: Http2Stream | undefined = undefined;

  /** A stream is in one queue at most. */
  push(stream: Http2Stream): void {
    if (stream.queue !== undefined) return;
    stream.queue = this;
    stream.previous = this.last;
    if (this.last === undefined) this.first = stream;
    else this.last.next = stream;
    this.last = stream;
  }

  shift(): Http2Stream | undefined {
    const { first } = this;
    if (first !== undefined) this.remove(first);
    return first;
  }

  remove(stream: Http2Stream): void {
    const { previous, next } = stream;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    stream.queue = stream.next = stream.previous = undefined;
  }
}
