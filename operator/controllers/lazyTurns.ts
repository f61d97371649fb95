/** When files are written that are not urgent: each in its turn, and none of them often. */
import { TokenBucket, type Clock } from '../../kube/index.ts';

export const LAZY_INTERVAL_MS = 30_000;
/** Endpoints change in bursts. */
export const LAZY_GATHER_MS = 2_000;
/** Of all workloads together. */
export const LAZY_RATE = { perSecond: 2, burst: 4 };
/** The same of those that a proxy without a stream waits for. */
export const SOON_RATE = { perSecond: 5, burst: 20 };

interface Turn {
  /** Kept until it is used, so that nobody waits in line twice and none is lost. */
  lazyAt?: number;
  soonAt?: number;
}

export class LazyTurns {
  readonly #clock: Clock;
  readonly #lazy: TokenBucket;
  readonly #soon: TokenBucket;
  readonly #turns = new Map<string, Turn>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lazy = new TokenBucket(LAZY_RATE, clock);
    this.#soon = new TokenBucket(SOON_RATE, clock);
  }

  /** Milliseconds until it is this one's turn. `dueMs`: until a proxy waits for it that has only the file. */
  waitMs(key: string, { writtenAt, dueMs }: { writtenAt: number | undefined; dueMs: number }): number {
    const now = this.#clock.monotonic();
    const turn = this.#turns.get(key) ?? {};
    this.#turns.set(key, turn);
    turn.lazyAt ??= Math.max(
      now + LAZY_GATHER_MS,
      now + this.#lazy.takeAfterMs(),
      (writtenAt ?? -Infinity) + LAZY_INTERVAL_MS,
    );
    const lazyMs = turn.lazyAt - now;
    if (dueMs > 0) return Math.min(lazyMs, dueMs);
    turn.soonAt ??= now + this.#soon.takeAfterMs();
    return Math.min(lazyMs, turn.soonAt - now);
  }

  /** It was written, or is wanted no more. */
  end(key: string): void {
    this.#turns.delete(key);
  }
}
