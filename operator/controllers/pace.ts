/** How often a status is computed and written, however often its material changes. */
import type { StatusBudget } from './statusBudget.ts';

/** What somebody may wait for, as `kubectl wait` does, is written soon. */
export const COALESCE_MS = 100;
/** Numbers that go on counting are not. */
export const COUNTING_MS = 1_000;
/** Of one processor, for each status. */
const SHARE = 0.1;
const LEAST_LOOK_MS = 10;

interface Times {
  writtenAt: number;
  /** Not to be computed again before. */
  lookAt: number;
}

export interface PaceOptions {
  readonly monotonic: () => number;
  /** Of all status together. */
  readonly budget: StatusBudget;
  /** Uses it as the others do, and waits in no line. */
  readonly isFirst?: boolean;
}

export class Pace {
  readonly #monotonic: () => number;
  readonly #budget: StatusBudget;
  readonly #isFirst: boolean;
  readonly #times = new Map<string, Times>();

  constructor({ monotonic, budget, isFirst = false }: PaceOptions) {
    this.#isFirst = isFirst;
    this.#monotonic = monotonic;
    this.#budget = budget;
  }

  /** Milliseconds until it may be computed. */
  lookMs(key: string): number {
    const ownMs = (this.#times.get(key)?.lookAt ?? -Infinity) - this.#monotonic();
    if (ownMs > 0) return ownMs;
    const turnMs = this.#budget.lookMs(key);
    return this.#isFirst ? 0 : turnMs;
  }

  looked(key: string, startedAt: number): void {
    const now = this.#monotonic();
    this.#budget.looked(key, now - startedAt);
    const lookAt = now + Math.max(LEAST_LOOK_MS, (now - startedAt) / SHARE);
    const times = this.#times.get(key);
    if (times) times.lookAt = lookAt;
    else this.#times.set(key, { writtenAt: -Infinity, lookAt });
  }

  /** Milliseconds until it may be written. */
  writeMs(key: string, isTransition: boolean): number {
    const writtenAt = this.#times.get(key)?.writtenAt ?? -Infinity;
    const ownMs = writtenAt + (isTransition ? COALESCE_MS : COUNTING_MS) - this.#monotonic();
    if (ownMs > 0) return ownMs;
    const turnMs = this.#budget.writeMs(key);
    return this.#isFirst ? 0 : turnMs;
  }

  written(key: string): void {
    this.#budget.written(key);
    const times = this.#times.get(key);
    if (times) times.writtenAt = this.#monotonic();
  }

  forget(key: string): void {
    this.#budget.forget(key);
    this.#times.delete(key);
  }
}
