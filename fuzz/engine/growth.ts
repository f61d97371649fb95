/** Tells a heap that grows with the number of runs from one that is merely large. */
const MIB = 1024 * 1024;
/** Looks after which the heap has its usual size: compiled code, caches, tables. */
const WARM_LOOKS = 3;
const TOLERATED = 32 * MIB;
/** Looks in a row: a heap that is large for a moment, as when code is compiled anew, does not grow. */
const PERSISTENT = 3;

export class Growth {
  private readonly garbageCollect: () => void;
  private looks = 0;
  private usual = 0;
  private over = 0;

  constructor(garbageCollect: () => void) {
    this.garbageCollect = garbageCollect;
  }

  /** What is wrong, if the heap has grown by more than the corpus that the search itself keeps (bytes). */
  look(corpusBytes: number): string | undefined {
    this.garbageCollect();
    const { heapUsed, external } = process.memoryUsage();
    const held = heapUsed + external - corpusBytes;
    if (++this.looks <= WARM_LOOKS) {
      this.usual = Math.max(this.usual, held);
      return undefined;
    }
    this.over = held <= this.usual + TOLERATED ? 0 : this.over + 1;
    if (this.over < PERSISTENT) return undefined;
    return `the heap has grown from ${toMib(this.usual)} to ${toMib(held)} MiB`;
  }
}

const toMib = (bytes: number) => (bytes / MIB).toFixed(1);
