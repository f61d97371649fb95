import { beforeAll, describe, expect, it, vi } from 'vitest';
import { bound } from './bounds.ts';
import { readClientHello } from './clientHello.ts';
import { FirstBytes } from './firstBytes.ts';
import { clientHello, inRecords } from './testing/clientHello.ts';

vi.mock(import('./clientHello.ts'), { spy: true });

const passes = (...pieces: string[]) => {
  const first = new FirstBytes(true);
  return pieces.every((piece) => first.pass(Buffer.from(piece, 'latin1')));
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

  it('may be a request where nobody minds', () => {
    expect(new FirstBytes(false).pass(Buffer.from('GET / HTTP/1.1\r\n'))).toBe(true);
  });
});

describe('the host that a client of TLS asks for', () => {
  let hello: Buffer;
  beforeAll(async () => (hello = await clientHello(['h2'], 'Cart.Shop')));

  it.each([true, false])('is read however the bytes are split (guarded: %s)', (guarded) => {
    for (const bytes of [hello, inRecords(hello, 200)]) {
      for (const size of [1, 100, bytes.length]) {
        const first = new FirstBytes(guarded);
        for (let at = 0; at < bytes.length; at += size) {
          expect(first.over).toBe(false);
          expect(first.pass(bytes.subarray(at, at + size))).toBe(true);
        }
        expect(first).toMatchObject({ over: !guarded, serverName: 'cart.shop' });
      }
    }
  });

  it('is not looked for with each byte', () => {
    vi.mocked(readClientHello).mockClear();
    const first = new FirstBytes(true);
    for (const byte of hello) first.pass(Buffer.from([byte]));
    expect(first.serverName).toBe('cart.shop');
    expect(vi.mocked(readClientHello).mock.calls.length).toBeLessThan(20);
  });

  it('is none where it names none, or the bytes are no TLS', async () => {
    for (const bytes of [await clientHello(['h2']), Buffer.from([0x16, 0, 0])]) {
      const first = new FirstBytes(true);
      first.pass(bytes);
      expect(first.pass(Buffer.from([0x16, 3]))).toBe(true);
      expect(first).toMatchObject({ over: true, serverName: undefined });
    }
  });

  it('is looked for only so far, and nothing is kept after that', () => {
    const first = new FirstBytes(true);
    const record = Buffer.alloc(5 + 16_384);
    record.set([0x16, 3, 1, 0x40, 0]);
    record.set([1, 0, 0x70, 0], 5);
    // a second record that never comes to its end
    expect(first.pass(record)).toBe(true);
    expect(first.over).toBe(false);
    first.pass(Buffer.concat([Buffer.from([0x16, 3, 1, 0x30, 0]), Buffer.alloc(0x2fff)]));
    expect(first.over).toBe(false);
    first.pass(Buffer.alloc(bound.sniffBytes));
    expect(first.over).toBe(true);
  });
});

describe('what follows a ClientHello', () => {
  let hello: Buffer;
  beforeAll(async () => (hello = await clientHello(['h2'], 'cart.shop')));

  /** Whether all of it passes, in pieces of `size` bytes. */
  function passesAfterHello(after: string, size: number, guarded = true): boolean {
    const first = new FirstBytes(guarded);
    const bytes = Buffer.concat([hello, Buffer.from(after, 'latin1')]);
    for (let at = 0; at < bytes.length; at += size)
      if (!first.pass(bytes.subarray(at, at + size))) return false;
    expect(first.over).toBe(true);
    return true;
  }

  it.each([1, 7, 100_000])('is TLS, in pieces of %d bytes', (size) => {
    for (const next of ['\x14\x03\x03\0\x01\x01', '\x15\x03\x01', '\x16\x03\x03', '\x17\x03\x03'])
      expect(passesAfterHello(next, size)).toBe(true);
    for (const next of ['\r\n\r\nGET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\n', '\x16GET', '\x18\x03\x03', '\0'])
      expect(passesAfterHello(next, size)).toBe(false);
  });

  it('is not looked at where requests may pass', () => {
    expect(passesAfterHello('GET / HTTP/1.1\r\n', 100_000, false)).toBe(true);
  });
});
