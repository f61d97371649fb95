import { describe, expect, it } from 'vitest';
import { firstLineGuard } from './firstLine.ts';

const passes = (...pieces: string[]) => {
  const guard = firstLineGuard();
  return pieces.every((piece) => guard(Buffer.from(piece, 'latin1')));
};

describe('the first line of a connection that is carried as bytes', () => {
  it.each([
    ['at once', ['GET / HTTP/1.1\r\n']],
    ['typed slowly', ['GE', 'T', ' / HTTP/1.1', '\r\n']],
    ['after an empty line', ['\r\n', 'get / HTTP/1.0\n']],
    ['of HTTP/2', ['PRI * ', 'HTTP/2.0\r\n\r\nSM\r\n\r\n']],
  ])('is no request line %s', (_name, pieces) => {
    expect(passes(...pieces)).toBe(false);
  });

  it.each([
    ['a greeting', ['EHLO a\r\n', 'GET / HTTP/1.1\r\n']],
    ['bytes', ['\0\0\0\x08', 'GET / HTTP/1.1\r\n']],
    ['a word and nothing else', ['PING']],
  ])('may be %s, whatever follows', (_name, pieces) => {
    expect(passes(...pieces)).toBe(true);
  });
});
