/** Against the HTTP/2 of Node (nghttp2), in both roles. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Http2Connection } from './connection.ts';
import { clientHandler, Collector, EchoHandler, type Answer } from './testing/echo.ts';
import { connectHttp2, listenHttp2 } from './testing/loopback.ts';
import type { Http2Limits } from './limits.ts';

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

const MB = 1024 * 1024;
/** Windows of a few bytes, and frames in the smallest shares. */
const tiny: Partial<Http2Limits> = {
  streamWindow: 700,
  connectionWindow: 65_535,
  streamQueueBytes: 100,
  dataFrameBytes: 99,
};

describe.each([
  ['usual', {}, 8 * MB],
  ['tiny', tiny, 300_000],
] as const)('a client of Node, with %s windows', (_name, limits, size) => {
  async function connected(settings: http2.Settings = {}) {
    const server = await listenHttp2(() => new EchoHandler(), { limits });
    const session = http2.connect(`http://127.0.0.1:${server.port}`, { settings });
    ends.push(
      () => session.destroy(),
      () => server.stop(),
    );
    return { server, session };
  }

  function ask(session: http2.ClientHttp2Session, body: Buffer, headers: http2.OutgoingHttpHeaders = {}) {
    return new Promise<{
      headers: http2.IncomingHttpHeaders;
      body: Buffer;
      trailers: http2.IncomingHttpHeaders;
    }>((resolve, reject) => {
      const stream = session.request(
        { ':method': 'POST', ':path': '/p?q', ...headers },
        { waitForTrailers: true },
      );
      const pieces: Buffer[] = [];
      let head: http2.IncomingHttpHeaders = {};
      let trailers: http2.IncomingHttpHeaders = {};
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'yes' }));
      stream.on('response', (value) => (head = value));
      stream.on('trailers', (value) => (trailers = value));
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => resolve({ headers: head, body: Buffer.concat(pieces), trailers }));
      stream.on('error', reject);
      stream.end(body);
    });
  }

  it('gets large bodies back, with trailers', async () => {
    const { session } = await connected();
    const body = randomBytes(size);
    const { headers, body: echoed, trailers } = await ask(session, body, { 'x-field': 'a' });
    expect(headers).toMatchObject({ ':status': 200, 'x-method': 'POST', 'x-path': '/p?q', 'x-field': 'a' });
    expect(echoed.equals(body)).toBe(true);
    expect(trailers).toMatchObject({ 'x-trailer': 'yes' });
  });

  it('gets many at once, whatever its own window', async () => {
    const { session, server } = await connected({ initialWindowSize: 1000 });
    const bodies = Array.from({ length: 100 }, (_, index) => randomBytes((index * 61) % 5000));
    const answers = await Promise.all(bodies.map((body) => ask(session, body)));
    answers.forEach(({ body }, index) => expect(body.equals(bodies[index]!)).toBe(true));
    expect(server.connections[0]!.streams).toBe(0);
  });

  it('ends in order when the server shuts down', async () => {
    const { session, server } = await connected();
    const answer = ask(session, randomBytes(size));
    await once(session, 'remoteSettings');
    const goaway = once(session, 'goaway');
    const closed = once(session, 'close');
    await until(() => server.connections[0]!.streams === 1);
    server.connections[0]!.shutdown();
    expect((await answer).body).toHaveLength(size);
    expect((await goaway)[0]).toBe(0);
    await closed;
  });
});

describe.each([
  ['usual', {}, 8 * MB],
  ['tiny', tiny, 300_000],
] as const)('a server of Node, with %s windows', (_name, limits, size) => {
  async function connected(settings: http2.Settings = {}) {
    const server = http2.createServer({ settings });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      if (headers[':path'] === '/reset') return stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
      if (headers[':path'] === '/early') {
        stream.respond({ ':status': 413 });
        return stream.end('too much');
      }
      stream.additionalHeaders({ ':status': 103 });
      let trailers: http2.IncomingHttpHeaders = {};
      stream.on('trailers', (value) => (trailers = value));
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-echo': trailers['x-trailer'] ?? 'none' }));
      stream.respond({ ':status': 200, 'x-path': headers[':path'] }, { waitForTrailers: true });
      stream.pipe(stream);
    });
    const sessions: http2.ServerHttp2Session[] = [];
    const seen = { requests: 0 };
    server.on('stream', () => seen.requests++);
    server.on('session', (session) => sessions.push(session));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connection = await connectHttp2((server.address() as AddressInfo).port, clientHandler(), limits);
    ends.push(
      () => connection.destroy(),
      () => server.close(),
    );
    await until(() => connection.ready);
    return { connection, sessions, seen };
  }

  function ask(connection: Http2Connection, body: Buffer, path = '/p'): Promise<Answer> {
    const collector = new Collector();
    const head = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', 'a'];
    const stream = connection.request(head, false, collector)!;
    let at = 0;
    const more = (): void => {
      while (at < body.length) {
        const piece = body.subarray(at, (at += 50_000));
        if (!stream.write(piece)) return;
      }
      stream.end(['x-trailer', 'yes']);
    };
    collector.onDrain = more;
    // now and then a reader that is slow
    let count = 0;
    collector.onData = () => {
      if (count++ % 50 !== 0) return;
      stream.pause();
      setImmediate(() => stream.resume());
    };
    more();
    return collector.answer;
  }

  it('gives large bodies back, with trailers and interim heads', async () => {
    const { connection } = await connected();
    const body = randomBytes(size);
    const answer = await ask(connection, body);
    expect(answer.head.status).toBe(200);
    expect(answer.interims).toEqual([103]);
    expect(answer.body.equals(body)).toBe(true);
    expect(answer.trailers).toEqual(['x-echo', 'yes']);
  });

  it('gives many back at once, whatever its own window', async () => {
    const { connection } = await connected({ initialWindowSize: 1000 });
    const bodies = Array.from({ length: 90 }, (_, index) => randomBytes((index * 61) % 5000));
    const answers = await Promise.all(bodies.map((body) => ask(connection, body)));
    answers.forEach(({ body }, index) => expect(body.equals(bodies[index]!)).toBe(true));
    expect(connection.streams).toBe(0);
  });

  it('resets, answers early, and goes away', async () => {
    const { connection, sessions, seen } = await connected();
    await expect(ask(connection, Buffer.from('a'), '/reset')).rejects.toThrow('reset 11');
    const early = await ask(connection, randomBytes(size), '/early');
    expect([early.head.status, early.body.toString()]).toEqual([413, 'too much']);
    const last = ask(connection, randomBytes(size));
    await until(() => seen.requests === 3);
    sessions[0]!.close();
    await until(() => !connection.open);
    expect((await last).body).toHaveLength(size);
    await until(() => connection.channel.closed);
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
