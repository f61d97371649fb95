import { describe, expect, it } from 'vitest';
import { assemble } from './edits.ts';
import { BAD, DONE, LARGE } from './head.ts';
import { RequestHead } from './request.ts';
import { ResponseHead } from './response.ts';
import { ALL, read } from './testing/read.ts';

const request = (lines: string) => lines.replaceAll('\n', '\r\n');

describe('good requests', () => {
  const text = request(
    'POST /a/b?c=d HTTP/1.1\nHoSt: cart:8080\nX-Request-ID: abc\nX-Weft-Source: forged\nx_weft_source: forged\n' +
      'Connection: keep-alive, X-Secret\nKeep-Alive: timeout=7, max=3\nX-Secret: 1\nX-Two: a\nX-Two:b  \n' +
      'Transfer-Encoding: gzip, Chunked\nTraceparent: 00-1-2-03\n\n',
  );

  it('says what a proxy must know, and gives back the rest as it came', () => {
    const head = new RequestHead();
    expect(read(head, `\r\n${text}BODY`).outcome).toBe(DONE);
    expect(head).toMatchObject({
      method: 'POST',
      target: '/a/b?c=d',
      path: '/a/b?c=d',
      host: 'cart:8080',
      chunked: true,
    });
    expect(head).toMatchObject({
      requestId: 'abc',
      traceparent: '00-1-2-03',
      keepAliveSeconds: 7,
      persists: true,
    });
    expect(head.bytes.toString('latin1', head.end)).toBe('BODY');
    expect(assemble(head, ALL, 'X-New: 1\r\n')).toBe(
      request(
        'POST /a/b?c=d HTTP/1.1\nHoSt: cart:8080\nX-Request-ID: abc\nX-Two: a\nX-Two:b  \n' +
          'Transfer-Encoding: gzip, Chunked\nTraceparent: 00-1-2-03\nX-New: 1\n\n',
      ),
    );
    expect(assemble(head, 0, '')).toBe(text);
  });

  it('takes out what only proxies may say, however long its name', () => {
    for (let length = 0; length <= 24; length++) {
      for (const begin of ['x-weft-', 'X_Weft_', 'x-WEFT_', 'x_weft-']) {
        const text = `GET / HTTP/1.1\r\nHost: a\r\n${begin}${'n'.repeat(length)}: forged\r\n\r\n`;
        const head = new RequestHead();
        expect(read(head, text).outcome).toBe(DONE);
        expect(assemble(head, ALL, '')).toBe('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      }
    }
  });

  it('reads the same however the bytes are split', () => {
    const whole = new RequestHead();
    read(whole, text);
    const expected = assemble(whole, ALL, '');
    for (let size = 1; size < text.length; size++) {
      const head = new RequestHead();
      expect(read(head, text, size).outcome).toBe(DONE);
      expect(assemble(head, ALL, '')).toBe(expected);
      expect([head.host, head.requestId, head.path]).toEqual([whole.host, whole.requestId, whole.path]);
    }
  });

  it('forgets one message before the next', () => {
    const head = new RequestHead();
    read(head, text);
    head.reset();
    expect(read(head, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n').outcome).toBe(DONE);
    expect(head).toMatchObject({
      method: 'GET',
      chunked: false,
      requestId: '',
      contentLength: -1,
      keepAliveSeconds: -1,
    });
    expect(assemble(head, ALL, '')).toBe('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });

  it.each([
    ['GET http://cart:80/x?y HTTP/1.1\nHost: cart:80\n\n', '/x?y'],
    ['GET http://cart HTTP/1.1\nHost: cart\n\n', '/'],
    ['GET http://cart?q HTTP/1.1\nHost: cart\n\n', '?q'],
    ['OPTIONS * HTTP/1.1\nHost: cart\n\n', '*'],
    ['CONNECT cart:443 HTTP/1.1\nHost: cart:443\n\n', ''],
    ['GET / HTTP/1.0\n\n', '/'],
    ['PURGE /a HTTP/1.1\nHost:\n\n', '/a'],
    ['GET /b HTTP/1.1\nHost: [fd00::1]:80\n\n', '/b'],
    ['GET /c HTTP/1.1\nHost: [::1]\n\n', '/c'],
    ['GET /d HTTP/1.1\nHost: a:\n\n', '/d'],
  ])('takes every form of target: %j', (text, path) => {
    const head = new RequestHead();
    expect(read(head, request(text))).toEqual({ outcome: DONE, problem: '' });
    expect(head.path).toBe(path);
  });

  it.each([
    ['GET / HTTP/1.1\nHost: a\nConnection: close\n\n', false],
    ['GET / HTTP/1.1\nHost: a\nConnection: Keep-Alive\n\n', true],
    ['GET / HTTP/1.0\nHost: a\n\n', false],
    ['GET / HTTP/1.0\nHost: a\nConnection: keep-alive\n\n', true],
    ['GET / HTTP/1.0\nHost: a\nConnection: keep-alive, close\n\n', false],
  ])('knows whether the connection persists: %j', (text, persists) => {
    const head = new RequestHead();
    expect(read(head, request(text)).outcome).toBe(DONE);
    expect(head.persists).toBe(persists);
  });

  it.each([
    ['websocket', '', true],
    ['h2c', '', false],
    ['websocket, h2c', '', false],
    ['websocket', 'Content-Length: 3\n', false],
  ])('lets an upgrade pass only where authorization is not passed by: %s', (to, more, may) => {
    const head = new RequestHead();
    const text = `GET / HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\nHTTP2-Settings: x\nUpgrade: ${to}\n${more}\n`;
    expect(read(head, request(text)).outcome).toBe(DONE);
    expect(head.upgrades && head.mayUpgrade).toBe(may);
    expect(assemble(head, ALL, '')).not.toMatch(/upgrade|http2/i);
  });
});

const HOST = 'Host: a\n';
/** A rule on a host would be passed by them, where the application reads them in the other way. */
const HOSTS_READ_IN_TWO_WAYS = [
  '%73ecret',
  'a:80:80',
  'a::80',
  '[::1]:80:80',
  '[::1',
  '[::1]x',
  '[::1]]:80',
  'a[::1]',
];
const badRequests: [string, string][] = [
  [`GET / HTTP/1.1\n${HOST}A : b\n\n`, 'white space before the colon'],
  [`GET / HTTP/1.1\n${HOST}A: b\n c\n\n`, 'folded field line'],
  [`GET / HTTP/1.1\n${HOST}: b\n\n`, 'empty field name'],
  [`GET / HTTP/1.1\n${HOST}A\n\n`, 'field line without a colon'],
  [`GET / HTTP/1.1\n${HOST}A@: b\n\n`, 'invalid character in a field name'],
  [`GET / HTTP/1.1\n${HOST}A: b\0\n\n`, 'control character in a field value'],
  [`GET / HTTP/1.1\n${HOST}Content-Length: 1\nContent-Length: 1\n\n`, 'more than one Content-Length'],
  [`GET / HTTP/1.1\n${HOST}Content-Length: 1\nContent-Length: 2\n\n`, 'more than one Content-Length'],
  ...['1, 1', '+1', '-1', '0x1', '', '1 1', '1.0', '9999999999999999'].map((length): [string, string] => [
    `GET / HTTP/1.1\n${HOST}Content-Length: ${length}\n\n`,
    'invalid Content-Length',
  ]),
  [
    `POST / HTTP/1.1\n${HOST}Content-Length: 1\nTransfer-Encoding: chunked\n\n`,
    'both Content-Length and Transfer-Encoding',
  ],
  [
    `POST / HTTP/1.1\n${HOST}Transfer-Encoding: chunked\nContent-Length: 0\n\n`,
    'both Content-Length and Transfer-Encoding',
  ],
  [
    `POST / HTTP/1.1\n${HOST}Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n`,
    'more than one Transfer-Encoding',
  ],
  ...['gzip', 'chunked, gzip', 'xchunked', '"chunked"', '', 'chunked,'].map((coding): [string, string] => [
    `POST / HTTP/1.1\n${HOST}Transfer-Encoding: ${coding}\n\n`,
    'Transfer-Encoding does not end in chunked',
  ]),
  ...['identity, chunked', 'chunked, chunked', ', chunked'].map((coding): [string, string] => [
    `POST / HTTP/1.1\n${HOST}Transfer-Encoding: ${coding}\n\n`,
    'unknown Transfer-Encoding',
  ]),
  [`POST / HTTP/1.0\n${HOST}Transfer-Encoding: chunked\n\n`, 'Transfer-Encoding in HTTP/1.0'],
  ['GET / HTTP/1.1\n\n', 'no Host field'],
  [`GET / HTTP/1.1\n${HOST}${HOST}\n`, 'more than one Host field'],
  [`GET / HTTP/1.0\n${HOST}Host: b\n\n`, 'more than one Host field'],
  ...['a b', 'a,b', 'a/b', 'u@a', 'a#', 'a\t'.concat('b'), ...HOSTS_READ_IN_TWO_WAYS].map(
    (host): [string, string] => [`GET / HTTP/1.1\nHost: ${host}\n\n`, 'invalid Host'],
  ),
  [`GET / HTTP/2.0\n${HOST}\n`, 'invalid version'],
  [`GET / HTTP/1.2\n${HOST}\n`, 'unknown version'],
  [`GET / http/1.1\n${HOST}\n`, 'invalid version'],
  [`GET /\n${HOST}\n`, 'invalid request target'],
  [`GET  / HTTP/1.1\n${HOST}\n`, 'invalid request target'],
  [`GET / HTTP/1.1 \n${HOST}\n`, 'request line does not end in CR LF'],
  [`GET /a#b HTTP/1.1\n${HOST}\n`, 'invalid request target'],
  [`GET /\xe9 HTTP/1.1\n${HOST}\n`, 'invalid request target'],
  [`GET a HTTP/1.1\n${HOST}\n`, 'invalid request target'],
  [`GET * HTTP/1.1\n${HOST}\n`, 'target * is for OPTIONS'],
  [`GET ftp://a/ HTTP/1.1\n${HOST}\n`, 'invalid request target'],
  [`GET http:///x HTTP/1.1\n${HOST}\n`, 'invalid request target'],
  [`GET http://b/ HTTP/1.1\n${HOST}\n`, 'target and Host name different hosts'],
  [`GET http://u@a/ HTTP/1.0\n\n`, 'invalid host in the request target'],
  [`CONNECT /a HTTP/1.1\n${HOST}\n`, 'CONNECT needs host and port as its target'],
  [`CONNECT a:1 HTTP/1.1\n${HOST}Content-Length: 3\n\n`, 'CONNECT with a body'],
  [`G@T / HTTP/1.1\n${HOST}\n`, 'invalid method'],
  [` GET / HTTP/1.1\n${HOST}\n`, 'invalid method'],
  [`${'M'.repeat(33)} / HTTP/1.1\n${HOST}\n`, 'method is too long'],
  [`GET / HTTP/1.1\n${HOST}Connection: close, Content-Length\n\n`, 'Connection names content-length'],
  [`GET / HTTP/1.1\n${HOST}Connection: host\n\n`, 'Connection names host'],
  [`GET / HTTP/1.1\n${HOST}Connection: ${'a,'.repeat(20)}b\n\n`, 'too many names in Connection'],
  [`GET / HTTP/1.1\n${HOST}Expect: 200-maybe\n\n`, 'unknown expectation'],
];

describe('bad requests are refused, never repaired', () => {
  it.each(badRequests)('%j', (text, problem) => {
    const whole = read(new RequestHead(), request(text));
    expect(whole).toEqual({ outcome: BAD, problem });
    for (let size = 1; size < text.length; size++) {
      expect(read(new RequestHead(), request(text), size)).toEqual(whole);
    }
  });

  it.each([
    ['GET / HTTP/1.1\nHost: a\n\n', 'request line does not end in CR LF'],
    ['GET / HTTP/1.1\r\nHost: a\n\r\n', 'control character in a field value'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\n', 'LF without CR'],
    ['GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n', 'CR without LF'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\rX', 'CR without LF'],
    ['\rGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'CR without LF'],
    ['\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'invalid method'],
  ])('line ends must be CR LF: %j', (text, problem) => {
    for (let size = 1; size <= text.length; size++) {
      expect(read(new RequestHead(), text, size)).toEqual({ outcome: BAD, problem });
    }
  });

  it('a head over the bound, in bytes or in fields', () => {
    const long = `GET / HTTP/1.1\r\nHost: a\r\nA: ${'x'.repeat(65_536)}`;
    for (const size of [1_000, 65_000, long.length])
      expect(read(new RequestHead(), long, size).outcome).toBe(LARGE);
    expect(read(new RequestHead(), `${long}\r\n\r\n`).outcome).toBe(LARGE);
    const many = `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(512)}\r\n`;
    for (const size of [100, many.length]) expect(read(new RequestHead(), many, size).outcome).toBe(LARGE);
  });
});

describe('responses', () => {
  it('are read with or without a reason phrase, and forwarded as they came', () => {
    for (const text of [
      'HTTP/1.1 200 OK\r\nServer: x\r\n\r\n',
      'HTTP/1.0 404 \r\n\r\n',
      'HTTP/1.1 204\r\n\r\n',
      'HTTP/1.1 599 Gr\xfc\xdfe\r\n\r\n',
    ]) {
      for (let size = 1; size <= text.length; size++) {
        const head = new ResponseHead();
        expect(read(head, text, size).outcome).toBe(DONE);
        expect(assemble(head, ALL, '')).toBe(text);
      }
    }
  });

  it('that have no body are passed on without what would announce one', () => {
    for (const start of ['HTTP/1.1 204 No Content', 'HTTP/1.1 100 Continue', 'HTTP/1.1 103 Early Hints']) {
      for (const framing of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
        const head = new ResponseHead();
        const text = `${start}\r\nA: b\r\n${framing}\r\nC: d\r\n\r\n`;
        expect(read(head, text).outcome).toBe(DONE);
        expect(assemble(head, ALL, '')).toBe(`${start}\r\nA: b\r\nC: d\r\n\r\n`);
      }
    }
    for (const text of [
      'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 304 A\r\nContent-Length: 5\r\n\r\n',
    ]) {
      const head = new ResponseHead();
      read(head, text);
      expect(assemble(head, ALL, '')).toBe(text);
    }
  });

  it.each([
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 600 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 200 OK\nA: b\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
    'garbage of some length\r\n\r\n',
  ])('are refused where they can be read in two ways: %j', (text) => {
    for (let size = 1; size <= text.length; size++)
      expect(read(new ResponseHead(), text, size).outcome).toBe(BAD);
  });
});
