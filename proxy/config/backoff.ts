export interface BackoffOptions {
  minMs: number;
  maxMs: number;
  /** 0 ≤ random < 1. */
  random: () => number;
}

/** Pauses that double from `minMs` to `maxMs`, each shortened by up to half: many proxies must not come back at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next pause, in ms. */
  next(): number {
    const { minMs, maxMs, random } = this.#options;
    const full = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return full * (1 - random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
