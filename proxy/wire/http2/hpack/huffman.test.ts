import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODE_LENGTHS, CODES, END_OF_STRING } from './huffmanCode.ts';
import { INVALID, OVERLONG, readHuffman } from './huffman.ts';
import { fromBits, huffman } from './testing/blocks.ts';

function read(bytes: Buffer, limit = 65_536): string | number {
  return readHuffman({ bytes, at: 0, end: bytes.length }, bytes.length, limit);
}

function bitsOf(symbol: number): string {
  return CODES[symbol]!.toString(2).padStart(CODE_LENGTHS[symbol]!, '0');
}

/** Padded with ones to whole bytes. */
function padded(bits: string): Buffer {
  return fromBits(bits.padEnd(Math.ceil(bits.length / 8) * 8, '1'));
}

describe('the Huffman code', () => {
  it('is complete: every sequence of bits begins with exactly one code', () => {
    expect(CODE_LENGTHS).toHaveLength(257);
    // Kraft's sum is one, and no code begins another
    expect(CODE_LENGTHS.reduce((sum, length) => sum + 2 ** (30 - length), 0)).toBe(2 ** 30);
    const sorted = CODES.map((_, symbol) => bitsOf(symbol)).sort();
    for (let index = 1; index < sorted.length; index += 1) {
      expect(sorted[index]!.startsWith(sorted[index - 1]!)).toBe(false);
    }
  });

  it.each([
    ['0', '00000'],
    ['a', '00011'],
    ['t', '01001'],
    [' ', '010100'],
    ['&', '11111000'],
    ['\n', '111111111111111111111111111100'],
    ['\u00FF', '11111111111111111111101110'],
    ['z', '1111011'],
  ])('has the code of appendix B for %j', (text, bits) => {
    expect(bitsOf(text.charCodeAt(0))).toBe(bits);
  });

  it('ends with a code of thirty ones', () => {
    expect(bitsOf(END_OF_STRING)).toBe('1'.repeat(30));
  });
});

describe('a Huffman-coded string', () => {
  it('may be any byte, alone and between others', () => {
    for (let byte = 0; byte < 256; byte += 1) {
      const character = String.fromCharCode(byte);
      expect(read(huffman(character))).toBe(character);
      expect(read(huffman(`a${character}\u00FE${character}b`))).toBe(`a${character}\u00FE${character}b`);
    }
  });

  it('comes back whatever it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 }), (bytes) => {
        const text = String.fromCharCode(...bytes);
        expect(read(huffman(text))).toBe(text);
      }),
    );
  });

  it('is longer than the scratch buffer now and then', () => {
    const text = 'a1-'.repeat(5000);
    expect(read(huffman(text))).toBe(text);
  });

  it('may be padded with up to seven ones', () => {
    for (const [text, ones] of [
      ['', 0],
      ['a', 3],
      ['aaa', 1],
      ['X', 0],
      [' ', 2],
      ['0b', 5],
      ['0:', 4],
      ['ZZ00Z', 6],
      ['00000', 7],
    ] as const) {
      const bits = [...text].map((character) => bitsOf(character.charCodeAt(0))).join('');
      expect((8 - (bits.length % 8)) % 8).toBe(ones);
      expect(read(padded(bits))).toBe(text);
    }
  });

  it.each([
    ['a whole byte of padding', padded(`${bitsOf(0x58)}11111111`)],
    ['nothing but a byte of padding', fromBits('11111111')],
    ['three bytes of padding', fromBits('1'.repeat(24))],
    ['padding of zeros', fromBits(`${bitsOf(0x61)}000`)],
    ['padding that is not all ones', fromBits(`${bitsOf(0x61)}110`)],
    ['the end of string', padded('1'.repeat(30))],
    ['the end of string after a character', padded(`${bitsOf(0x61)}${'1'.repeat(30)}`)],
    ['the end of string before a character', padded(`${'1'.repeat(30)}${bitsOf(0x61)}`)],
    ['a code that is cut off', huffman('\n').subarray(0, 3)],
  ])('must not have %s', (_what, bytes) => {
    expect(read(bytes)).toBe(INVALID);
  });

  it('is given up where it is longer than asked for, but checked to its end', () => {
    const bytes = huffman('abcdefgh');
    expect(read(bytes, 8)).toBe('abcdefgh');
    expect(read(bytes, 7)).toBe(OVERLONG);
    expect(read(bytes, 0)).toBe(OVERLONG);
    expect(read(Buffer.concat([bytes, fromBits('1'.repeat(32))]), 7)).toBe(INVALID);
    expect(read(Buffer.alloc(0), 0)).toBe('');
  });
});
