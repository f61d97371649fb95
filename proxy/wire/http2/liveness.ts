/**
 * Whether the peer is still there and keeps up: PING with its answers, and the times after which we stop waiting. The
 * clock is looked at only when the connection is swept, about twice a second.
 */
import { code } from './constants.ts';
import type { FrameReader } from './frameReader.ts';
import type { FrameWriter } from './frameWriter.ts';
import type { Http2Limits } from './limits.ts';
import { memory } from './memory.ts';
import type { Sender } from './sender.ts';

export interface LivenessOwner {
  readonly limits: Http2Limits;
  readonly writer: FrameWriter;
  readonly reader: FrameReader;
  readonly sender: Sender;
  /** A field section has begun and is not complete. */
  readonly midSection: boolean;
  /** SETTINGS of both sides are known to both. */
  readonly settled: boolean;
  /** Its end would matter to somebody: streams are open, or it is kept for some. */
  readonly wanted: boolean;
  /** The channel does not take what was written. */
  readonly blocked: boolean;
  kick(): void;
  fail(errorCode: number, text: string): void;
  /** A bound was passed that ends the connection. */
  exceeds(bound: string, text: string): void;
  /** The peer does not answer: nothing can be told to it. */
  lost(text: string): void;
}

/** Round trips that are asked for at a time. */
const PINGS = 16;
/** First half of the payload of our pings; the other is a number. */
const MARK = 0x77656674;

interface Ping {
  readonly number: number;
  readonly sentAt: number;
  readonly answered: (milliseconds: number) => void;
}

export class Liveness {
  /** Bytes have come since the last sweep. */
  heard = false;
  private readonly owner: LivenessOwner;
  private readonly pings: Ping[] = [];
  private count = 0;
  private heardAt = performance.now();
  private readonly startedAt = this.heardAt;
  /** Of the ping that asks whether the peer is there; 0: none under way. */
  private askedAt = 0;
  private blockedSince = 0;
  private incompleteSince = 0;
  private stalledSince = 0;
  private movedBefore = 0;
  private framesBefore = 0;

  constructor(owner: LivenessOwner) {
    this.owner = owner;
  }

  /** False: too many are under way. */
  ping(answered: (milliseconds: number) => void): boolean {
    if (this.pings.length >= PINGS) return false;
    const number = ++this.count;
    this.pings.push({ number, sentAt: performance.now(), answered });
    this.owner.writer.ping(MARK, number, false);
    this.owner.kick();
    return true;
  }

  /** An answer to a ping came. */
  answered(high: number, low: number): void {
    const index = high === MARK ? this.pings.findIndex(({ number }) => number === low) : -1;
    if (index < 0) return;
    const [ping] = this.pings.splice(index, 1);
    ping!.answered(performance.now() - ping!.sentAt);
  }

  sweep(now: number): void {
    const { owner } = this;
    if (this.heard) {
      this.heard = false;
      this.heardAt = now;
      this.askedAt = 0;
    }
    const { settingsMs, stalledMs, frameMs } = owner.limits;
    if (!owner.settled && now > this.startedAt + settingsMs) {
      return owner.fail(code.SETTINGS_TIMEOUT, 'no SETTINGS, or no acknowledgement of ours, in time');
    }
    this.blockedSince = owner.blocked ? this.blockedSince || now : 0;
    if (this.blockedSince > 0 && now > this.blockedSince + stalledMs) {
      return owner.lost('the peer does not read');
    }
    if (this.stalled(now, stalledMs)) {
      return owner.exceeds('queuedLimit', 'nothing is taken of what was asked for');
    }
    if (this.stuck(now, frameMs)) return owner.exceeds('frameMs', 'a frame is not completed in time');
    this.ask(now);
  }

  /** Content waits for windows that the peer does not open: only where memory is short is that its own affair no more. */
  private stalled(now: number, stalledMs: number): boolean {
    const { sender } = this.owner;
    const going = sender.queued === 0 || sender.moved !== this.movedBefore;
    this.movedBefore = sender.moved;
    this.stalledSince = going ? 0 : this.stalledSince || now;
    return this.stalledSince > 0 && now > this.stalledSince + stalledMs && memory.queued > memory.queuedLimit;
  }

  /** The same frame or field section has been incomplete for long. */
  private stuck(now: number, frameMs: number): boolean {
    const { reader, midSection } = this.owner;
    // frames of the same field section are no progress
    const going = reader.frames !== this.framesBefore && !midSection;
    this.framesBefore = reader.frames;
    this.incompleteSince = (reader.incomplete || midSection) && !going ? this.incompleteSince || now : 0;
    return this.incompleteSince > 0 && now > this.incompleteSince + frameMs;
  }

  private ask(now: number): void {
    const { pingAfterMs, pingMs } = this.owner.limits;
    if (this.askedAt > 0) {
      if (now > this.askedAt + pingMs) this.owner.lost('the peer does not answer');
    } else if (this.owner.wanted && now > this.heardAt + pingAfterMs && this.ping(nothing))
      this.askedAt = now;
  }
}

const nothing = () => {};
