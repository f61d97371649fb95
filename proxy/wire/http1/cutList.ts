/** Room for so many lines is kept for the next head. */
const KEPT = 16;

/** Lines of a head that may be left out: their kinds (cut.…), and where they are, from its base on, in their order. */
export class CutList {
  count = 0;
  /** Those after `count` are of earlier heads: arrays that are made empty would lose their room. */
  kinds: number[] = [];
  starts: number[] = [];
  ends: number[] = [];

  clear(): void {
    this.count = 0;
    if (this.kinds.length <= KEPT) return;
    this.kinds = [];
    this.starts = [];
    this.ends = [];
  }

  /** After all others. */
  add(kind: number, start: number, end: number): void {
    const at = this.count++;
    this.kinds[at] = kind;
    this.starts[at] = start;
    this.ends[at] = end;
  }

  /** In its place, where the line is not there already. */
  insert(kind: number, start: number, end: number): void {
    let place = this.count;
    while (place > 0 && this.starts[place - 1]! > start) place--;
    if (place > 0 && this.starts[place - 1] === start) return;
    this.kinds.splice(place, 0, kind);
    this.starts.splice(place, 0, start);
    this.ends.splice(place, 0, end);
    this.count++;
  }

  /** There are lines of these kinds, added up. */
  has(kinds: number): boolean {
    for (let at = 0; at < this.count; at++) if ((this.kinds[at]! & kinds) !== 0) return true;
    return false;
  }
}
