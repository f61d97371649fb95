import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { configState } from '../testing/plane.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { Client, deadPort, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** An outbound proxy before a plain server of which the test holds both ends. */
async function plain(accept: (socket: Socket) => void = () => {}) {
  let received = '';
  const server = await serve((socket) => {
    socket.on('data', (bytes) => (received += bytes.toString('latin1')));
    accept(socket);
  });
  mesh.onEnd(() => server.close());
  const endpoint = { address: '127.0.0.1', port: server.port, state: 'Ready' as const };
  const proxy = await mesh.client({ services: [cart([endpoint], 'Http')] });
  const client = new Client(proxy.port);
  mesh.onEnd(async () => void client.socket.destroy());
  return {
    client,
    proxy,
    server,
    /** What the server has received, once it matches. */
    async received(pattern: RegExp | string): Promise<string> {
      await until(
        () => (typeof pattern === 'string' ? received.includes(pattern) : pattern.test(received)),
        `the server receiving ${String(pattern)}`,
      );
      const text = received;
      received = '';
      return text;
    },
    answer: (text: string) => server.sockets.at(-1)!.write(text, 'latin1'),
  };
}

const GET = 'GET / HTTP/1.1\r\nHost: cart\r\nX-Request-Id: 1\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('what passes', () => {
  it('heads as they came, but for what belongs to one hop or to proxies', async () => {
    const { client, received, answer } = await plain();
    client.write(
      'GET /A%20b?c HTTP/1.1\r\nhOsT: cart\r\nx-request-ID: 7\r\nConnection: keep-alive\r\nA: 1\r\nX-Weft-Reason: x\r\na:2\r\n\r\n',
    );
    expect(await received('\r\n\r\n')).toBe(
      'GET /A%20b?c HTTP/1.1\r\nhOsT: cart\r\nx-request-ID: 7\r\nConnection: keep-alive\r\nA: 1\r\na:2\r\n\r\n',
    );
    answer(
      'HTTP/1.1 299 Fine By Me\r\nSet-Cookie: a\r\nset-cookie: b\r\nKeep-Alive: timeout=5\r\nX-Weft-Reason: forged\r\nContent-Length: 0\r\n\r\n',
    );
    expect(await client.next('\r\n\r\n')).toBe(
      'HTTP/1.1 299 Fine By Me\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n',
    );
  });

  it('chunked bodies with trailers both ways, untouched and as they come', async () => {
    const { client, received, answer } = await plain();
    client.write(
      'POST / HTTP/1.1\r\nHost: cart\r\nX-Request-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n',
    );
    expect(await received('abc\r\n')).toContain('\r\n\r\n3;x=y\r\nabc\r\n');
    answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
    await client.next('1\r\nx\r\n');
    client.write('0\r\nSum: 1\r\n\r\n');
    await received('0\r\nSum: 1\r\n\r\n');
    answer('0\r\nEtag: 2\r\n\r\n');
    expect(await client.next('Etag: 2\r\n\r\n')).toBe('0\r\nEtag: 2\r\n\r\n');
    client.write(GET);
    await received(GET);
  });

  it('pipelined requests, one after the other and answered in order', async () => {
    const { client, received, answer, server } = await plain();
    client.write(
      'GET /first HTTP/1.1\r\nHost: c\r\n\r\nPOST /second HTTP/1.1\r\nHost: c\r\nContent-Length: 3\r\n\r\nabcGET /third HTTP/1.1\r\nHost: c\r\n\r\n',
    );
    for (const [path, body] of [
      ['/first', ''],
      ['/second', 'abc'],
      ['/third', ''],
    ] as const) {
      const request = await received(`\r\n\r\n${body}`);
      expect(request.match(/\/[a-z]+/g)).toEqual([path]);
      answer(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
      await client.next(path);
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('interim answers, and 100-continue to the one who waits for it', async () => {
    const { client, received, answer } = await plain();
    client.write('PUT / HTTP/1.1\r\nHost: c\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    await received('100-continue');
    answer('HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
    expect(await client.next('Continue\r\n\r\n')).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
    );
    client.write('hi');
    await received('hi');
    answer(OK);
    expect(await client.next('ok')).toBe(OK);
  });

  it('HEAD, 204 and 304 without a body, whatever length they tell', async () => {
    const { client, received, answer, server } = await plain();
    client.write('HEAD / HTTP/1.1\r\nHost: c\r\n\r\n');
    await received('HEAD');
    answer('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n');
    await client.next('500\r\n\r\n');
    for (const status of [204, 304]) {
      client.write(GET);
      await received('GET');
      answer(`HTTP/1.1 ${status} None\r\nEtag: "x"\r\n\r\n`);
      await client.next('"x"\r\n\r\n');
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('answers that end with the connection, saying so', async () => {
    const { client, received, server } = await plain();
    client.write(GET);
    await received('GET');
    server.sockets[0]!.end('HTTP/1.1 200 OK\r\nA: b\r\n\r\nall of it');
    await until(() => client.ended, 'the end');
    expect(client.received).toBe('HTTP/1.1 200 OK\r\nA: b\r\nconnection: close\r\n\r\nall of it');
  });

  it('HTTP/1.0, with and without keep-alive', async () => {
    const { client, received, answer, proxy } = await plain();
    client.write('GET /0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    expect(await received('\r\n\r\n')).toMatch(
      /^GET \/0 HTTP\/1\.0\r\nConnection: keep-alive\r\nx-request-id: /,
    );
    answer('HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok');
    expect(await client.next('ok')).toBe(
      'HTTP/1.0 200 OK\r\nContent-Length: 2\r\nconnection: keep-alive\r\n\r\nok',
    );
    const other = new Client(proxy.port);
    other.write('GET /0 HTTP/1.0\r\n\r\n');
    await received('/0');
    answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await until(() => other.ended, 'the end');
    expect(other.received).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nconnection: close\r\n\r\nok');
  });

  it('a client that has finished sending still gets its answer', async () => {
    const { client, received, answer } = await plain();
    client.socket.end(GET);
    await received('GET');
    answer(OK);
    await until(() => client.ended, 'the end');
    expect(client.received).toContain('\r\n\r\nok');
  });
});

describe('connections to an endpoint', () => {
  it('are kept for the next request of any client', async () => {
    const { client, received, answer, server, proxy } = await plain();
    const other = new Client(proxy.port);
    for (const one of [client, other, client]) {
      one.write(GET);
      await received('GET');
      answer(OK);
      await one.next('ok');
    }
    expect(server.sockets).toHaveLength(1);
    other.socket.destroy();
  });

  it.each([
    ['says close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['says more than one answer', `${OK}HTTP/1.1 200 OK\r\n`],
    ['allows no time', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok'],
  ])('are not kept where the server %s', async (_what, text) => {
    const { client, received, answer, server } = await plain();
    client.write(GET);
    await received('GET');
    answer(text);
    expect(await client.next('ok')).not.toMatch(/close|Keep-Alive/);
    client.write(GET);
    await received('GET');
    expect(server.sockets).toHaveLength(2);
    answer(OK);
    await client.next('ok');
  });

  it('that spoke out of turn are dropped before a request could take it for its answer', async () => {
    const { client, received, answer, server } = await plain();
    client.write(GET);
    await received('GET');
    answer(OK);
    await client.next('ok');
    answer('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await until(() => server.sockets[0]!.destroyed || server.sockets[0]!.readableEnded, 'the close');
    client.write(GET);
    await received('GET');
    answer(OK);
    expect(await client.next('ok')).toBe(OK);
    expect(server.sockets).toHaveLength(2);
  });

  it('end when the configuration no longer has the endpoint', async () => {
    const { client, received, answer, server, proxy } = await plain();
    client.write(GET);
    await received('GET');
    proxy.plane.config.set(configState({ services: [cart([], 'Http')] }));
    answer(OK);
    await client.next('ok');
    await until(() => server.sockets[0]!.readableEnded || server.sockets[0]!.destroyed, 'the close');
    client.write(GET);
    expect(await client.next('}\n')).toMatch(/^HTTP\/1\.1 503 .*x-weft-reason: NO_ENDPOINT/s);
  });
});

describe('what is refused', () => {
  it('a bad request is answered and the connection ended, with nothing of it sent', async () => {
    const { client, server } = await plain();
    client.write(
      'POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n',
    );
    await until(() => client.ended, 'the end');
    expect(client.received).toMatch(
      /^HTTP\/1\.1 400 .*x-weft-reason: BAD_REQUEST.*connection: close.*both Content-Length/s,
    );
    expect(server.sockets).toHaveLength(0);
  });

  it('a bad chunk in a body ends both connections', async () => {
    const { client, received, server } = await plain();
    client.write('POST / HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await received('abc');
    client.write('zz\r\n');
    await until(() => client.ended, 'the end');
    expect(client.received).toMatch(/^HTTP\/1\.1 400 .*invalid chunk size/s);
    await until(() => server.sockets[0]!.destroyed || server.sockets[0]!.readableEnded, 'the close');
  });

  it('a bad answer is not passed on', async () => {
    const { client, received, answer, proxy } = await plain();
    client.write(GET);
    await received('GET');
    answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok');
    expect(await client.next('}\n')).toMatch(
      /^HTTP\/1\.1 502 .*UPSTREAM_PROTOCOL_ERROR.*more than one Content-Length/s,
    );
    expect(proxy.plane.telemetry.finished.at(-1)!.exchange).toMatchObject({
      status: 502,
      flag: 'UPSTREAM_PROTOCOL_ERROR',
    });
  });

  it('an answer that is cut off is not made to look complete', async () => {
    const { client, received, answer, server } = await plain();
    client.write(GET);
    await received('GET');
    answer('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await client.next('half');
    server.sockets[0]!.destroy();
    await until(() => client.closed, 'the close');
    expect(client.error).toBe('ECONNRESET');
  });

  it('a destination that is down is told with its reason, and requests after it still work', async () => {
    const port = await deadPort();
    const proxy = await mesh.client({
      services: [cart([{ address: '127.0.0.1', port, state: 'Ready' }], 'Http')],
    });
    const client = new Client(proxy.port);
    for (let round = 0; round < 2; round++) {
      client.write(GET);
      expect(await client.next('}\n')).toMatch(
        /^HTTP\/1\.1 503 .*UPSTREAM_CONNECT_FAILED.*shop\/cart:8080.*ECONNREFUSED/s,
      );
    }
    client.socket.destroy();
  });

  it('endpoints without a proxy where policy demands mTLS', async () => {
    const proxy = await mesh.client({
      services: [cart([{ address: '127.0.0.1', port: 1, state: 'Unprotected' }], 'Http')],
    });
    const client = new Client(proxy.port);
    client.write(GET);
    expect(await client.next('}\n')).toMatch(/^HTTP\/1\.1 503 .*ENDPOINT_UNPROTECTED/s);
    client.socket.destroy();
  });
});
