/** How long a write waits for a watch that lags behind what others have seen. Of one document. */
import { ahead, type Places } from './order.ts';

/** What is ahead of this operator for so long will stay ahead: revisions began anew. */
export const CATCH_UP_MS = 5_000;
/** In all, whoever is ahead and however often another one is. */
export const MAX_PUT_OFF_MS = 10_000;
const CATCH_UP_LOOK_MS = 250;

export class CatchUp {
  /** A revision beyond ours, and since when. */
  #ahead: { revision: bigint; since: number } | undefined;
  #wantedSince: number | undefined;

  /** Milliseconds to give a watch that lags; 0: none does, or it is more than that. */
  lookMs(places: Places, now: number): number {
    const found = ahead(places);
    if (found === undefined) {
      this.#ahead = undefined;
      return 0;
    }
    // what we reached since was a lag; another one begins
    if (!this.#ahead || this.#ahead.revision <= BigInt(places.revision)) {
      this.#ahead = { revision: BigInt(found), since: now };
    }
    return Math.max(0, Math.min(CATCH_UP_LOOK_MS, this.#ahead.since + CATCH_UP_MS - now));
  }

  /** The same, of a write that is wanted. */
  writeMs(lookMs: number, now: number): number {
    this.#wantedSince ??= now;
    return Math.max(0, Math.min(lookMs, this.#wantedSince + MAX_PUT_OFF_MS - now));
  }

  /** Nothing is to be written any more. */
  written(): void {
    this.#wantedSince = undefined;
  }
}
