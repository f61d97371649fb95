/** HTTP/2 of applications through two proxies, over either wire. */
import { constants } from 'node:http2';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { application2, call2, client2, collect, ownApplication2, type Handler2 } from '../testing/http2.ts';
import { TestMeshOfTwo, call, cart, id } from '../testing/mesh.ts';
import { Client, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** A client of HTTP/2 whose calls lead to `handlers`, one endpoint each. */
async function through(...handlers: Handler2[]) {
  const servers = [];
  for (const handler of handlers) servers.push(await mesh.server(await application2(mesh, handler)));
  const client = await mesh.client({ services: [cart(servers.map((server) => server.endpoint()))] });
  return { session: await client2(mesh, client.port), client, servers };
}

const answering =
  (body: string): Handler2 =>
  (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(body);
  };

describe('HTTP/2 of an application', () => {
  it('passes as it came, with both identities proven', async () => {
    let seen: Record<string, unknown> = {};
    const { session, client, servers } = await through((stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 203, 'x-answer': 'a', 'set-cookie': ['a=1', 'b=2'] });
      stream.end('hello');
    });
    const headers = {
      ':path': '/items?x=1',
      'x-weft-source': 'forged',
      'weft-http1': '1.0',
      cookie: ['a=1', 'b=2'],
    };
    const answer = await call2(session, { headers });
    expect(answer).toMatchObject({ headers: { ':status': 203, 'x-answer': 'a' }, body: 'hello', reset: 0 });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(seen).toMatchObject({ ':path': '/items?x=1', ':authority': 'cart', 'x-weft-source': id('web') });
    expect(seen['cookie']).toBe('a=1; b=2');
    expect(seen['weft-http1']).toBeUndefined();
    await until(() => client.plane.telemetry.finished.length === 1, 'the end of the exchange');
    expect(client.plane.telemetry.finished[0]).toMatchObject({ exchange: { status: 203, attempts: 1 } });
    expect(servers[0]!.plane.telemetry.finished[0]).toMatchObject({
      key: { source: id('web'), security: 'mtls' },
      exchange: { status: 203, responseBytes: 5 },
      path: '/items?x=1',
    });
  });

  it('passes bodies and trailers both ways', async () => {
    const { session } = await through((stream) => {
      let body = '';
      let trailers: object = {};
      stream.setEncoding('latin1');
      stream.on('data', (text) => (body += String(text)));
      stream.on('trailers', (headers) => (trailers = headers));
      stream.on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': '0', seen: JSON.stringify(trailers) }),
        );
        stream.end(body.toUpperCase());
      });
    });
    const answer = await call2(session, { headers: GRPC, body: 'abc', trailers: { 'x-sum': '3' } });
    expect(answer.body).toBe('ABC');
    expect(answer.trailers).toMatchObject({ 'grpc-status': '0' });
    expect(String(answer.trailers?.['seen'])).toContain('x-sum');
  });

  it('streams in both directions at once', async () => {
    const { session } = await through((stream) => {
      stream.respond({ ':status': 200 });
      stream.on('data', (bytes: Buffer) => stream.write(bytes.toString('latin1').toUpperCase()));
      stream.on('end', () => stream.end());
    });
    const stream = session.request({ ...GRPC, ':path': '/', ':authority': 'cart' });
    let heard = '';
    stream.setEncoding('latin1').on('data', (text) => (heard += String(text)));
    for (const word of ['one', 'two', 'three']) {
      stream.write(word);
      await until(() => heard.endsWith(word.toUpperCase()), word);
    }
    stream.end();
    expect((await collect(stream)).reset).toBe(0);
  });

  it('counts how a gRPC call ended', async () => {
    const { session, client, servers } = await through((stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
        { endStream: true },
      );
    });
    await call2(session, { headers: GRPC, body: 'x' });
    await until(() => client.plane.telemetry.finished.length === 1, 'the end of the exchange');
    expect(client.plane.telemetry.finished[0]!.exchange).toMatchObject({ status: 200, grpcStatus: 5 });
    expect(servers[0]!.plane.telemetry.finished[0]!.exchange).toMatchObject({ grpcStatus: 5 });
  });

  it('balances each call over the endpoints, though there is one connection', async () => {
    const { session } = await through(answering('a'), answering('b'));
    const bodies = await Promise.all(Array.from({ length: 20 }, () => call2(session, {})));
    expect(new Set(bodies.map(({ body }) => body))).toEqual(new Set(['a', 'b']));
  });

  it('keeps the code of a reset by the server', async () => {
    const port = await ownApplication2(mesh, (stream) => {
      stream.respond([':status', '200'], false);
      stream.write(Buffer.from('begun'));
      setImmediate(() => stream.reset(constants.NGHTTP2_ENHANCE_YOUR_CALM));
    });
    const server = await mesh.server(port);
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const answer = await call2(await client2(mesh, client.port), {});
    expect(answer.headers[':status']).toBe(200);
    expect(answer.reset).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });

  it('keeps the code of a reset by the client', async () => {
    let code: number | undefined;
    const { session } = await through((stream) => {
      stream.on('close', () => (code = stream.rstCode));
      stream.respond({ ':status': 200 });
      stream.write('begun');
    });
    const stream = session.request({ ':path': '/', ':authority': 'cart' });
    stream.on('data', () => stream.close(constants.NGHTTP2_CANCEL));
    await collect(stream);
    await until(() => code !== undefined, 'the reset at the server');
    expect(code).toBe(constants.NGHTTP2_CANCEL);
  });

  it('passes large bodies whole, and holds the writer back while the reader does not read', async () => {
    const size = 8 * 1024 * 1024;
    let written = 0;
    const { session } = await through((stream) => {
      stream.respond({ ':status': 200 });
      const piece = Buffer.alloc(64 * 1024, 'z');
      const more = () => {
        while (written < size && (written += piece.length) && stream.write(piece));
        if (written >= size) stream.end();
      };
      stream.on('drain', more);
      more();
    });
    const stream = session.request({ ':path': '/', ':authority': 'cart' });
    stream.pause();
    await until(() => written > 0, 'the first bytes');
    let last = -1;
    await until(() => {
      const still = written === last;
      last = written;
      return still;
    }, 'the writer to wait');
    expect(written).toBeLessThan(size);
    const whole = collect(stream);
    stream.resume();
    expect((await whole).body.length).toBe(size);
  });
});

