/**
 * Sends content: whose turn it is, and how much (RFC 9113, 5.2). Streams with something to send take turns, a frame
 * each, so that a large body does not hold up small answers. Frames are made only when they can leave: at the end of
 * the event-loop turn, within both windows, and while the channel takes them.
 */
import { forLong } from '../copies.ts';
import { DEFAULT_WINDOW, EMPTY, MAX_31 } from './constants.ts';
import { flood, type Floods } from './floods.ts';
import type { FrameWriter } from './frameWriter.ts';
import type { Http2Limits } from './limits.ts';
import { memory } from './memory.ts';
import type { Http2Stream } from './stream.ts';
import { StreamQueue } from './streamQueue.ts';

export interface SenderOwner {
  readonly limits: Http2Limits;
  readonly writer: FrameWriter;
  readonly floods: Floods;
  /** The channel does not take what was written. */
  readonly blocked: boolean;
  /** Something waits to be sent: the end of the turn is needed. */
  kick(): void;
  /** Makes the frames of a field section. */
  writeFields(stream: Http2Stream, fields: readonly string[], ended: boolean): void;
  /** The last frame of our side was made. */
  sentEnd(stream: Http2Stream): void;
}

/** Share of the bound of a stream's queue below which its writer goes on. */
const REFILL = 1 / 4;
/** Pieces below this are copied where they must wait, into buffers of this size. */
const SMALL = 1024;
const TAIL_BYTES = 4096;

export class Sender {
  /** What the peer lets us send on all streams together. */
  window = DEFAULT_WINDOW;
  /** Queued on all streams. */
  queued = 0;
  /** Frames of content so far; says whether there is progress. */
  moved = 0;
  private readonly owner: SenderOwner;
  private readonly ready = new StreamQueue();
  /** Those that would send but for the window of the connection. */
  private readonly parked = new StreamQueue();

  constructor(owner: SenderOwner) {
    this.owner = owner;
  }

  /** Something can be sent as soon as the channel takes it. */
  get pending(): boolean {
    return this.ready.first !== undefined;
  }

  /** Queues bytes; false where the writer should wait. */
  write(stream: Http2Stream, bytes: Buffer): boolean {
    const { limits } = this.owner;
    if (bytes.length > 0) {
      this.enqueue(stream, bytes);
      this.count(stream, bytes.length);
      this.schedule(stream);
    }
    if (stream.queued === 0) return true;
    const room = this.queued < limits.queueBytes && memory.queued < memory.queuedLimit;
    if (room && stream.queued < limits.streamQueueBytes) return true;
    stream.waiting = true;
    return false;
  }

  /**
   * Small pieces that must wait are copied, behind each other: a slice of a few bytes would hold on to all that the
   * socket gave with it, and each would cost more than it counts.
   */
  private enqueue(stream: Http2Stream, bytes: Buffer): void {
    const small = bytes.length < SMALL;
    if (stream.queued === 0) {
      stream.first = small && !this.leavesNow(stream) ? forLong(bytes) : bytes;
      return;
    }
    const others = (stream.others ??= []);
    if (!small) {
      stream.tail = undefined;
      others.push(bytes);
      return;
    }
    if (stream.tail === undefined || stream.tailUsed + bytes.length > TAIL_BYTES) {
      stream.tail = Buffer.allocUnsafeSlow(TAIL_BYTES);
      stream.tailUsed = 0;
      others.push(EMPTY);
    }
    stream.tailUsed += bytes.copy(stream.tail, stream.tailUsed);
    others[others.length - 1] = stream.tail.subarray(0, stream.tailUsed);
  }

  private leavesNow(stream: Http2Stream): boolean {
    return stream.sendWindow > 0 && this.window > 0 && !this.owner.blocked;
  }

  private count(stream: Http2Stream, bytes: number): void {
    stream.queued += bytes;
    this.queued += bytes;
    memory.queued += bytes;
  }

  /** Has the stream take its turn, if it has anything to send and may. */
  schedule(stream: Http2Stream): void {
    if (stream.queue !== undefined) return;
    if (stream.queued > 0 ? stream.sendWindow <= 0 : !stream.ending || stream.sentEnd) return;
    this.ready.push(stream);
    this.owner.kick();
  }

  /** Forgets what the stream would still send. */
  drop(stream: Http2Stream): void {
    stream.queue?.remove(stream);
    this.count(stream, -stream.queued);
    stream.offset = 0;
    stream.first = EMPTY;
    stream.others = stream.tail = undefined;
    stream.trailers = undefined;
    stream.waiting = false;
  }

  /** More window for the connection; false: more than there may be. */
  widen(increment: number): boolean {
    this.window += increment;
    if (this.window > MAX_31) return false;
    if (this.window > 0 && this.parked.first !== undefined) {
      for (let stream = this.parked.shift(); stream !== undefined; stream = this.parked.shift()) {
        this.ready.push(stream);
      }
      this.owner.kick();
    }
    return true;
  }

  /** More, or with SETTINGS less, window for a stream (6.9.2); false: more than there may be. */
  widenStream(stream: Http2Stream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_31) return false;
    this.schedule(stream);
    return true;
  }

  /** Makes the frames of one turn. True: there is more for another. */
  run(): boolean {
    let budget = this.owner.limits.turnBytes;
    while (budget > 0) {
      const stream = this.ready.shift();
      if (stream === undefined) return false;
      if (stream.queued === 0) this.finish(stream);
      else if (this.window <= 0) this.parked.push(stream);
      else budget -= this.sendSome(stream);
    }
    return this.pending;
  }

  /** One frame of a stream; gives its size. */
  private sendSome(stream: Http2Stream): number {
    const { limits, writer, floods } = this.owner;
    const share = Math.min(limits.dataFrameBytes, writer.maxFrame);
    const size = Math.min(stream.queued, stream.sendWindow, this.window, share);
    // its window is used up: WINDOW_UPDATE brings it back
    if (size <= 0) return 0;
    const last = size === stream.queued && stream.ending && stream.trailers === undefined;
    writer.data(stream.id, size, last);
    this.moveOut(stream, size);
    stream.sendWindow -= size;
    this.window -= size;
    floods.giveBack(flood.windowUpdate, 4);
    // gRPC asks for the round trip with the content that it gets
    floods.giveBack(flood.ping, 1);
    if (last) this.owner.sentEnd(stream);
    else {
      this.schedule(stream);
      if (stream.waiting && stream.queued <= limits.streamQueueBytes * REFILL) {
        stream.waiting = false;
        stream.handler.drain();
      }
    }
    return size;
  }

  /** Content of the frame whose head was just made. */
  private moveOut(stream: Http2Stream, size: number): void {
    const { writer } = this.owner;
    this.count(stream, -size);
    this.moved++;
    let left = size;
    while (left > 0) {
      const { first, offset } = stream;
      const end = Math.min(first.length, offset + left);
      writer.payload(first, offset, end);
      left -= end - offset;
      if (end < first.length) stream.offset = end;
      else {
        stream.first = stream.others?.shift() ?? EMPTY;
        stream.offset = 0;
        // nothing may be added to what is on its way
        if (stream.others?.length === 0) stream.tail = undefined;
      }
    }
  }

  /** Everything else has been sent: the end, or the trailers, which are one. */
  private finish(stream: Http2Stream): void {
    if (stream.trailers === undefined) this.owner.writer.data(stream.id, 0, true);
    else this.owner.writeFields(stream, stream.trailers, true);
    this.owner.sentEnd(stream);
  }
}
