import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks `probe` until it gives something other than undefined or false, and returns that. An error of the probe counts
 * as "not yet". Rejects after `deadlineMs` with `what` and the last error.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 60_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let last: unknown = 'never held';
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = 'did not hold';
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      throw new Error(`waited ${deadlineMs} ms for ${what}: ${String(last)}`, { cause: last });
    }
    await pause(150);
  }
}

/** Holds for the whole of `forMs`, or rejects with what `probe` threw. For "nothing changes while …". */
export async function holds(probe: () => Promise<void>, forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    await probe();
    await pause(500);
  }
}
