/** Times from a change of an object until it is in force, in bounded memory. */
import { createHistogram } from 'node:perf_hooks';

const MAX_MS = 600_000;

export interface Times {
  count: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
}

export class Latency {
  readonly #histogram = createHistogram({ lowest: 1, highest: MAX_MS * 1000, figures: 3 });

  record(ms: number): void {
    // clocks of two processes may differ by microseconds
    this.#histogram.record(Math.max(1, Math.round(Math.min(ms, MAX_MS) * 1000)));
  }

  times(): Times {
    const at = (percentile: number) => this.#histogram.percentile(percentile) / 1000;
    const { count, max } = this.#histogram;
    if (count === 0) return { count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 };
    return { count, p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), p999Ms: at(99.9), maxMs: max / 1000 };
  }
}
