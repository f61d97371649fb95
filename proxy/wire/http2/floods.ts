/**
 * How often a peer may do what costs it nothing and us something. Each kind has an allowance that is used up one by one
 * and comes back with time, and in some kinds with useful work. The rates are far above what honest peers need and far
 * below what would be felt: at the rate of PING, answering takes about a thousandth of a core.
 */
export const flood = {
  /** PING. gRPC measures bandwidth with one for each round trip, and a DATA frame at most: each that is sent gives one back. */
  ping: 0,
  settings: 1,
  /**
   * Streams that end other than by being answered: reset by the peer, or by us since the peer erred or opened too many
   * (CVE-2023-44487 and CVE-2025-8671), before their answer has begun. A stream that is answered gives one back.
   */
  reset: 2,
  /** DATA without content that does not end its stream. */
  empty: 3,
  /** Each DATA frame that is sent gives some back: a peer may acknowledge each, on stream and connection. */
  windowUpdate: 4,
  /** Each stream gives one back. */
  priority: 5,
  /** Frames of unknown types. Each stream gives two back: browsers send PRIORITY_UPDATE. */
  unknown: 6,
  /** Frames for streams that we reset: a window of each may have been under way, in small frames. */
  late: 7,
} as const;

const NAMES = [
  'PING frames',
  'SETTINGS',
  'streams reset',
  'empty DATA frames',
  'WINDOW_UPDATE frames',
  'PRIORITY frames',
  'frames of unknown types',
  'frames on closed streams',
];
export const floodName = (kind: number): string => NAMES[kind]!;
const BOUNDS = Object.keys(flood).map((key) => `flood.${key}`);
/** The name by which it is counted: `flood.ping`. */
export const floodBound = (kind: number): string => BOUNDS[kind]!;

const BURST: readonly number[] = [2000, 100, 1000, 1000, 5000, 1000, 1000, 100_000];
const PER_SECOND: readonly number[] = [1000, 10, 100, 100, 1000, 100, 100, 10_000];
/** What callers cause who give up: more of it where many of them share one connection. */
const OF_CANCELLATION: readonly boolean[] = NAMES.map(
  (_, kind) => kind === flood.reset || kind === flood.late,
);

export class Floods {
  private readonly cancelScale: number;
  private readonly left: number[];
  /** performance.now() at which the allowance was last looked at; in `left` it counts only when that is used up. */
  private readonly since: number[];
  private readonly now: () => number;

  constructor(now: () => number, cancelScale = 1) {
    this.now = now;
    this.cancelScale = cancelScale;
    this.left = BURST.map((count, kind) => count * this.scale(kind));
    this.since = BURST.map(() => now());
  }

  /** Uses one up; false: too many. */
  take(kind: number): boolean {
    const left = this.left[kind]! - 1;
    this.left[kind] = left;
    return left >= 0 || this.refill(kind);
  }

  giveBack(kind: number, count: number): void {
    this.left[kind] = Math.min(BURST[kind]! * this.scale(kind), this.left[kind]! + count);
  }

  /** The clock is asked only when nothing is left. */
  private refill(kind: number): boolean {
    const now = this.now();
    const back = Math.floor(((now - this.since[kind]!) * PER_SECOND[kind]! * this.scale(kind)) / 1000);
    if (back < 1) {
      this.left[kind] = 0;
      return false;
    }
    this.since[kind] = now;
    this.left[kind] = Math.min(BURST[kind]! * this.scale(kind), back) - 1;
    return true;
  }

  private scale(kind: number): number {
    return OF_CANCELLATION[kind] === true ? this.cancelScale : 1;
  }
}
