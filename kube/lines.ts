/** Splits a byte stream into lines of text. A line longer than `maxBytes` throws RangeError: memory stays bounded. */
export class LineSplitter {
  readonly #maxBytes: number;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without their line feeds. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      lines.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#rest.push(chunk.subarray(start));
      this.#restBytes += chunk.length - start;
    }
    this.#check(0);
    return lines;
  }

  /** What came after the last line feed. */
  end(): string {
    return this.#complete(Buffer.alloc(0));
  }

  #check(more: number): void {
    if (this.#restBytes + more > this.#maxBytes) {
      throw new RangeError(`a line of more than ${this.#maxBytes} bytes`);
    }
  }

  #complete(last: Buffer): string {
    this.#check(last.length);
    // Joined as bytes: a chunk may end in the middle of a character.
    const line = this.#rest.length === 0 ? last : Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    this.#restBytes = 0;
    return line.toString('utf8');
  }
}
