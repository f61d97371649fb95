import { setFlagsFromString, getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { WORKER } from './messages.ts';
import { WorkerPool, type PoolOptions } from './pool.ts';

export { workerFamilies } from './pool.ts';

const MIB = 2 ** 20;
/** With less a worker could not hold its configuration. */
const MIN_HEAP_MB = 16;

/**
 * The part of this thread's heap limit that each thread may have, in MiB. V8's flag counts for the heap of every thread
 * and wins over the limit of a worker; this thread has taken its own from it, so it is taken away for the others.
 */
function heapShareMb(threads: number): number {
  setFlagsFromString('--max-old-space-size=0');
  return Math.max(MIN_HEAP_MB, Math.floor(getHeapStatistics().heap_size_limit / MIB / threads));
}

/** Makes the pool; `start` of it starts the workers. `entry` is the file that this process runs. */
export function createWorkers(options: Omit<PoolOptions, 'spawn'>, entry: URL): WorkerPool {
  const maxOldGenerationSizeMb = heapShareMb(options.count + 1);
  return new WorkerPool({
    ...options,
    // one that runs out of its memory ends, and not the process
    spawn: (workerData) =>
      new Worker(entry, { argv: [WORKER], workerData, resourceLimits: { maxOldGenerationSizeMb } }),
  });
}
