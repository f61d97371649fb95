/**
 * What we let the peer send (RFC 9113, 5.2). A stream gets its credit back as it takes content in: a paused one does
 * not, and so stops its peer. The connection gets its credit back at once, so that a paused stream holds up no other,
 * until paused streams together hold too much.
 */
import { DEFAULT_WINDOW } from './constants.ts';
import type { FrameWriter } from './frameWriter.ts';
import type { Http2Limits } from './limits.ts';
import { memory } from './memory.ts';
import type { Http2Stream } from './stream.ts';

export interface CreditOwner {
  readonly limits: Http2Limits;
  readonly writer: FrameWriter;
  /** The last frames leave or have left. */
  readonly closing: boolean;
  kick(): void;
}

export class Credit {
  /** What the peer may still send on all streams together. */
  window = DEFAULT_WINDOW;
  /** What paused streams have taken. */
  held = 0;
  /** Window of new streams: ours once the peer has acknowledged it. */
  streamWindow = DEFAULT_WINDOW;
  private readonly owner: CreditOwner;
  private uncredited = 0;

  constructor(owner: CreditOwner) {
    this.owner = owner;
  }

  /** Raises the window of the connection to ours; there is no setting for it. */
  start(): void {
    this.uncredited = Math.max(0, this.owner.limits.connectionWindow - this.window);
    if (this.uncredited > 0) this.give();
  }

  /** Counts a DATA frame against the connection; false: more than it may be. */
  take(length: number): boolean {
    this.window -= length;
    if (this.window < 0) return false;
    this.uncredited += length;
    this.giveSome();
    return true;
  }

  /** Counts it against its stream as well; false: more than it may be. */
  takeFor(stream: Http2Stream, length: number): boolean {
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) return false;
    stream.uncredited += length;
    if (stream.paused) this.hold(stream, length);
    else this.giveStream(stream);
    return true;
  }

  /** Gives back what a paused stream held. */
  resumed(stream: Http2Stream): void {
    this.release(stream);
    this.giveStream(stream);
  }

  /** A stream that is over holds nothing. */
  release(stream: Http2Stream): void {
    if (stream.held === 0) return;
    this.hold(stream, -stream.held);
    this.giveSome();
  }

  /** Gives the connection the credit that it waited for, where it may be given now. */
  giveSome(): void {
    if (this.uncredited < this.owner.limits.connectionWindow / 2 || this.withheld()) return;
    this.give();
  }

  private hold(stream: Http2Stream, bytes: number): void {
    stream.held += bytes;
    this.held += bytes;
    memory.held += bytes;
  }

  private withheld(): boolean {
    if (this.owner.closing) return true;
    if (this.held === 0) return false;
    return this.held > this.owner.limits.heldBytes || memory.held > memory.heldLimit;
  }

  private give(): void {
    this.owner.writer.windowUpdate(0, this.uncredited);
    this.owner.kick();
    this.window += this.uncredited;
    this.uncredited = 0;
  }

  private giveStream(stream: Http2Stream): void {
    const { uncredited } = stream;
    if (uncredited === 0 || uncredited < this.owner.limits.streamWindow / 2 || stream.receivedEnd) return;
    this.owner.writer.windowUpdate(stream.id, uncredited);
    this.owner.kick();
    stream.receiveWindow += uncredited;
    stream.uncredited = 0;
  }
}
