/** Tells a heap that grows with the number of runs from one that is merely large. */
const MIB = 1024 * 1024;
/** Looks after which the heap has its usual size: compiled code, caches, tables. */
const WARM_LOOKS = 3;
const TOLERATED = 32 * MIB;
/** Memory of buffers and hashes is given back by the event loop, to which a search does not give way: it comes and goes. */
const TOLERATED_EXTERNAL = 256 * MIB;
/** Looks in a row: a heap that is large for a moment, as when code is compiled anew, does not grow. */
const PERSISTENT = 3;

export class Growth {
  private readonly garbageCollect: () => void;
  private looks = 0;
  private usual = 0;
  private usualExternal = 0;
  private over = 0;

  constructor(garbageCollect: () => void) {
    this.garbageCollect = garbageCollect;
  }

  /** What is wrong, if the heap has grown by more than the corpus that the search itself keeps (bytes). */
  look(corpusBytes: number): string | undefined {
    this.garbageCollect();
    const { heapUsed, external } = process.memoryUsage();
    // of the corpus, its bytes are external and its objects are few
    const outside = external - corpusBytes;
    if (++this.looks <= WARM_LOOKS) {
      this.usual = Math.max(this.usual, heapUsed);
      this.usualExternal = Math.max(this.usualExternal, outside);
      return undefined;
    }
    const inBounds = heapUsed <= this.usual + TOLERATED && outside <= this.usualExternal + TOLERATED_EXTERNAL;
    this.over = inBounds ? 0 : this.over + 1;
    if (this.over < PERSISTENT) return undefined;
    const from = `${toMib(this.usual)} and ${toMib(this.usualExternal)}`;
    return `the heap, and what is outside of it, have grown from ${from} to ${toMib(heapUsed)} and ${toMib(outside)} MiB`;
  }
}

const toMib = (bytes: number) => (bytes / MIB).toFixed(1);
