/** One timer for all connections of a side: a deadline costs a number instead of a timer of its own. */
export interface Swept {
  /** Called about every half second; `now` is performance.now(). */
  sweep(now: number): void;
}

const INTERVAL_MS = 500;

export class Sweeper {
  private readonly members = new Set<Swept>();
  private readonly begin: () => void;
  private timer: NodeJS.Timeout | undefined;

  /** `begin` is called before each round. */
  constructor(begin: () => void = () => {}) {
    this.begin = begin;
  }

  add(member: Swept): void {
    this.members.add(member);
    this.timer ??= setInterval(() => this.sweep(), INTERVAL_MS).unref();
  }

  delete(member: Swept): void {
    this.members.delete(member);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private sweep(): void {
    const now = performance.now();
    this.begin();
    for (const member of this.members) member.sweep(now);
  }
}
