/**
 * How many requests may be sent again: a fifth of all requests, and a few each second where there are only few, so that
 * retries cannot multiply the load of a service that is failing. Counted in whole units, of which a request brings one
 * and a retry takes five.
 */
const COST = 5;
const FLOOR = 10 * COST;
const CAP = 100 * COST;

export class RetryBudget {
  private units = FLOOR;
  private filledAt: number;
  private readonly now: () => number;

  constructor(now: () => number = performance.now.bind(performance)) {
    this.now = now;
    this.filledAt = now();
  }

  /** Counts a request that came in. */
  deposit(): void {
    if (this.units < CAP) this.units++;
  }

  /** True where one more attempt is allowed, which is then counted. */
  withdraw(): boolean {
    const now = this.now();
    // ten retries a second, but not saved up
    const filled = Math.floor(((now - this.filledAt) / 1000) * FLOOR);
    if (filled > 0) {
      this.filledAt = now;
      this.units = Math.max(this.units, Math.min(FLOOR, this.units + filled));
    }
    if (this.units < COST) return false;
    this.units -= COST;
    return true;
  }
}
