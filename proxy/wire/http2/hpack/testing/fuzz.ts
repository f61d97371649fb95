/** Entry point for fuzzing: any bytes as blocks of one connection. */
import { HpackDecoder, type DecodeFailure } from '../decoder.ts';
import { OVERHEAD } from '../dynamicTable.ts';
import { HpackEncoder, sizeBound } from '../encoder.ts';

/** Sizes that change the table: none, too small for most, a few entries, the initial one, more. */
const SIZES = [0, 40, 256, 4096, 65_536];

/**
 * Reads `data` as table size and list bound (a byte each), then blocks: a byte of length, whose highest bit asks for a
 * change of the table size (one more byte) first, and the block. Throws where an invariant of the codec is broken;
 * a refusal of the bytes is none.
 */
export function fuzzHpack(data: Uint8Array): void {
  const bytes = Buffer.from(data);
  const maxListBytes = 64 * ((bytes[1] ?? 0) + 1);
  const options = { maxTableSize: pick(bytes[0] ?? 0), maxListBytes };
  const first = new HpackDecoder(options);
  const second = new HpackDecoder(options);
  const echo = new Echo();
  for (let at = 2; at < bytes.length;) {
    const head = bytes[at++]!;
    if (head >= 0x80) {
      const size = pick(bytes[at++] ?? 0);
      for (const decoder of [first, second]) decoder.setMaxTableSize(size);
      echo.resize(size);
    }
    const end = Math.min(at + (head & 0x7f), bytes.length);
    const result = first.decode(bytes, at, end);
    // the same block alone: what lies around it must not matter
    const alone = Buffer.from(bytes.subarray(at, end));
    expectSame(result, second.decode(alone, 0, alone.length));
    if (result === 'compression') {
      demand(first.decode(bytes, at, at) === 'compression', 'a broken decoder went on');
      return;
    }
    checkBound(result, first.listBytes, maxListBytes);
    if (result !== 'large') echo.check(result, first.neverIndexed);
    at = end;
  }
}

/** Encodes lists and decodes them again, over one pair of tables. */
class Echo {
  private readonly encoder = new HpackEncoder({ maxTableSize: 16_384 });
  private readonly decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: Infinity });

  resize(size: number): void {
    this.encoder.setPeerTableSize(size);
    this.decoder.setMaxTableSize(size);
  }

  check(fields: readonly string[], neverIndexed: readonly string[]): void {
    this.encoder.neverIndexed = neverIndexed;
    const bound = sizeBound(fields);
    demand(this.encoder.encode(fields, Buffer.alloc(bound - 1), 0) === -1, 'wrote past the end');
    const out = Buffer.alloc(bound);
    const end = this.encoder.encode(fields, out, 0);
    demand(end >= 0 && end <= bound, 'sizeBound is no bound');
    expectSame(this.decoder.decode(out, 0, end), fields);
    for (const name of neverIndexed) demand(this.decoder.neverIndexed.includes(name), 'a secret was indexed');
  }
}

function pick(byte: number): number {
  return SIZES[byte % SIZES.length]!;
}

function checkBound(result: string[] | DecodeFailure, listBytes: number, maxListBytes: number): void {
  demand((result === 'large') === listBytes > maxListBytes, 'the bound of the list was not kept');
  if (typeof result === 'string') return;
  let sum = 0;
  for (const text of result) sum += text.length;
  demand(sum + (result.length / 2) * OVERHEAD === listBytes, 'the list was counted wrongly');
}

function expectSame(one: readonly string[] | DecodeFailure, other: readonly string[] | DecodeFailure): void {
  demand(
    JSON.stringify(one) === JSON.stringify(other),
    `${JSON.stringify(one)} became ${JSON.stringify(other)}`,
  );
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
