/** Runs a search in a thread and watches it: an input that never comes back is a finding as well. */
import { Worker } from 'node:worker_threads';
import type { SearchMessage, SearchOrder, SearchResult } from './search.worker.ts';
import { SharedInput } from './shared.ts';

/** One run may take this long before the thread is given up; far above what a busy machine adds. */
const HANG_MS = 10_000;
const WATCH_MS = 500;

export interface Outcome {
  finding: { kind: 'crash' | 'slow' | 'growth' | 'hang'; message: string; input: Buffer } | undefined;
  /** Absent where the search was given up. */
  result: SearchResult | undefined;
}

/** `kept` is told of each input that reached something new. */
export function search(
  { hangMs = HANG_MS, ...order }: Omit<SearchOrder, 'memory'> & { hangMs?: number },
  kept: (input: Uint8Array) => void,
): Promise<Outcome> {
  const shared = new SharedInput();
  const worker = new Worker(new URL('./search.worker.ts', import.meta.url), {
    workerData: { ...order, memory: shared.memory } satisfies SearchOrder,
  });
  return new Promise((resolve) => {
    const finish = (outcome: Outcome) => {
      clearInterval(watch);
      void worker.terminate();
      resolve(outcome);
    };
    const lost = (kind: 'crash' | 'hang', message: string) =>
      finish({ finding: { kind, message, input: shared.input }, result: undefined });
    let runs = 0;
    let since = performance.now();
    const watch = setInterval(() => {
      if (shared.runs !== runs || runs === 0) {
        runs = shared.runs;
        since = performance.now();
      } else if (performance.now() - since > hangMs) lost('hang', `no end after ${hangMs} ms`);
    }, WATCH_MS);
    worker.on('message', (message: SearchMessage) => {
      if ('kept' in message) return kept(message.kept);
      const { result } = message;
      const finding = result.finding && { ...result.finding, input: Buffer.from(result.finding.input) };
      finish({ finding, result });
    });
    // what is thrown outside of a run, or a heap that is full
    worker.on('error', (error) => lost('crash', error.stack ?? error.message));
  });
}
