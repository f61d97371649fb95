/** Pieces of a line that are kept apart. Each keeps the buffer that it was read into, whatever its size. */
const MAX_PIECES = 32;

export interface LineSplitterOptions {
  /** Bytes that are no UTF-8 throw TypeError; otherwise they become U+FFFD, which takes more of them. */
  readonly fatal?: boolean;
}

/** Splits a byte stream into lines of text. A line longer than `maxBytes` throws RangeError: memory stays bounded. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #decoder: InstanceType<typeof TextDecoder>;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(maxBytes: number, { fatal = false }: LineSplitterOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#decoder = new TextDecoder('utf-8', { fatal, ignoreBOM: true });
  }

  /** The beginning of a line waits for its end. */
  get isWithinLine(): boolean {
    return this.#restBytes > 0;
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
    if (this.#rest.length > MAX_PIECES) this.#rest = joined(this.#rest);
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
    return this.#decoder.decode(line);
  }
}

/** The same bytes in few pieces, each smaller than the one before: each byte is copied no more often than sizes double. */
function joined(pieces: readonly Buffer[]): Buffer[] {
  const stack: Buffer[] = [];
  for (let piece of pieces) {
    for (let last = stack.at(-1); last && last.length <= piece.length; last = stack.at(-1)) {
      stack.pop();
      piece = Buffer.concat([last, piece]);
    }
    stack.push(piece);
  }
  return stack;
}
