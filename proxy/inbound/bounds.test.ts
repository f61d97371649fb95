import { afterEach, beforeAll, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, call, cart } from '../testing/mesh.ts';
import { Client, serve, until } from '../testing/sockets.ts';
import { ServerConnection } from '../wire/http1/serverConnection.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});

describe('times', () => {
  // what waits is swept by an interval that looks at performance.now; sockets and timeouts stay real
  let read: MockInstance<ServerConnection['data']>;
  let ended: MockInstance<ServerConnection['end']>;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    read = vi.spyOn(ServerConnection.prototype, 'data');
    ended = vi.spyOn(ServerConnection.prototype, 'end');
  });
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    await mesh.stop();
  });

  const http = { protocols: { '8080': 'Http' as const } };

  it('a request head that does not come to its end is answered and ended', async () => {
    const server = await mesh.server(1, http);
    const client = new Client(server.port);
    client.write('GET / HTTP/1.1\r\nHost: c\r\nX-Slow: ');
    await until(() => read.mock.calls.length === 1, 'the first bytes');
    vi.advanceTimersByTime(9_000);
    client.write('l');
    await until(() => read.mock.calls.length === 2, 'one more');
    expect(server.plane.telemetry.finished).toEqual([]);
    vi.advanceTimersByTime(2_000);
    await until(() => client.ended, 'the end');
    expect(client.received).toMatch(/^HTTP\/1\.1 408 .*REQUEST_TIMEOUT.*connection: close/s);
  });

  it('a connection without a request ends after the idle time of the configuration', async () => {
    const application = await mesh.application((_request, response) => response.end('done'));
    const server = await mesh.server(application, { ...http, settings: { idleTimeoutMs: 30_000 } });
    const client = new Client(server.port);
    client.write('GET / HTTP/1.1\r\nHost: c\r\n\r\n');
    await client.next('done');
    vi.advanceTimersByTime(29_000);
    client.write('GET / HTTP/1.1\r\nHost: c\r\n\r\n');
    await client.next('done');
    vi.advanceTimersByTime(31_000);
    await until(() => client.ended || client.closed, 'the end');
    expect(client.received).toBe('');
  });

  it('a client that finished sending is given a moment, and then taken for gone with what it asked for', async () => {
    const application = await serve((socket) => socket.resume());
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port, http);
    const client = new Client(server.port);
    client.socket.end('GET /poll HTTP/1.1\r\nHost: c\r\n\r\n');
    await until(() => application.sockets.length === 1, 'the request');
    await until(() => ended.mock.calls.length === 1, 'the end of the request');
    vi.advanceTimersByTime(1_000);
    expect(server.inbound.stats().requests).toBe(1);
    vi.advanceTimersByTime(2_000);
    await until(() => application.sockets[0]!.readableEnded, 'the end at the application');
    await until(() => server.plane.telemetry.finished.length === 1, 'the record');
    expect(server.plane.telemetry.finished[0]!.exchange).toMatchObject({
      status: 499,
      flag: 'CLIENT_CLOSED',
    });
    expect(server.inbound.stats()).toEqual({ connections: 0, requests: 0 });
  });

  it('a client that finished sending hears a response that has begun to its end', async () => {
    const application = await serve((socket) => socket.resume());
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port, http);
    const client = new Client(server.port);
    client.socket.end('GET / HTTP/1.1\r\nHost: c\r\n\r\n');
    await until(() => application.sockets.length === 1, 'the request');
    await until(() => ended.mock.calls.length === 1, 'the end of the request');
    application.sockets[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst');
    await client.next('first');
    vi.advanceTimersByTime(30_000);
    application.sockets[0]!.write('last');
    expect(await client.next('last')).toBe('last');
  });

  it('an upload that cannot be sent twice is not trusted to a connection that was long unused', async () => {
    const application = await serve((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    });
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port, http);
    const client = new Client(server.port);
    const connectionsAfter = async (request: string) => {
      client.write(request);
      await client.next('ok');
      vi.advanceTimersByTime(1_500);
      return application.sockets.length;
    };
    expect(await connectionsAfter('GET / HTTP/1.1\r\nHost: c\r\n\r\n')).toBe(1);
    expect(await connectionsAfter('PUT / HTTP/1.1\r\nHost: c\r\nContent-Length: 1\r\n\r\nx')).toBe(1);
    const chunked = 'PUT / HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n';
    expect(await connectionsAfter(chunked)).toBe(2);
    client.socket.destroy();
  });

  it('connections to the application are not kept longer than servers keep them', async () => {
    const application = await serve((socket) => {
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=3\r\nContent-Length: 2\r\n\r\nok'),
      );
    });
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port, http);
    const client = new Client(server.port);
    const get = 'GET / HTTP/1.1\r\nHost: c\r\n\r\n';
    for (const [waitMs, connections] of [
      [0, 1],
      [1_000, 1],
      [2_100, 2],
    ] as const) {
      vi.advanceTimersByTime(waitMs);
      client.write(get);
      await client.next('ok');
      expect(application.sockets).toHaveLength(connections);
    }
    client.socket.destroy();
  });
});

describe('sizes', () => {
  afterEach(() => mesh.stop());

  it('a head over the bound is refused', async () => {
    const server = await mesh.server(1);
    const client = new Client(server.port);
    client.write(`GET / HTTP/1.1\r\nHost: c\r\nA: ${'x'.repeat(70_000)}`);
    expect(await client.next('}\n')).toMatch(/^HTTP\/1\.1 431 .*HEADERS_TOO_LARGE.*connection: close/s);
    client.socket.destroy();
    const many = new Client(server.port);
    many.write(`GET / HTTP/1.1\r\nHost: c\r\n${'A: b\r\n'.repeat(512)}\r\n`);
    expect(await many.next('}\n')).toMatch(/^HTTP\/1\.1 431 /);
    many.socket.destroy();
    expect(server.plane.telemetry.boundsReached).toEqual(['headBytes', 'fields']);
  });

  it('a large body passes both proxies whole, and is held back by a slow reader', async () => {
    const size = 8 * 1024 * 1024;
    let read = 0;
    let go: (() => void) | undefined;
    const application = await mesh.application((request, response) => {
      go = () =>
        request
          .on('data', (bytes: Buffer) => (read += bytes.length))
          .on('end', () => response.end('z'.repeat(size)));
    });
    const server = await mesh.server(application);
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const answer = call(client.port, { method: 'POST', body: 'y'.repeat(size) });
    await until(() => go !== undefined, 'the request');
    expect(read).toBe(0);
    go!();
    expect((await answer).body).toHaveLength(size);
    expect(read).toBe(size);
    expect(server.plane.telemetry.finished[0]!.exchange).toMatchObject({
      requestBytes: size,
      responseBytes: size,
    });
  });

  it('a peer that does not finish its handshake is given up in the connect time', async () => {
    const silent = await serve((socket) => socket.resume());
    mesh.onEnd(() => silent.close());
    const server = await mesh.server(1);
    const endpoint = server.endpoint({ port: silent.port });
    const client = await mesh.client({ services: [cart([endpoint])], settings: { connectTimeoutMs: 50 } });
    const answer = await call(client.port);
    expect(answer).toMatchObject({ status: 504, headers: { 'x-weft-reason': 'UPSTREAM_CONNECT_TIMEOUT' } });
  });
});
