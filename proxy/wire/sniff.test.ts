import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sniff, sniffVersion, type Sniffed } from './sniff.ts';
import { clientHello, inRecords } from './testing/clientHello.ts';

/** What is said at each number of bytes, without repetitions. */
function course(bytes: Buffer): Sniffed[] {
  const seen: Sniffed[] = [];
  for (let length = 1; length <= bytes.length; length++) {
    const now = sniff(bytes.subarray(0, length));
    if (now !== seen.at(-1)) seen.push(now);
  }
  return seen;
}

describe('TLS', () => {
  let weft: Buffer;
  let own: Buffer;
  let bare: Buffer;
  beforeAll(async () => {
    [weft, own, bare] = await Promise.all([
      clientHello(['h2', 'weft-tcp/1']),
      clientHello(['h2']),
      clientHello([]),
    ]);
  });

  it('is known from its ClientHello alone, whatever comes in the same read', () => {
    for (const after of ['\x16\x03\x01\0\0', '\x16\x03\x01\xff\xff', 'GET / HTTP/1.1\r\n']) {
      expect(sniff(Buffer.concat([weft, Buffer.from(after, 'latin1')]))).toBe('weft');
      expect(sniff(Buffer.concat([inRecords(own, 500), Buffer.from(after, 'latin1')]))).toBe('tls');
    }
  });

  it('is ours where it offers our protocol, known only once all of the ClientHello is there', () => {
    expect(course(weft)).toEqual(['more', 'weft']);
    expect(course(own)).toEqual(['more', 'tls']);
    expect(course(bare)).toEqual(['more', 'tls']);
  });

  it('is ours by either wire, alone or with others', async () => {
    for (const offered of [['weft/1'], ['weft-tcp/1'], ['weft/1', 'weft-tcp/1'], ['http/1.1', 'weft/1']])
      expect(sniff(await clientHello(offered))).toBe('weft');
    for (const offered of [['weft/2'], ['weft'], ['xweft/1'], ['weft/1x']])
      expect(sniff(await clientHello(offered))).toBe('tls');
  });

  it('is recognized over several records, up to a bound', () => {
    for (const size of [weft.length - 6, 100, Math.ceil((weft.length - 5) / 16)]) {
      expect(course(inRecords(weft, size)), `records of ${size}`).toEqual(['more', 'weft']);
    }
    expect(sniff(inRecords(weft, 1))).toBe('tcp');
  });

  it.each([
    [[0x16, 2], 'tcp'],
    [[0x16, 3, 9], 'tcp'],
    [[0x16, 3, 1, 0, 0], 'tcp'],
    [[0x16, 3, 1, 0xff, 0xff], 'tcp'],
    [[0x16, 3, 1, 0, 5, 2], 'tls'],
    [[0x16, 3, 1, 0, 5, 1, 0xff, 0xff, 0xff], 'tls'],
    [[0x16, 3, 1, 0, 8, 1, 0, 0, 4, 1, 2, 3, 4], 'tls'],
  ] as const)('that is none, or malformed, is never taken for ours: %j', (bytes, expected) => {
    expect(sniff(Buffer.from(bytes))).toBe(expected);
  });

  it('any bytes in its place are judged without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 400 }), (noise, at) => {
        const bytes = Buffer.from(weft);
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        expect(['more', 'maybe-http', 'http', 'weft', 'tls', 'tcp']).toContain(sniff(bytes));
      }),
    );
  });
});

describe('text', () => {
  it.each<[string, Sniffed[]]>([
    ['GET / HTTP/1.1\r\n', ['more', 'maybe-http', 'http']],
    ['M-SEARCH /x HTTP/1.0\r\nHost', ['more', 'maybe-http', 'http']],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ['more', 'maybe-http', 'http2']],
    ['EHLO me\r\n', ['more', 'maybe-http', 'tcp']],
    ['PING\r\n', ['more', 'tcp']],
    ['GET key\r\n', ['more', 'maybe-http', 'tcp']],
    ['GET / HTTP/1.1\n', ['more', 'maybe-http', 'http']],
    ['GET \x80/ HTTP/1.1\r\n', ['more', 'maybe-http', 'http']],
    ['get / HTTP/1.1\r\n', ['more', 'http']],
    ['\r\nGET / HTTP/1.1\r\n', ['more', 'maybe-http', 'http']],
    ['get key\r\n', ['more', 'tcp']],
    ['*1\r\n$4\r\nPING\r\n', ['tcp']],
    ['\0\0\0\x08\x04', ['tcp']],
    ['SSH-2.0-x\r\n', ['more', 'tcp']],
  ])('%j', (text, expected) => {
    expect(course(Buffer.from(text, 'latin1'))).toEqual(expected);
  });

  it.each<[string, Sniffed]>([
    ['P', 'more'],
    ['PR', 'more'],
    ['PRI', 'maybe-http'],
    ['PRI ', 'maybe-http'],
    ['PRI * HTTP/2', 'maybe-http'],
    ['PRI * HTTP/2.0', 'http2'],
    ['PRI * HTTP/1.1\r\n', 'http'],
    ['PRIX', 'more'],
  ])('the preface of HTTP/2 in pieces: %j is %s', (text, expected) => {
    expect(sniff(Buffer.from(text))).toBe(expected);
  });

  it('a request line without an end is left to the reader of heads', () => {
    expect(sniff(Buffer.from(`GET /${'x'.repeat(9000)}`))).toBe('http');
  });
});

describe('a port that speaks HTTP', () => {
  it.each<[string, string]>([
    ['', 'more'],
    ['P', 'more'],
    ['PRI * HTTP/2.', 'more'],
    ['PRI * HTTP/2.0', 'http2'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0', 'http2'],
    ['PO', 'http'],
    ['PRI * HTTP/1.1\r\n', 'http'],
    ['GET / HTTP/1.1\r\n', 'http'],
    ['get', 'http'],
    ['\0', 'http'],
    ['\x16\x03\x01', 'http'],
  ])('has a version that is told by the first bytes: %j is %s', (text, expected) => {
    expect(sniffVersion(Buffer.from(text, 'latin1'))).toBe(expected);
  });

  it('what was decided stays decided, whatever comes after', () => {
    const start = fc.constantFrom('', 'P', 'PRI * HTTP/2.0', 'POST', 'PRI *', 'GET');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 30 }), (text, rest) => {
        const bytes = Buffer.concat([Buffer.from(text), rest]);
        const course = [...bytes.keys(), bytes.length].map((length) =>
          sniffVersion(bytes.subarray(0, length)),
        );
        const first = course.findIndex((each) => each !== 'more');
        expect(new Set(first === -1 ? course : course.slice(first)).size).toBe(1);
        expect(first).toBeLessThanOrEqual('PRI * HTTP/2.0'.length);
      }),
    );
  });
});
