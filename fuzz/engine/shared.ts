/** Memory that the searching thread and its watchdog share: which input runs, and how many have run. */
const HEADER_BYTES = 16;
const RUNS = 0;
const LENGTH = 1;

/** Longest input that any target takes, bytes. */
export const MAX_INPUT_BYTES = 128 * 1024;

export class SharedInput {
  readonly memory: SharedArrayBuffer;
  private readonly header: Int32Array;
  private readonly bytes: Uint8Array;

  constructor(memory = new SharedArrayBuffer(HEADER_BYTES + MAX_INPUT_BYTES)) {
    this.memory = memory;
    this.header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.bytes = new Uint8Array(memory, HEADER_BYTES);
  }

  /** From the searching thread, before each run. */
  begin(input: Buffer): void {
    this.bytes.set(input.subarray(0, MAX_INPUT_BYTES));
    this.header[LENGTH] = Math.min(input.length, MAX_INPUT_BYTES);
    Atomics.add(this.header, RUNS, 1);
  }

  get runs(): number {
    return Atomics.load(this.header, RUNS);
  }

  /** The input that runs. */
  get input(): Buffer {
    return Buffer.from(this.bytes.slice(0, this.header[LENGTH]));
  }
}
