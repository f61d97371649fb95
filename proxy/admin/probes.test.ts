import { createServer, type Server } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server as NetServer } from 'node:net';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { decodeResponse, encodeRequest } from './grpcProbe.ts';
import type { Probe } from './probeConfig.ts';
import { createProber } from './probes.ts';

const servers: NetServer[] = [];

async function listen(server: NetServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    (server as Server).closeAllConnections?.();
    server.close();
  }
});

const prober = createProber({ host: '127.0.0.1', localAddress: undefined });

const http = (port: number, change: Partial<Extract<Probe, { kind: 'http' }>> = {}): Probe => ({
  kind: 'http',
  scheme: 'HTTP',
  port,
  path: '/healthz',
  headers: [],
  timeoutMs: 2000,
  ...change,
});

describe('an HTTP probe', () => {
  it.each([200, 204, 399, 404, 500])('gives back status %i', async (status) => {
    const port = await listen(createServer((_request, response) => response.writeHead(status).end()));
    expect(await prober(http(port))).toEqual({ status, message: `HTTP status ${status}` });
  });

  it('asks as kubelet does, with the headers of the pod', async () => {
    let seen: unknown;
    const port = await listen(
      createServer((request, response) => {
        const { method, url, headers } = request;
        seen = { method, url, host: headers.host, agent: headers['user-agent'], own: headers['x-own'] };
        response.end();
      }),
    );
    const headers = [
      { name: 'Host', value: 'shop.example' },
      { name: 'X-Own', value: 'yes' },
    ];
    await prober(http(port, { path: '/a?b=c', headers }));
    expect(seen).toEqual({
      method: 'GET',
      url: '/a?b=c',
      host: 'shop.example',
      agent: 'kube-probe/weft',
      own: 'yes',
    });
  });

  it('follows redirects on the same host, and takes one elsewhere for success', async () => {
    const port = await listen(
      createServer((request, response) => {
        const to = { '/healthz': '/next', '/away': 'http://example.com/', '/round': '/round' }[request.url!];
        if (to) response.writeHead(302, { location: to });
        else response.writeHead(503);
        response.end();
      }),
    );
    expect((await prober(http(port))).status).toBe(503);
    expect((await prober(http(port, { path: '/away' }))).status).toBe(302);
    expect(await prober(http(port, { path: '/round' }))).toMatchObject({ status: 503 });
  });

  it('speaks HTTPS without asking who it is', async () => {
    const files = await (await createTestMesh()).workload('shop', 'cart');
    const server = createHttps({ cert: files['tls.crt'], key: files['tls.key'] }, (_request, response) =>
      response.end(),
    );
    const port = await listen(server);
    expect((await prober(http(port, { scheme: 'HTTPS' }))).status).toBe(200);
  });

  it('ends in time, also while headers or nothing come', async () => {
    const silent = await listen(createTcp(() => {}));
    const started = Date.now();
    expect(await prober(http(silent, { timeoutMs: 300 }))).toEqual({
      status: 504,
      message: 'no answer within 200 ms',
    });
    expect(Date.now() - started).toBeLessThan(1500);
  });

  it('says why there was no connection', async () => {
    const port = await listen(createTcp(() => {}));
    servers.pop()!.close();
    const { status, message } = await prober(http(port));
    expect([status, message]).toEqual([503, expect.stringContaining('ECONNREFUSED')]);
  });
});

describe('a TCP probe', () => {
  it('needs a connection and nothing else', async () => {
    const port = await listen(createTcp((socket) => socket.on('error', () => {})));
    expect((await prober({ kind: 'tcp', port, timeoutMs: 1000 })).status).toBe(200);
    servers.pop()!.close();
    expect((await prober({ kind: 'tcp', port, timeoutMs: 1000 })).status).toBe(503);
  });
});

/** A gRPC health service that knows the service names `''` and `cart`. */
function healthService(): NetServer {
  const server = createHttp2();
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const name = Buffer.concat(chunks).subarray(7).toString();
      const status = { '': 1, cart: 2 }[name];
      if (headers[':path'] !== '/grpc.health.v1.Health/Check' || status === undefined) {
        stream.respond(
          { ':status': 200, 'grpc-status': '5', 'grpc-message': 'unknown' },
          { endStream: true },
        );
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
    });
  });
  return server;
}

describe('a gRPC probe', () => {
  const grpc = (port: number, service = ''): Probe => ({ kind: 'grpc', port, service, timeoutMs: 1000 });

  it('passes for SERVING alone', async () => {
    const port = await listen(healthService());
    expect(await prober(grpc(port))).toEqual({ status: 200, message: 'SERVING' });
    expect(await prober(grpc(port, 'cart'))).toEqual({ status: 503, message: 'NOT_SERVING' });
    expect(await prober(grpc(port, 'web'))).toEqual({ status: 503, message: 'gRPC status 5 unknown' });
  });

  it('fails clearly where no HTTP/2 is spoken, or nothing', async () => {
    const plain = await listen(createServer((_request, response) => response.end()));
    expect((await prober(grpc(plain))).status).toBe(503);
    const silent = await listen(createTcp(() => {}));
    expect((await prober({ kind: 'grpc', port: silent, service: '', timeoutMs: 300 })).status).toBe(504);
  });

  it('writes service names of any length and reads any bytes', () => {
    expect(encodeRequest('').toString('hex')).toBe('0000000000');
    expect(encodeRequest('cart').toString('hex')).toBe('00000000060a0463617274');
    expect(encodeRequest('x'.repeat(200)).subarray(5, 8).toString('hex')).toBe('0ac801');
    expect(decodeResponse(Buffer.from([0, 0, 0, 0, 0]))).toBe(0);
    expect(decodeResponse(Buffer.from([0, 0, 0, 0, 2, 8, 1]))).toBe(1);
    expect(decodeResponse(Buffer.from([1, 0, 0, 0, 2, 8, 1]))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => decodeResponse(Buffer.from(bytes))).not.toThrow();
      }),
    );
  });
});

describe('probes', () => {
  it('run only so many at a time', async () => {
    const limited = createProber({ host: '127.0.0.1', localAddress: undefined });
    const silent = await listen(createTcp(() => {}));
    const results = await Promise.all(
      Array.from({ length: 40 }, () => limited(http(silent, { timeoutMs: 300 }))),
    );
    expect(results.filter(({ message }) => message.startsWith('OVERLOADED'))).toHaveLength(8);
    expect((await limited(http(silent, { timeoutMs: 300 }))).status).toBe(504);
  });
});
