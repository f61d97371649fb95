/** What makes Node hold little memory; each reason was measured (docs/performance.md, Footprint). */

/**
 * - A share of the limit for V8's old generation, so that it collects garbage before the kernel kills the process; the
 *   rest is for buffers outside the heap, code and stacks. Node takes the limit from its cgroup at start, so that a
 *   limit given by a LimitRange, or changed in place, counts as well as one of ours. Left to itself it would allow
 *   a heap as large as the whole limit.
 * - 2 MiB for each half of the young generation: requests leave little that lives on, and 16 MiB would stay resident.
 * - `gc` within the process, which calls it once, before it serves.
 */
const NODE_OPTIONS = '--max-old-space-size-percentage=60 --max-semi-space-size=2 --expose-gc';

/** Variables of the proxy's container. */
export const MEMORY = {
  NODE_OPTIONS,
  // glibc gives each compiler thread an arena of its own, whose free memory no other thread can use
  MALLOC_ARENA_MAX: '1',
} as const;
