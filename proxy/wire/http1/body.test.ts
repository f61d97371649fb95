import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Body, framing, type Framing } from './body.ts';

/** Follows a body in pieces; `end` is how many of the bytes belong to it. */
function follow(text: string, size: number, [kind, length]: [Framing, number] = [framing.chunked, 0]) {
  const body = new Body();
  body.begin(kind, length);
  const bytes = Buffer.from(text, 'latin1');
  let end = 0;
  for (let at = 0; at < bytes.length && !body.done; at += size) {
    const after = body.read(bytes.subarray(at, at + size), 0);
    if (after < 0) return { problem: body.problem };
    end = at + after;
  }
  return { end, done: body.done, size: body.size };
}

/** What becomes of it in every split; one entry where all are the same. */
const everySplit = (text: string) => {
  const seen = new Set<string>();
  for (let size = 1; size <= text.length; size++) seen.add(JSON.stringify(follow(text, size)));
  return [...seen].map((result) => JSON.parse(result) as object);
};

describe('chunked bodies', () => {
  it('end exactly where they end, whatever follows', () => {
    const text = '5\r\nhello\r\nA;x="y";z\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-Other:\r\n\r\n';
    const next = 'GET / HTTP/1.1\r\n';
    expect(everySplit(text + next)).toEqual([{ end: text.length, done: true, size: 15 }]);
    expect(everySplit(text.slice(0, -1))).toEqual([{ end: text.length - 1, done: false, size: 15 }]);
    expect(everySplit(`0\r\n\r\n${next}`)).toEqual([{ end: 5, done: true, size: 0 }]);
    expect(everySplit(`5;a="b;\\"c";d = e ;f\r\nhello\r\n0\r\n\r\n${next}`)[0]).toMatchObject({
      size: 5,
      done: true,
    });
    expect(everySplit('000 ; a\r\n\r\n')).toEqual([{ end: 11, done: true, size: 0 }]);
  });

  it.each([
    'x',
    '\r\n',
    ' 5\r\nhello\r\n',
    '+5\r\n',
    '0x5\r\n',
    '-1\r\n',
    '5 5\r\n',
    '5\nhello',
    '5\r\nhello0\r\n',
    '5\r\nhello\n',
    '5\r\nhello\r0',
    '1000000000000\r\n',
    '5;a\nb\r\n',
    '5;a\0\r\n',
    '5;\r\n',
    '5;=a\r\n',
    '5;a=\r\n',
    '5;a;\r\n',
    '5;a b\r\n',
    '5;a="\r\n',
    '5;a="b\\"\r\n',
    '5;a="b"c\r\n',
    '5 \r\n',
    '5;a \r\n',
    `5;${'a'.repeat(300)}\r\n`,
    '0\r\n\n',
    '0\r\nA b: c\r\n',
    '0\r\n A: c\r\n',
    '0\r\nA: c\n\r\n',
    '0\r\nContent-Length: 4\r\n\r\n',
    '0\r\nTransfer-Encoding: chunked\r\n\r\n',
    '0\r\nHost: a\r\n\r\n',
    '0\r\nX-Weft-Reason: x\r\n\r\n',
    '0\r\nx_weft_source: x\r\n\r\n',
    `0\r\n${'A: b\r\n'.repeat(65)}\r\n`,
    `0\r\nA: ${'b'.repeat(17_000)}\r\n\r\n`,
  ])('are refused where they can be read in two ways, or over the bounds: %j', (text) => {
    for (const size of [1, 2, 3, 7, text.length])
      expect(follow(text, size)).toHaveProperty('problem', expect.any(String));
  });

  it('refuse extensions that outweigh the body', () => {
    const text = `1;${'e'.repeat(200)}\r\nx\r\n`.repeat(200);
    expect(follow(text, text.length)).toEqual({ problem: 'chunk extensions are too long' });
  });

  it('are followed to their end for any chunks and any split', () => {
    const chunks = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), { maxLength: 8 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 50 }), (parts, size) => {
        const data = parts.map((part) => Buffer.from(part));
        const text = `${data.map((part) => `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`).join('')}0\r\n\r\n`;
        const total = data.reduce((sum, part) => sum + part.length, 0);
        expect(follow(`${text}GET`, size)).toEqual({ end: text.length, done: true, size: total });
      }),
    );
  });
});

describe('other bodies', () => {
  it('have the length that was announced', () => {
    for (const size of [1, 3, 20]) {
      expect(follow('hello GET /', size, [framing.length, 5])).toEqual({ end: 5, done: true, size: 5 });
      expect(follow('hel', size, [framing.length, 5])).toEqual({ end: 3, done: false, size: 3 });
    }
  });
  it('are empty, or last as long as the connection', () => {
    expect(follow('GET', 3, [framing.length, 0])).toEqual({ end: 0, done: true, size: 0 });
    expect(follow('GET', 3, [framing.none, 0])).toEqual({ end: 0, done: true, size: 0 });
    expect(follow('all of it', 2, [framing.close, 0])).toEqual({ end: 9, done: false, size: 9 });
  });
});
