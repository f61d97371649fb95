import { quantity } from '../../core/api/index.ts';
import type { Resources } from './resources.ts';

const MAX_WORKERS = 8;
/** Of the memory limit: each worker has a heap, code and configuration of its own. */
const MEMORY_PER_WORKER = 64 * 2 ** 20;

/** How many threads of a proxy can serve within its limits; 1 where no CPU limit says that it may use more cores. */
export function workersOf({ limits = {} }: Resources): number {
  const cores = quantity(limits['cpu'] ?? '') ?? 1;
  const memory = quantity(limits['memory'] ?? '') ?? Infinity;
  return Math.max(1, Math.floor(Math.min(MAX_WORKERS, cores, memory / MEMORY_PER_WORKER)));
}
