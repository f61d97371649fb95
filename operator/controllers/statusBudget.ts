/** What all status together may cost: time of the processor and writes. Each in its turn, with what is newest then. */
import { TokenBucket, type Clock } from '../../kube/index.ts';

export const STATUS_RATE = { perSecond: 10, burst: 50 };
/** Of one processor. */
const SHARE = 0.25;
/** So much of the time that was not used is kept, ms. */
const SPARE_MS = 1_000;
/** A look costs about this until some have been seen, ms. */
const FIRST_ESTIMATE_MS = 1;

interface Turn {
  readonly at: number;
  readonly estimateMs: number;
}

export class StatusBudget {
  readonly #clock: Clock;
  readonly #writes: TokenBucket;
  readonly #looks = new Map<string, Turn>();
  readonly #writeAt = new Map<string, number>();
  #freeAt = -Infinity;
  #estimateMs = FIRST_ESTIMATE_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#writes = new TokenBucket(STATUS_RATE, clock);
  }

  /** Milliseconds until it is this one's turn to be computed. Kept until it is used: nobody waits in line twice. */
  lookMs(key: string): number {
    const now = this.#clock.monotonic();
    // computed to be written: not before it may be
    const writeMs = (this.#writeAt.get(key) ?? now) - now;
    if (writeMs > 0) return writeMs;
    const turn = this.#looks.get(key) ?? { at: this.#reserve(now), estimateMs: this.#estimateMs };
    this.#looks.set(key, turn);
    return turn.at - now;
  }

  looked(key: string, tookMs: number): void {
    const estimateMs = this.#looks.get(key)?.estimateMs ?? 0;
    this.#looks.delete(key);
    this.#freeAt += (tookMs - estimateMs) / SHARE;
    this.#estimateMs += (tookMs - this.#estimateMs) / 10;
  }

  /** Milliseconds until it is this one's turn to be written. */
  writeMs(key: string): number {
    const now = this.#clock.monotonic();
    const at = this.#writeAt.get(key) ?? now + this.#writes.takeAfterMs();
    this.#writeAt.set(key, at);
    return at - now;
  }

  written(key: string): void {
    this.#writeAt.delete(key);
  }

  forget(key: string): void {
    this.#looks.delete(key);
    this.#writeAt.delete(key);
  }

  #reserve(now: number): number {
    const free = Math.max(this.#freeAt, now - SPARE_MS);
    this.#freeAt = free + this.#estimateMs / SHARE;
    return Math.max(free, now);
  }
}
