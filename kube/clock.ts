/** Time, handed in so that tests decide when a minute has passed. */
export interface Clock {
  /** Wall clock, ms since 1970; for what others read. */
  now(): number;
  /** Never jumps, ms since some start; for how long something took. */
  monotonic(): number;
  /** Calls back once after `ms`; the answer cancels. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when `signal` aborts: callers look at the signal themselves. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

export interface BackoffOptions {
  /** First delay, ms. */
  baseMs: number;
  /** No delay is longer, ms. */
  maxMs: number;
}

/**
 * Delay before attempt `failures + 1`: doubles from `baseMs` to `maxMs`, with the upper half of it random, so that
 * many that failed together do not come back together. `random` gives numbers in [0, 1).
 */
export function backoffMs({ baseMs, maxMs }: BackoffOptions, failures: number, random: () => number): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return full / 2 + (full / 2) * random();
}
