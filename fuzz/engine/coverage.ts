/**
 * Counts which branches an input reaches. Instrumented code (instrument.ts) increments one counter per branch; an input
 * is new where it reaches a branch, or reaches it in another order of magnitude, as no input before it did.
 */
const COUNTERS = 1 << 16;

/** Where instrumented modules find their counters. */
export const GLOBAL_NAME = '__weftBranches';

/** 0, 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128-255: one bit for each but 0. Finer steps would keep inputs that say nothing new. */
const BUCKET = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count < 4) return [0, 1, 2, 4][count]!;
  if (count < 8) return 8;
  if (count < 16) return 16;
  if (count < 32) return 32;
  return count < 128 ? 64 : 128;
});

export class Coverage {
  readonly counters = new Uint8Array(COUNTERS);
  private readonly seen = new Uint8Array(COUNTERS);
  private used = 0;

  /** Makes the counters visible to modules that are loaded from now on. */
  install(): void {
    Object.assign(globalThis, { [GLOBAL_NAME]: this.counters });
  }

  /** Number of a new branch. Past the last counter branches share them. */
  allocate(): number {
    return this.used++ % COUNTERS;
  }

  /** Branches known so far: code is instrumented as it is loaded. */
  get branches(): number {
    return Math.min(this.used, COUNTERS);
  }

  /** Branches that any input reached. */
  get reached(): number {
    let reached = 0;
    for (const bits of this.seen) if (bits !== 0) reached++;
    return reached;
  }

  reset(): void {
    this.counters.fill(0, 0, this.branches);
  }

  /** True where the counters since `reset` show something new, which is then known. */
  takeNew(): boolean {
    const { counters, seen, branches } = this;
    let isNew = false;
    for (let at = 0; at < branches; at++) {
      const bits = BUCKET[counters[at]!]!;
      if ((bits & ~seen[at]!) === 0) continue;
      seen[at]! |= bits;
      isNew = true;
    }
    return isNew;
  }

  /** What the counters since `reset` show, as one number per branch and order of magnitude. */
  features(): number[] {
    const features: number[] = [];
    for (let at = 0; at < this.branches; at++) {
      const bits = BUCKET[this.counters[at]!]!;
      if (bits !== 0) features.push(at * 256 + bits);
    }
    return features;
  }
}
