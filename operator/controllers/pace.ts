/** How often a status is computed and written, however often its material changes. */

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

export class Pace {
  readonly #monotonic: () => number;
  readonly #times = new Map<string, Times>();

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Milliseconds until it may be computed. */
  lookMs(key: string): number {
    return (this.#times.get(key)?.lookAt ?? -Infinity) - this.#monotonic();
  }

  looked(key: string, startedAt: number): void {
    const now = this.#monotonic();
    const lookAt = now + Math.max(LEAST_LOOK_MS, (now - startedAt) / SHARE);
    const times = this.#times.get(key);
    if (times) times.lookAt = lookAt;
    else this.#times.set(key, { writtenAt: -Infinity, lookAt });
  }

  /** Milliseconds until it may be written. */
  writeMs(key: string, isTransition: boolean): number {
    const writtenAt = this.#times.get(key)?.writtenAt ?? -Infinity;
    return writtenAt + (isTransition ? COALESCE_MS : COUNTING_MS) - this.#monotonic();
  }

  written(key: string): void {
    const times = this.#times.get(key);
    if (times) times.writtenAt = this.#monotonic();
  }

  forget(key: string): void {
    this.#times.delete(key);
  }
}
