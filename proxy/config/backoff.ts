export interface BackoffOptions {
  minMs: number;
  maxMs: number;
  /** 0 ≤ random < 1. */
  random: () => number;
  /** How much of a pause is left to chance, from 0 to 1; absent: half. */
  jitter?: number;
}

/** Pauses that double from `minMs` to `maxMs`, each shortened by chance: many proxies must not come back at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next pause, in ms; `maxMs` where it is to be shorter than usual. */
  next(maxMs = Infinity): number {
    const { minMs, random, jitter = 0.5 } = this.#options;
    const full = Math.min(maxMs, this.#options.maxMs, minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return full * (1 - random() * jitter);
  }

  reset(): void {
    this.#failures = 0;
  }
}
