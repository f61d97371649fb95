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
  /** One that takes nothing for so long does so at once, ms. */
  readonly stallMs?: number;
}

/** Of one line: some of it was taken, or all. */
export interface Turn {
  progressed(): void;
  written(): void;
}

type Start = (turn: Turn) => void;

export class Bulk {
  readonly #clock: Clock;
  readonly #holdMs: number;
  readonly #stallMs: number;
  readonly #waiting = new Set<Start>();
  #free: number;

  constructor({ clock, slots = 32, holdMs = 1_000, stallMs = 100 }: BulkOptions) {
    this.#clock = clock;
    this.#holdMs = holdMs;
    this.#stallMs = stallMs;
    this.#free = slots;
  }

  /** Starts when there is room, at once where there is; its turn is to be told how it goes. */
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
      cancelStall();
      this.#free += 1;
      this.#next();
    };
    const cancel = this.#clock.after(this.#holdMs, leave);
    let cancelStall = this.#clock.after(this.#stallMs, leave);
    const progressed = (): void => {
      if (left) return;
      cancelStall();
      cancelStall = this.#clock.after(this.#stallMs, leave);
    };
    start({ progressed, written: leave });
  }

  #next(): void {
    for (const start of this.#waiting) {
      if (this.#free === 0) return;
      this.#waiting.delete(start);
      this.#begin(start);
    }
  }
}
