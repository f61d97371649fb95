import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { application2, call2, client2 } from '../testing/http2.ts';
import { TestMeshOfTwo, call, cart, id } from '../testing/mesh.ts';
import { Client, serve, until } from '../testing/sockets.ts';
import { Pool } from '../wire/exchange/pool.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
// what is asked again after a while is swept by an interval that looks at performance.now
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(async () => {
  vi.useRealTimers();
  await mesh.stop();
});

/** A proxy of the first version: mTLS, and inside it what the application says. `close` ends it at once. */
async function olderProxyAt(application: number): Promise<{ port: number; close: () => void }> {
  const sockets: TLSSocket[] = [];
  const files = await authority.workload('shop', 'cart');
  const server = createServer(
    {
      cert: files['tls.crt'],
      key: files['tls.key'],
      ca: files['ca.crt'],
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['weft-tcp/1'],
    },
    (socket) => {
      const onward = connect(application, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
      sockets.push(socket);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  mesh.onEnd(async () => close());
  return { port: (server.address() as AddressInfo).port, close };
}
const olderProxy = async (application: number): Promise<number> => (await olderProxyAt(application)).port;

/** A client of a service with these ports of loopback, which are known to speak `weft/1`. */
const clientOfEndpoints = (...ports: number[]) => {
  const known = { address: '127.0.0.1', state: 'Ready', wire: 'weft/1', identity: id('cart') } as const;
  return mesh.client({ services: [cart(ports.map((port) => ({ ...known, port })))] });
};

/** A client of what is at `port` of loopback, and is known to speak `weft/1`. */
const ways = {
  'one of its endpoints': (port: number) => clientOfEndpoints(port),
  'its address in the directory': (port: number) => {
    const ports = [{ port, protocol: 'Auto' as const }];
    const name = { namespace: 'shop', name: 'cart', addresses: ['127.0.0.1'] };
    const directory = [{ ...name, ports, identities: [id('cart')], wire: 'weft/1' as const }];
    return mesh.client({ directory }, { host: '127.0.0.1', port });
  },
};

describe.each(Object.entries(ways))('a peer that is older than what is known of %s', (_name, clientOf) => {
  it('gets requests of HTTP/1.x, and upgrades', async () => {
    const application = await mesh.application((_request, response) => response.end('ok'));
    const { port, plane } = await clientOf(await olderProxy(application));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call(port, { method: 'POST', body: 'x' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
    expect(await call(port, { headers: upgrade })).toMatchObject({ status: 200, body: 'ok' });
    await until(() => plane.telemetry.finished.length === 9, 'the records');
    for (const { wire, exchange } of plane.telemetry.finished)
      expect([wire, exchange!.attempts]).toEqual(['weft-tcp/1', 1]);
    expect(plane.telemetry.handshakeFailures).toEqual([]);
  });

  it('gets the requests of HTTP/2', async () => {
    const application = await application2(mesh, (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const { port } = await clientOf(await olderProxy(application));
    const session = await client2(mesh, port);
    const answers = await Promise.all(Array.from({ length: 8 }, () => call2(session, { body: 'x' })));
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 8 }, () => 'ok'));
  });

  it('gets bytes', async () => {
    const application = await serve((socket) => socket.pipe(socket));
    mesh.onEnd(() => application.close());
    const { port, plane } = await clientOf(await olderProxy(application.port));
    const clients = Array.from({ length: 3 }, () => new Client(port));
    for (const client of clients) client.write('\x01echo');
    for (const client of clients) await client.next('\x01echo');
    for (const client of clients) client.socket.destroy();
    await until(() => plane.telemetry.finished.length === 3, 'the records');
    for (const { wire } of plane.telemetry.finished) expect(wire).toBe('weft-tcp/1');
  });

  it('is asked again after a while, and may be of this version then', async () => {
    const application = await mesh.application((_request, response) => response.end('ok'));
    const newer = await mesh.server(application);
    let leadsTo = await olderProxy(application);
    const address = await serve((socket) => {
      const onward = connect(leadsTo, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    mesh.onEnd(() => address.close());
    const { port, plane } = await clientOf(address.port);
    const wires = () => plane.telemetry.finished.map(({ wire }) => wire);
    expect(await call(port)).toMatchObject({ status: 200 });
    leadsTo = newer.port;
    vi.advanceTimersByTime(59_000);
    expect(await call(port)).toMatchObject({ status: 200 });
    vi.advanceTimersByTime(2_000);
    expect(await call(port)).toMatchObject({ status: 200 });
    await until(() => wires().length === 3, 'the records');
    expect(wires()).toEqual(['weft-tcp/1', 'weft-tcp/1', 'weft/1']);
  });
});

describe('what is known of the endpoint of an older peer', () => {
  /** All pools that requests are sent to. */
  function poolsInUse(): () => Set<Pool> {
    const attempt = vi.spyOn(Pool.prototype, 'attempt');
    mesh.onEnd(async () => attempt.mockRestore());
    return () => new Set(attempt.mock.contexts as Pool[]);
  }
  const activeOf = (pools: () => Set<Pool>) => [...pools()].map(({ active }) => active);

  it('counts nothing as running that its proxy did not process, and comes after others', async () => {
    const unprocessed = { 'x-weft-reason': 'DRAINING', 'x-weft-unprocessed': '1' };
    const application = await mesh.application((_request, response) => {
      response.writeHead(503, unprocessed).end('no');
    });
    const pools = poolsInUse();
    const { port } = await clientOfEndpoints(await olderProxy(application), await olderProxy(application));
    for (let count = 0; count < 3; count++)
      expect(await call(port, { method: 'POST', body: 'x' })).toMatchObject({ status: 503 });
    expect(activeOf(pools)).toEqual([0, 0]);
    for (const { downUntil } of pools()) expect(downUntil).toBeGreaterThan(0);
  });

  it('counts nothing as running where it is gone, and comes after others until it serves again', async () => {
    const application = await mesh.application((_request, response) => response.end('ok'));
    const older = await olderProxyAt(application);
    const pools = poolsInUse();
    const { port } = await clientOfEndpoints(older.port);
    expect(await call(port)).toMatchObject({ status: 200 });
    older.close();
    expect(await call(port)).toMatchObject({ status: 503 });
    expect(activeOf(pools)).toEqual([0]);
    const [pool] = pools();
    expect(pool!.downUntil).toBeGreaterThan(0);
    pool!.served();
    expect(pool!.downUntil).toBe(0);
  });

  it('counts nothing as running that the client gave up', async () => {
    let heard = 0;
    const application = await mesh.application(() => heard++);
    const pools = poolsInUse();
    const { port } = await clientOfEndpoints(await olderProxy(application));
    const clients = Array.from({ length: 3 }, () => new Client(port));
    for (const client of clients) client.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    await until(() => heard === 3, 'the requests');
    expect(activeOf(pools)).toEqual([3]);
    for (const client of clients) client.socket.resetAndDestroy();
    await until(() => activeOf(pools)[0] === 0, 'the end');
  });
});
