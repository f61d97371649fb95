/** The lines that were made last: proxies that need the same get the same bytes. Bounded in number and in bytes. */
export class LineCache {
  readonly #lines = new Map<string, Buffer>();
  readonly #maxLines: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor({ maxLines = 512, maxBytes = 16 * 1024 * 1024 } = {}) {
    this.#maxLines = maxLines;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The line of this key, which must name all that `make` uses. */
  get(key: string, make: () => Buffer): Buffer {
    const known = this.#lines.get(key);
    if (known) return known;
    const made = make();
    if (made.length > this.#maxBytes) return made;
    this.#lines.set(key, made);
    this.#bytes += made.length;
    for (const [oldest, { length }] of this.#lines) {
      if (this.#lines.size <= this.#maxLines && this.#bytes <= this.#maxBytes) break;
      this.#lines.delete(oldest);
      this.#bytes -= length;
    }
    return made;
  }
}
