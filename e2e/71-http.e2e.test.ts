/** HTTP/1.x as clients and servers really speak it, through two proxies. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, caller } from './support/calls.ts';
import { namespaces } from './support/environment.ts';
import { inClient, provideProtocols, port, removeServers, report, server } from './support/protocols.ts';

interface Raw {
  text: string;
  how: string;
}

/** Of each run of ApacheBench, which speaks HTTP/1.0. */
const REQUESTS = 500;

interface Seen {
  method: string;
  httpVersion: string;
  rawHeaders: string[];
  rawTrailers: string[];
  bytes: number;
}

beforeAll(async () => {
  await provideProtocols(
    server('http', {
      containers: { http: ['node', '/apps/httpServer.ts', '8080'] },
      ports: [port(8080, 'http', 'portName')],
    }),
    server('http-sniffed', {
      containers: { http: ['node', '/apps/httpServer.ts', '8080'] },
      ports: [port(8080, 'http')],
    }),
    server('http10', {
      containers: { http10: ['node', '/apps/http10Server.ts', '8080'] },
      ports: [port(8080, 'http', 'appProtocol')],
    }),
  );
});

afterAll(() => removeServers('http', 'http-sniffed', 'http10'));

/** Sends lines as they are; a zero byte waits for an answer. */
const raw = (host: string, lines: string[], quietMs = 0): Promise<Raw> =>
  report<Raw>('rawHttp.ts', [host, 8080, Buffer.from(lines.join('\r\n')).toString('base64'), quietMs]);

const headOf = ({ text }: Raw): string => text.slice(0, text.indexOf('\r\n\r\n'));
const bodyOf = ({ text }: Raw): string => text.slice(text.indexOf('\r\n\r\n') + 4);

describe.each(['http', 'http-sniffed'])('HTTP/1.1 to %s', (host) => {
  it('keeps case, order and repetition of headers', async () => {
    const lines = ['X-One: 1', 'x-TWO: 2', 'X-One: 3'];
    const answer = await raw(host, [
      'GET /seen HTTP/1.1',
      `Host: ${host}`,
      ...lines,
      'Connection: close',
      '',
      '',
    ]);
    const { rawHeaders } = JSON.parse(bodyOf(answer)) as Seen;
    const names = rawHeaders.filter((_, i) => i % 2 === 0 && /^x-(one|two)$/i.test(rawHeaders[i]!));
    expect(names).toEqual(['X-One', 'x-TWO', 'X-One']);
  });

  it('answers pipelined requests in their order', async () => {
    const paths = Array.from({ length: 20 }, (_, i) => `/seen?n=${i}`);
    const lines = paths.flatMap((path, i) => [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      ...(i === paths.length - 1 ? ['Connection: close'] : []),
      '',
    ]);
    const { text, how } = await raw(host, [...lines, '']);
    const urls = [...text.matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url);
    expect({ urls, how }).toEqual({ urls: paths, how: 'end' });
  });

  it('brings 100 Continue before the body is sent, and a refusal instead of it', async () => {
    const head = [`Host: ${host}`, 'Content-Length: 5', 'Expect: 100-continue', 'Connection: close', ''];
    const taken = await raw(host, ['POST /size HTTP/1.1', ...head, '\0hello']);
    expect(taken.text).toMatch(/^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 [^]*"bytes":5/);
    const refused = await raw(host, ['POST /refuse HTTP/1.1', ...head, '']);
    expect(refused.text).toMatch(/^HTTP\/1\.1 417 /);
  });

  it('passes early hints on', async () => {
    const { text } = await raw(host, ['GET /hints HTTP/1.1', `Host: ${host}`, 'Connection: close', '', '']);
    expect(text).toMatch(/^HTTP\/1\.1 103 [^]*rel=preload[^]*HTTP\/1\.1 200 [^]*after hints/);
  });

  it('passes trailers both ways', async () => {
    const head = [`Host: ${host}`, 'Transfer-Encoding: chunked', 'Trailer: X-Sum', 'Connection: close', ''];
    const sent = await raw(host, ['POST /seen HTTP/1.1', ...head, '4', 'body', '0', 'X-Sum: 42', '', '']);
    expect(JSON.parse(sent.text.slice(sent.text.indexOf('{'), sent.text.lastIndexOf('}') + 1))).toMatchObject(
      {
        bytes: 4,
        rawTrailers: ['X-Sum', '42'],
      },
    );
    const got = await raw(host, [
      'GET /trailers HTTP/1.1',
      `Host: ${host}`,
      'TE: trailers',
      'Connection: close',
      '',
      '',
    ]);
    expect(got.text).toMatch(/4\r\nbody\r\n0\r\nX-Sum: 42\r\nX-Count: 1\r\n\r\n$/);
  });

  it('knows which answers have no body: HEAD, 204, 304', async () => {
    const lines = [
      ['HEAD /headers?bytes=10', []],
      ['GET /status?code=204', []],
      ['GET /status?code=304', ['If-None-Match: "one"']],
      ['GET /headers?bytes=10', ['Connection: close']],
    ].flatMap(([line, headers]) => [`${line as string} HTTP/1.1`, `Host: ${host}`, ...headers!, '']);
    const { text, how } = await raw(host, [...lines, '']);
    expect([...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)).toEqual([
      '200',
      '204',
      '304',
      '200',
    ]);
    expect({ how, bodies: text.match(/\r\n\r\nok/g)?.length }).toEqual({ how: 'end', bodies: 1 });
  });

  it('passes heads of 48 KiB both ways', async () => {
    const size = 48 * 1024;
    const big = `X-Big: ${'b'.repeat(size)}`;
    const answer = await raw(host, [
      `GET /headers?bytes=${size} HTTP/1.1`,
      `Host: ${host}`,
      big,
      'Connection: close',
      '',
      '',
    ]);
    expect(headOf(answer)).toContain(`x-received: ${size}`);
    expect(headOf(answer)).toContain(`x-big: ${'b'.repeat(size)}`);
  });
});

