import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { KNOWN_NAMES } from './policy.ts';
import { decode, encode } from './testing/blocks.ts';
import { fuzzHpack } from './testing/fuzz.ts';

const latin1 = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
  .map((bytes) => String.fromCharCode(...bytes));
const few = fc.constantFrom(
  'x-a',
  'x-b',
  'x-b3-spanid',
  'cookie',
  ':status',
  ':path',
  'content-type',
  'server',
);
const name = fc.oneof({ weight: 4, arbitrary: few }, fc.constantFrom(...KNOWN_NAMES.keys()), latin1);
const value = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('', '/', '200', 'a', 'b', 'c', 'application/json', 'v'.repeat(200)),
  },
  { weight: 2, arbitrary: latin1 },
  fc.integer({ min: 0, max: 5000 }).map((length) => 'w'.repeat(length)),
);
const list = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((fields) => fields.flat());
const size = fc.oneof(fc.constantFrom(0, 31, 33, 100, 4096), fc.integer({ min: 0, max: 9000 }));
const step = fc.record({ sizes: fc.array(size, { maxLength: 3 }), fields: list, secret: fc.option(few) });

describe('any lists, over many blocks and changes of the table size', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 100, 4096, 8192), (steps, cap) => {
        const encoder = new HpackEncoder({ maxTableSize: cap });
        const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: Infinity });
        for (const { sizes, fields, secret } of steps) {
          for (const announced of sizes) {
            encoder.setPeerTableSize(announced);
            decoder.setMaxTableSize(announced);
          }
          encoder.neverIndexed = secret === null ? [] : [secret];
          expect(decode(decoder, encode(encoder, fields))).toEqual(fields);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('any bytes', () => {
  const byte = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x40, 0x00, 0x10, 0x20, 0x3f, 0xbe, 0xbf, 0x82, 0x7e, 0x01, 0x03, 0xff, 0x81),
  );

  it('are refused or understood, and what is understood can be passed on', () => {
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 300 }), (bytes) => {
        expect(() => fuzzHpack(Uint8Array.from(bytes))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});
