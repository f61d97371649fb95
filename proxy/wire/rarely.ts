/** At most one call a second: what strangers can cause must not fill the log. Metrics count every case. */
export function rarely(intervalMs = 1000, now: () => number = performance.now.bind(performance)) {
  let next = Number.NEGATIVE_INFINITY;
  let skipped = 0;
  /** Calls `say` with how many were left out since the last. */
  return (say: (skipped: number) => void): void => {
    if (now() < next) {
      skipped++;
      return;
    }
    next = now() + intervalMs;
    const left = skipped;
    skipped = 0;
    say(left);
  };
}
