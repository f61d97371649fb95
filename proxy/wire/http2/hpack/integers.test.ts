import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInteger, writeInteger } from './integers.ts';
import { hex } from './testing/blocks.ts';

function read(text: string, mask: number): [value: number, next: number] {
  const bytes = hex(text);
  const cursor = { bytes, at: 0, end: bytes.length };
  const value = readInteger(cursor, mask);
  return [value, cursor.at];
}

describe('integers', () => {
  it('are those of RFC 7541 C.1', () => {
    expect(read('ea', 0x1f)).toEqual([10, 1]);
    expect(read('ff9a0a', 0x1f)).toEqual([1337, 3]);
    expect(read('2a', 0xff)).toEqual([42, 1]);
  });

  it('come back, with every prefix and whatever pattern stands before it', () => {
    const values = fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
    fc.assert(
      fc.property(values, fc.constantFrom(0x0f, 0x1f, 0x3f, 0x7f, 0xff), (value, mask) => {
        const cursor = { bytes: Buffer.alloc(8), at: 1, end: 8 };
        const pattern = 0xff & ~mask;
        writeInteger(cursor, { pattern, mask }, value);
        expect(cursor.at).toBeLessThanOrEqual(7);
        expect(cursor.bytes[1]! & ~mask).toBe(pattern);
        const written = cursor.at;
        cursor.at = 1;
        expect(readInteger(cursor, mask)).toBe(value);
        expect(cursor.at).toBe(written);
      }),
    );
  });

  it('may have needless zeros, within five bytes after the prefix', () => {
    expect(read('7f8000', 0x7f)).toEqual([127, 3]);
    expect(read('7f8080808000', 0x7f)).toEqual([127, 6]);
    expect(read('7f808080808000', 0x7f)[0]).toBe(-1);
  });

  it('end below 2^31', () => {
    expect(read('7f80ffffff07', 0x7f)[0]).toBe(2 ** 31 - 1);
    expect(read('7f81ffffff07', 0x7f)[0]).toBe(-1);
    expect(read('7fffffffff7f', 0x7f)[0]).toBe(-1);
    expect(read('7fffffffffff00', 0x7f)[0]).toBe(-1);
  });

  it.each(['', '7f', '7f80', '7f8080'])('are refused where they are cut off: %j', (text) => {
    expect(read(text, 0x7f)[0]).toBe(-1);
  });

  it('do not read past their end', () => {
    expect(readInteger({ bytes: hex('7f01'), at: 0, end: 1 }, 0x7f)).toBe(-1);
    expect(readInteger({ bytes: hex('7f01'), at: 0, end: 2 }, 0x7f)).toBe(128);
  });
});
