import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii, element, oidContent, oidText, readElements, readOnly, tag } from './der.ts';

/** Hex of what comes out when `bytes` are read and written again. */
function rewritten(bytes: Uint8Array): string {
  try {
    const parts = readElements(bytes).map((part) => element(part.tag, part.value));
    return Buffer.concat(parts).toString('hex');
  } catch (error) {
    if (error instanceof RangeError) return 'refused';
    throw error;
  }
}

describe('DER', () => {
  it('reads back what it writes, at every form of length', () => {
    for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 100_000]) {
      const content = new Uint8Array(size).fill(7);
      expect(readOnly(element(tag.octetString, content), tag.octetString)).toEqual(content);
    }
  });

  it('never throws anything but RangeError, and what it accepts has one spelling only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(rewritten(bytes)).toBeOneOf([Buffer.from(bytes).toString('hex'), 'refused']);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a length beyond the end', [0x30, 5, 1]],
    ['a length that is not minimal', [0x04, 0x81, 1, 0]],
    ['indefinite length', [0x30, 0x80, 0, 0]],
    ['a length of four bytes', [0x04, 0x84, 0, 0, 0, 1, 0]],
    ['a tag of several bytes', [0x1f, 0x81, 1, 0]],
    ['a lone tag', [0x30]],
  ])('refuses %s', (_what, bytes) => {
    expect(() => readElements(Uint8Array.from(bytes))).toThrow(RangeError);
  });

  it('refuses more elements than any certificate has', () => {
    expect(() => readElements(new Uint8Array(2 * 257).map((_, i) => (i % 2 ? 0 : 5)))).toThrow(/256/);
  });

  it('knows identifiers in both directions', () => {
    for (const id of ['2.5.29.17', '1.3.6.1.5.5.7.3.1', '1.2.840.10045.4.3.2', '0.9.2342', '2.999.1'])
      expect(oidText(oidContent(id))).toBe(id);
  });

  it('refuses text that IA5String cannot hold', () => {
    expect(() => ascii('spiffe://мesh')).toThrow(RangeError);
  });
});
