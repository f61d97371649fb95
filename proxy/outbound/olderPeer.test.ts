import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { application2, call2, client2 } from '../testing/http2.ts';
import { TestMeshOfTwo, call, cart, id } from '../testing/mesh.ts';
import { Client, serve, until } from '../testing/sockets.ts';

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

/** A proxy of the first version: mTLS, and inside it what the application says. */
async function olderProxy(application: number): Promise<number> {
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
      mesh.onEnd(async () => void socket.destroy());
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  mesh.onEnd(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A client of what is at `port` of loopback, and is known to speak `weft/1`. */
const ways = {
  'one of its endpoints': (port: number) => {
    const endpoint = {
      address: '127.0.0.1',
      port,
      state: 'Ready',
      wire: 'weft/1',
      identity: id('cart'),
    } as const;
    return mesh.client({ services: [cart([endpoint])] });
  },
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