describe('ends that differ', () => {
  it('a client of HTTP/1.1 reaches a server of HTTP/2 where the port says so', async () => {
    const application = await application2(mesh, (stream, headers) => {
      stream.respond({ ':status': 200, 'x-path': String(headers[':path']) });
      stream.end('two');
    });
    const server = await mesh.server(application, { protocols: { '8080': 'Http2' } });
    const client = await mesh.client({ services: [cart([server.endpoint()], 'Http')] });
    const answer = await call(client.port, { path: '/a', method: 'POST', body: 'x' });
    expect(answer).toMatchObject({ status: 200, body: 'two' });
    expect(answer.headers['x-path']).toBe('/a');
  });

  it('a client of HTTP/2 reaches a server of HTTP/1.1 where the port says so', async () => {
    let seen = '';
    const application = await mesh.application((request, response) => {
      seen = `${request.httpVersion} ${request.method} ${request.url} ${request.headers.host} ${request.headers.cookie}`;
      request.resume().on('end', () => {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('one');
        response.addTrailers({ 'x-sum': '3' });
        response.end();
      });
    });
    const server = await mesh.server(application, { protocols: { '8080': 'Http' } });
    const client = await mesh.client({ services: [cart([server.endpoint()], 'Http')] });
    const session = await client2(mesh, client.port);
    const headers = { ':method': 'POST', ':path': '/b', cookie: ['a=1', 'b=2'] };
    const answer = await call2(session, { headers, body: 'abc' });
    expect(answer).toMatchObject({ headers: { ':status': 200 }, body: 'one', trailers: { 'x-sum': '3' } });
    expect(seen).toBe('1.1 POST /b cart a=1; b=2');
  });
});

describe('WebSocket between ends that differ', () => {
  /** The example of RFC 6455, 1.3. */
  const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
  const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

  it('a client of HTTP/1.1 is answered by a server of HTTP/2', async () => {
    let seen: Record<string, unknown> = {};
    const application = await application2(mesh, (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200 });
      stream.on('data', (bytes: Buffer) => stream.write(`echo ${bytes.toString()}`));
    });
    const server = await mesh.server(application, { protocols: { '8080': 'Http2' } });
    const client = new Client((await mesh.client({ services: [cart([server.endpoint()])] })).port);
    client.write(
      `GET /chat HTTP/1.1\r\nHost: cart\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    );
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(client.received).toContain(`Sec-WebSocket-Accept: ${ACCEPT}\r\n`);
    client.write('hello');
    await client.until('echo hello');
    expect(seen).toMatchObject({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' });
    client.socket.destroy();
  });

  it('a client of HTTP/2 is answered by a server of HTTP/1.1', async () => {
    let seen = '';
    const port = await mesh.bytes((socket) => {
      socket.on('data', (bytes: Buffer) => {
        if (seen !== '') return void socket.write(`echo ${bytes.toString()}`);
        seen = bytes.toString('latin1');
        const accept = `Sec-WebSocket-Accept: ${ACCEPT}`;
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${accept}\r\n\r\n`,
        );
      });
    });
    const server = await mesh.server(port, { protocols: { '8080': 'Http' } });
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const session = await client2(mesh, client.port);
    await until(() => session.remoteSettings.enableConnectProtocol === true, 'the settings');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':path': '/chat',
      ':authority': 'cart',
    });
    let heard = '';
    let status = 0;
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    await until(() => status !== 0, 'the answer');
    expect(status).toBe(200);
    stream.write('hello');
    await until(() => heard === 'echo hello', 'the echo');
    expect(seen).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    expect(seen).toMatch(/\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n/);
    expect(seen).toMatch(/\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n$/);
    stream.close();
  });
});

describe('a call of gRPC that is refused', () => {
  const inbound = { authorization: { default: 'Deny' as const, policies: ['shop/cart'] } };

  it('gets a status of gRPC with its message', async () => {
    const server = await mesh.server(await application2(mesh, answering('never')), { inbound });
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const session = await client2(mesh, client.port);
    const { headers, body } = await call2(session, { headers: GRPC, body: 'x' });
    expect(headers).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '7',
      'x-weft-reason': 'AUTHORIZATION_DENIED',
    });
    expect(decodeURIComponent(String(headers['grpc-message']))).toContain('policy');
    expect(body).toBe('');
    const plain = await call2(session, {});
    expect(plain.headers).toMatchObject({ ':status': 403, 'content-type': 'application/json' });
    expect(JSON.parse(plain.body)).toMatchObject({ code: 'AUTHORIZATION_DENIED', source: id('web') });
  });

  it('is UNAVAILABLE where there is no endpoint', async () => {
    const client = await mesh.client({ services: [cart([])] });
    const session = await client2(mesh, client.port);
    const { headers } = await call2(session, { headers: GRPC, body: 'x' });
    expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '14', 'x-weft-reason': 'NO_ENDPOINT' });
  });
});
