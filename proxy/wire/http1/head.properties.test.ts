import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble } from './edits.ts';
import { DONE } from './head.ts';
import { RequestHead } from './request.ts';
import { ResponseHead } from './response.ts';
import { ALL, read } from './testing/read.ts';

describe('any bytes', () => {
  const piece = fc.constantFrom(
    'GET',
    ' ',
    '/',
    'HTTP/1.1',
    '\r',
    '\n',
    '\r\n',
    'Host',
    ':',
    'a',
    'Content-Length',
    '5',
    'x-weft-a',
    '\t',
    '\0',
    'Connection',
    ',',
  );

  it('never throw, and give the same however they are split', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (pieces, size) => {
        const text = pieces.join('');
        for (const make of [() => new RequestHead(), () => new ResponseHead()]) {
          const whole = make();
          const split = make();
          const outcome = read(whole, text);
          expect(read(split, text, size)).toEqual(outcome);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('what is forwarded is read again as the same message', () => {
    const name = fc.stringMatching(/^[A-Za-z-]{1,12}$/);
    const value = fc.stringMatching(/^[ -~]{0,20}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (fields) => {
        const text = `GET /p HTTP/1.1\r\nHost: a\r\n${fields.map(([key, text]) => `${key}: ${text}\r\n`).join('')}\r\n`;
        const head = new RequestHead();
        if (read(head, text).outcome !== DONE) return;
        const forwarded = assemble(head, ALL, '');
        const again = new RequestHead();
        expect(read(again, forwarded).outcome).toBe(DONE);
        expect([again.contentLength, again.chunked, again.target]).toEqual([
          head.contentLength,
          head.chunked,
          head.target,
        ]);
        expect(assemble(again, ALL, '')).toBe(forwarded);
        expect(forwarded).not.toMatch(/^(?:x[-_]weft[-_]|connection:|upgrade:|keep-alive:)/im);
      }),
    );
  });
});
