/**
 * How many requests may be sent again: a fifth of all requests, and a few each second where there are only few, so that
 * retries cannot multiply the load of a service that is failing.
 */
const SHARE = 0.2;
const FLOOR_PER_SECOND = 10;
const CAP = 100;

export class RetryBudget {
  private tokens = FLOOR_PER_SECOND;
  private filledAt: number;
  private readonly now: () => number;

  constructor(now: () => number = performance.now.bind(performance)) {
    this.now = now;
    this.filledAt = now();
  }

  /** Counts a request that came in. */
  deposit(): void {
    this.tokens = Math.min(CAP, this.tokens + SHARE);
  }

  /** True where one more attempt is allowed, which is then counted. */
  withdraw(): boolean {
    const now = this.now();
    const floor = ((now - this.filledAt) / 1000) * FLOOR_PER_SECOND;
    this.filledAt = now;
    this.tokens = Math.min(CAP, Math.max(this.tokens, Math.min(FLOOR_PER_SECOND, this.tokens + floor)));
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}
