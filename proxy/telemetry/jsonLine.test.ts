import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonLine, memberName, textBytes } from './jsonLine.ts';

/** What `put` puts into a line, which begins in the middle of a page. */
function written(put: (line: JsonLine) => void): string {
  const page = Buffer.alloc(64 * 1024);
  const line = new JsonLine();
  line.start(page, 1000);
  put(line);
  return page.toString('utf8', 1000, line.at);
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 100 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    .map((units) => String.fromCharCode(...units)),
);

describe('a line of JSON', () => {
  it('has texts as JSON.stringify writes them, cut to their bound', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 0, max: 100 }), (text, bound) => {
        const expected = JSON.stringify(text.slice(0, bound));
        expect(written((line) => line.text(text, bound))).toBe(expected);
        expect(Buffer.byteLength(expected)).toBeLessThanOrEqual(textBytes(bound));
      }),
      { numRuns: 500 },
    );
  });

  it.each(['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u0080', 'é', '€', '\ud800', '\udc00', '😀'])(
    'escapes %j wherever it is in a text, short or long',
    (character) => {
      for (const length of [0, 5, 23, 24, 40, 200])
        for (const text of [character + 'x'.repeat(length), 'x'.repeat(length) + character])
          expect(written((line) => line.text(text, 1000))).toBe(JSON.stringify(text));
    },
  );

  it('has numbers as JSON.stringify writes them', () => {
    const whole = fc.integer({ min: 0, max: 2 ** 31 });
    fc.assert(
      fc.property(fc.oneof(whole, fc.maxSafeInteger(), fc.double()), (value) => {
        expect(written((line) => line.number(value))).toBe(JSON.stringify(value));
      }),
    );
    for (const value of [0, -0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -1, 1e21, Infinity, NaN])
      expect(written((line) => line.number(value))).toBe(JSON.stringify(value));
  });

  it('has milliseconds with three digits after the point, or none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_999_999_999 }), (us) => {
        const expected = us % 1000 === 0 ? String(us / 1000) : (us / 1000).toFixed(3);
        expect(written((line) => line.milliseconds(us / 1000))).toBe(expected);
      }),
    );
    const texts = [-0, 0.0004, 3.1, 1e300, -2.5, 2_000_000.001, Number.NaN, -Infinity].map((ms) =>
      written((line) => line.milliseconds(ms)),
    );
    expect(texts).toEqual(['0', '0', '3.100', '1e+300', '-2.5', '2000000.001', 'null', 'null']);
  });

  it.each(['a', 'ab', 'abc', 'abcd', 'durationMs'])('has the name %s before a value', (name) => {
    expect(written((line) => line.name(memberName(name)))).toBe(`,"${name}":`);
  });
});
