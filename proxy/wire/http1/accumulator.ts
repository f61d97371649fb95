/** Joins the parts of a head that came in pieces. Grows by doubling, so that many small pieces stay cheap. */
export class Accumulator {
  private bytes: Buffer;
  private length: number;

  constructor(first: Buffer) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(1024, first.length * 2));
    this.length = first.copy(this.bytes);
  }

  /** All bytes so far with `more` after them. */
  append(more: Buffer): Buffer {
    const needed = this.length + more.length;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    more.copy(this.bytes, this.length);
    this.length = needed;
    return this.bytes.subarray(0, this.length);
  }
}
