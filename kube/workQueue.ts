import { backoffMs, sleep, systemClock, type BackoffOptions, type Clock } from './clock.ts';
import { TokenBucket } from './tokenBucket.ts';

/** `requeueAfterMs`: look again after that time though nothing failed. */
export type Outcome = void | { requeueAfterMs: number };

export interface WorkQueueOptions {
  /** Does the work of one key. A rejection means: again, later. `signal` aborts when a shutdown no longer waits. */
  process: (key: string, signal: AbortSignal) => Promise<Outcome>;
  /** Keys worked on at the same time; default 4. One key is never worked on twice at the same time. */
  concurrency?: number;
  /** Delay after failures of one key; default 50 ms doubling to 60 s. */
  backoff?: BackoffOptions;
  /** All retries together, beside each key's own delay; default 10 each second, 100 at once. First attempts are not slowed. */
  retryRate?: { perSecond: number; burst: number };
  /** Each failed attempt. */
  onError?: (key: string, error: Error) => void;
  metrics?: WorkQueueMetrics;
  clock?: Clock;
  random?: () => number;
}

/** Called as things happen, for whatever counts them. */
export interface WorkQueueMetrics {
  /** Keys waiting to be worked on, without those whose time has not come. */
  depth?: (depth: number) => void;
  /** From when the key became due to when work on it began. */
  waited?: (ms: number) => void;
  worked?: (ms: number, ok: boolean) => void;
  retried?: (key: string, delayMs: number) => void;
}

/**
 * Keys of things to be brought in order. A key that is added many times before its turn is worked on once; one that is
 * added while it is worked on is worked on once more afterwards. Failures come back after a growing delay.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #retries: TokenBucket;
  /** Due, in order, with the time at which each became due. */
  readonly #due = new Map<string, number>();
  readonly #working = new Set<string>();
  /** Added while worked on. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { at: number; cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  readonly #abort = new AbortController();
  #stopping = false;
  #idle = Promise.withResolvers<void>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#retries = new TokenBucket(options.retryRate ?? { perSecond: 10, burst: 100 }, this.#clock);
  }

  /** Keys that are due; those being worked on and those whose time has not come are not counted. */
  get depth(): number {
    return this.#due.size;
  }

  /** True while nothing is due and nothing is worked on. */
  get isIdle(): boolean {
    return this.#due.size === 0 && this.#working.size === 0;
  }

  /** Makes the key due now. After `shutdown` nothing is taken. */
  add(key: string): void {
    if (this.#stopping || this.#due.has(key)) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#due.set(key, this.#clock.monotonic());
    this.#options.metrics?.depth?.(this.#due.size);
    // Not in the caller's turn: what adds many keys at once would see some of them begin before the others are in.
    queueMicrotask(() => this.#dispatch());
  }

  /** Makes the key due after `ms`; of several such times the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#stopping) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.monotonic() + ms;
    const other = this.#delayed.get(key);
    if (other && other.at <= at) return;
    other?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, cancel });
  }

  /** Forgets the failures of a key: its next delay is the shortest again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Resolves once nothing is due or worked on. Delayed keys are not waited for. */
  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : this.#idle.promise;
  }

  /**
   * Takes no more keys, drops delayed ones, and resolves when all due work is done. After `graceMs` the signal of
   * running work aborts and what has not begun is dropped; running work is still waited for.
   */
  async shutdown(graceMs = 10_000): Promise<void> {
    this.#stopping = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    const drained = new AbortController();
    const overdue = sleep(this.#clock, graceMs, drained.signal).then(() => {
      if (!drained.signal.aborted) this.#giveUp();
    });
    await this.idle();
    drained.abort();
    await overdue;
  }

  #giveUp(): void {
    this.#due.clear();
    this.#again.clear();
    this.#abort.abort();
    this.#settle();
  }

  #dispatch(): void {
    const { concurrency = 4, metrics } = this.#options;
    for (const [key, since] of this.#due) {
      if (this.#working.size >= concurrency) return;
      this.#due.delete(key);
      this.#working.add(key);
      metrics?.depth?.(this.#due.size);
      metrics?.waited?.(this.#clock.monotonic() - since);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    const startedAt = this.#clock.monotonic();
    let ok = true;
    try {
      const outcome = await this.#options.process(key, this.#abort.signal);
      this.#failures.delete(key);
      if (outcome) this.addAfter(key, outcome.requeueAfterMs);
    } catch (error) {
      ok = false;
      this.#retry(key, error as Error);
    }
    this.#options.metrics?.worked?.(this.#clock.monotonic() - startedAt, ok);
    this.#working.delete(key);
    if (this.#again.delete(key)) this.#due.set(key, this.#clock.monotonic());
    this.#dispatch();
    this.#settle();
  }

  #retry(key: string, error: Error): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#options.onError?.(key, error);
    const own = backoffMs(this.#options.backoff ?? { baseMs: 50, maxMs: 60_000 }, failures, this.#random);
    const delay = Math.max(own, this.#retries.takeAfterMs());
    this.#options.metrics?.retried?.(key, delay);
    this.addAfter(key, delay);
  }

  #settle(): void {
    if (!this.isIdle) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}