it('only what came by mTLS is answered here, so whatever passes has passed two proxies', async () => {
  const answer = await call(
    await caller(namespaces.outside),
    `http://http.${namespaces.protocols}:8080/seen`,
  );
  expect(answer).toMatchObject({ status: 403, headers: { 'x-weft-reason': 'MTLS_REQUIRED' } });
});

describe('HTTP/1.0', () => {
  const benchmark = async (url: string, flags: string[] = []): Promise<Record<string, number>> => {
    const text = await inClient(['ab', '-q', '-n', String(REQUESTS), '-c', '8', ...flags, url]);
    const row = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    const [complete, failed, other, kept] = [
      'Complete requests',
      'Failed requests',
      'Non-2xx responses',
      'Keep-Alive requests',
    ].map(row);
    return { complete: complete!, failed: failed!, other: other!, kept: kept! };
  };
  const clean = { complete: REQUESTS, failed: 0, other: 0 };

  it('a client without keep-alive is served, and its connection closed', async () => {
    expect(await benchmark('http://http:8080/headers?bytes=10')).toMatchObject(clean);
    const { text, how } = await raw('http', ['GET /seen HTTP/1.0', '', '']);
    expect(how).toBe('end');
    expect(text).toMatch(/^HTTP\/1\.[01] 200 /);
  });

  it('a client with keep-alive keeps its connection', async () => {
    const outcome = await benchmark('http://http:8080/headers?bytes=10', ['-k']);
    expect(outcome).toMatchObject(clean);
    expect(outcome['kept']).toBeGreaterThan(REQUESTS * 0.9);
  });

  it('an answer of unknown length ends with its connection', async () => {
    const { text, how } = await raw('http', ['POST /echo HTTP/1.0', 'Content-Length: 5', '', 'hello']);
    expect({ how, body: text.slice(-5), chunked: /chunked/i.test(text) }).toEqual({
      how: 'end',
      body: 'hello',
      chunked: false,
    });
  });

  it('a server of HTTP/1.0 serves clients of both versions', async () => {
    for (const path of ['close', 'keep']) {
      expect(await benchmark(`http://http10:8080/${path}`)).toMatchObject(clean);
      expect(await benchmark(`http://http10:8080/${path}`, ['-k'])).toMatchObject(clean);
      for (const version of ['--http1.0', '--http1.1']) {
        const urls = Array.from({ length: 20 }, () => `http://http10:8080/${path}`);
        const body = await inClient(['curl', '-sS', '--fail', version, ...urls]);
        expect(body).toBe('ten of one\n'.repeat(100 * urls.length));
      }
    }
  });
});
