/**
 * So many at once, and so many each second again: for lines of a log that strangers can cause. Metrics count every case.
 */
export class Allowance {
  private readonly burst: number;
  private readonly perSecond: number;
  private readonly now: () => number;
  private left: number;
  private since: number;
  private skipped = 0;

  constructor(
    { burst, perSecond }: { burst: number; perSecond: number },
    now: () => number = performance.now.bind(performance),
  ) {
    this.burst = this.left = burst;
    this.perSecond = perSecond;
    this.now = now;
    this.since = now();
  }

  /** Uses one up, and gives how many there were too many since the last; -1: this is one of them. */
  take(): number {
    const now = this.now();
    this.left = Math.min(this.burst, this.left + ((now - this.since) * this.perSecond) / 1000);
    this.since = now;
    if (this.left < 1) {
      this.skipped++;
      return -1;
    }
    this.left--;
    const { skipped } = this;
    this.skipped = 0;
    return skipped;
  }
}
