/**
 * Large lines are copied and encrypted for each connection. When thousands come at once and need everything, this
 * memory would be there for all of them at a time; so only some are written at a time, for no longer than a moment each.
 */
import type { Clock } from '../../kube/index.ts';

/** Lines of more bytes than this wait for their turn. */
export const BULK_BYTES = 16 * 1024;

export interface BulkOptions {
  readonly clock: Clock;
  /** Written at a time. */
  readonly slots?: number;
  /** A slow connection gives its place away after this, ms. */
  readonly holdMs?: number;
}

type Start = (written: () => void) => void;

export class Bulk {
  readonly #clock: Clock;
  readonly #holdMs: number;
  readonly #waiting = new Set<Start>();
  #free: number;

  constructor({ clock, slots = 32, holdMs = 1_000 }: BulkOptions) {
    this.#clock = clock;
    this.#holdMs = holdMs;
    this.#free = slots;
  }

  /** Starts when there is room, at once where there is; `written` is to be called after. */
  enter(start: Start): void {
    if (this.#free > 0) this.#begin(start);
    else this.#waiting.add(start);
  }

  #begin(start: Start): void {
    this.#free -= 1;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      cancel();
      this.#free += 1;
      this.#next();
    };
    const cancel = this.#clock.after(this.#holdMs, leave);
    start(leave);
  }

  #next(): void {
    for (const start of this.#waiting) {
      if (this.#free === 0) return;
      this.#waiting.delete(start);
      this.#begin(start);
    }
  }
}
