import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { Protocol } from '../../core/proxyConfig/index.ts';
import { configState } from '../testing/plane.ts';
import { TestMeshOfTwo, cart, id } from '../testing/mesh.ts';
import { Client, deadPort, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

interface Way {
  name: string;
  /** Starts the proxies before a server at `port`; returns the port for clients. */
  lead(port: number): Promise<number>;
}

const through = (protocol: Protocol): Way => ({
  name: `two proxies with mTLS, port declared ${protocol}`,
  async lead(port) {
    const protocols = protocol === 'Auto' ? {} : { '8080': protocol };
    const server = await mesh.server(port, { protocols, inbound: { mtls: { mode: 'Strict' } } });
    return (await mesh.client({ services: [cart([server.endpoint()], protocol)] })).port;
  },
});
const ways: Way[] = [
  through('Auto'),
  through('Tcp'),
  {
    name: 'an inbound proxy alone, in plain text',
    lead: async (port) => (await mesh.server(port)).port,
  },
  {
    name: 'an outbound proxy alone, to the outside',
    lead: async (port) => (await mesh.client({}, { host: '127.0.0.1', port })).port,
  },
];

async function connectTo(way: Way, accept: (socket: Socket) => void) {
  const server = await serve(accept);
  mesh.onEnd(() => server.close());
  const client = new Client(await way.lead(server.port));
  mesh.onEnd(async () => void client.socket.destroy());
  return { client, server };
}

describe.each(ways)('bytes through $name', (way) => {
  it('a server that speaks first is heard within a moment', async () => {
    const startedAt = performance.now();
    const { client } = await connectTo(way, (socket) => {
      socket.write('220 hello\r\n');
      socket.on('data', (bytes) => socket.write(`250 ${bytes.toString()}`));
    });
    const before = performance.now();
    await client.next('220 hello\r\n');
    expect(performance.now() - before).toBeLessThan(500);
    expect(before).toBeGreaterThan(startedAt);
    client.write('EHLO me\r\n');
    await client.next('250 EHLO me\r\n');
    client.write('QUIT\r\n');
    await client.next('250 QUIT\r\n');
  });

  it('a client that speaks first and finishes sending hears the answer', async () => {
    const { client } = await connectTo(way, (socket) => {
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString()));
      socket.on('end', () => socket.end(`got ${text}`));
    });
    client.socket.end('ping\n');
    await until(() => client.ended, 'the end');
    expect(client.received).toBe('got ping\n');
    expect(client.error).toBeUndefined();
  });

  it('a server that finishes sending still hears the client', async () => {
    let heard = '';
    const { client } = await connectTo(way, (socket) => {
      socket.end('bye\n');
      socket.on('data', (bytes) => (heard += bytes.toString()));
    });
    await until(() => client.ended, 'the end of what the server sends');
    client.socket.end('more\n');
    await until(() => heard.length > 0, 'the server hearing the client');
    expect(heard).toBe('more\n');
  });

  it('a reset is a reset at the other end, too', async () => {
    let error: string | undefined;
    const { client, server } = await connectTo(way, (socket) => {
      socket.on('error', (reason: NodeJS.ErrnoException) => (error = reason.code));
      socket.on('data', () => socket.write('x'));
    });
    client.write('\x01binary');
    await client.next('x');
    client.socket.resetAndDestroy();
    await until(() => server.sockets[0]!.destroyed, 'the reset');
    expect(error).toBe('ECONNRESET');
  });

  it('a slow reader holds the writer back instead of filling memory', async () => {
    const total = 24 * 1024 * 1024;
    let sent = 0;
    const { client } = await connectTo(way, (socket) => {
      const chunk = Buffer.alloc(64 * 1024, 'y');
      const pump = () => {
        while (sent < total) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once('drain', pump);
        }
        socket.end();
      };
      socket.once('data', pump);
    });
    client.socket.pause();
    client.write('\x01go');
    let last = -1;
    // the writer stops when all buffers on the way are full
    await until(() => {
      const still = sent > 0 && sent === last;
      last = sent;
      return still;
    }, 'the writer being held back');
    expect(sent).toBeLessThan(total);
    let size = 0;
    client.socket.removeAllListeners('data').on('data', (text) => (size += text.length));
    client.socket.resume();
    await until(() => client.ended, 'the end', 15_000);
    expect(size).toBe(total);
  });
});

describe('connections carried as bytes', () => {
  it('go to another endpoint where one cannot be reached', async () => {
    const server = await serve((socket) => socket.pipe(socket));
    mesh.onEnd(() => server.close());
    const alive = await mesh.server(server.port);
    const dead = { ...alive.endpoint(), port: await deadPort() };
    const { port, plane } = await mesh.client({ services: [cart([dead, alive.endpoint()], 'Tcp')] });
    for (let round = 0; round < 8; round++) {
      const client = new Client(port);
      client.write('echo\n');
      await client.next('echo\n');
      client.socket.destroy();
    }
    await until(() => plane.telemetry.finished.length === 8, 'the ends');
    expect(plane.telemetry.finished.every(({ connection }) => connection!.sentBytes === 5)).toBe(true);
    expect(plane.telemetry.finished[0]!.key).toMatchObject({
      protocol: 'tcp',
      security: 'mtls',
      destination: id('cart'),
    });
  });

  it('are reset where nothing can be reached', async () => {
    const endpoint = { address: '127.0.0.1', port: await deadPort(), state: 'Ready' as const };
    const { port, plane } = await mesh.client({ services: [cart([endpoint], 'Tcp')] });
    const client = new Client(port);
    await until(() => client.closed, 'the close');
    expect(client.error).toBe('ECONNRESET');
    expect(plane.telemetry.finished[0]!.connection).toMatchObject({ flag: 'UPSTREAM_CONNECT_FAILED' });
  });

  it('end at once when policy no longer allows them', async () => {
    const server = await serve((socket) => socket.pipe(socket));
    mesh.onEnd(() => server.close());
    const inbound = await mesh.server(server.port);
    const { port } = await mesh.client({ services: [cart([inbound.endpoint()], 'Tcp')] });
    const client = new Client(port);
    client.write('echo\n');
    await client.next('echo\n');
    inbound.plane.config.set(configState());
    client.write('again\n');
    await client.next('again\n');
    inbound.plane.config.set(configState({ inbound: { authorization: { default: 'Deny' } } }));
    await until(() => client.closed, 'the close');
    const refused = new Client(port);
    refused.write('echo\n');
    await until(() => refused.closed, 'the refusal');
    expect(refused.received).toBe('');
    expect(inbound.plane.telemetry.finished.map(({ connection }) => connection?.flag)).toEqual([
      'AUTHORIZATION_DENIED',
      'AUTHORIZATION_DENIED',
    ]);
  });

  it.each(['inbound', 'outbound'] as const)('are cut by the %s proxy that ends before them', async (side) => {
    const server = await serve((socket) => socket.pipe(socket));
    mesh.onEnd(() => server.close());
    const inbound = await mesh.server(server.port);
    const outbound = await mesh.client({ services: [cart([inbound.endpoint()])] });
    const client = new Client(outbound.port);
    client.write('\x01echo');
    await client.next('\x01echo');
    const { plane, running } =
      side === 'inbound'
        ? { plane: inbound.plane, running: inbound.inbound }
        : { plane: outbound.plane, running: outbound.outbound };
    await running.stop(0);
    expect(plane.telemetry.finished.map(({ connection }) => connection?.flag)).toEqual(['DRAINING']);
    await until(() => client.closed, 'the close');
    expect(client.error).toBe('ECONNRESET');
  });

  it('HTTP to a silent start keeps the connection that was opened for it', async () => {
    const server = await serve((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    );
    mesh.onEnd(() => server.close());
    const { port } = await mesh.client({}, { host: '127.0.0.1', port: server.port });
    const client = new Client(port);
    await until(() => server.sockets.length === 1, 'the early connection');
    client.write('GET / HTTP/1.1\r\nHost: outside\r\n\r\n');
    expect(await client.next('ok')).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(server.sockets).toHaveLength(1);
    client.socket.destroy();
    await until(
      () => server.sockets[0]!.readableEnded || server.sockets[0]!.destroyed,
      'the end of what was opened',
    );
  });

  it('HTTP goes on with a new connection where the early one turns out to be closed', async () => {
    const server = await serve((socket) =>
      socket.on('data', () => {
        if (server.sockets.length === 1) socket.destroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }),
    );
    mesh.onEnd(() => server.close());
    const endpoint = { address: '127.0.0.1', port: server.port, state: 'Ready' as const };
    const { port } = await mesh.client({ services: [cart([endpoint])] });
    const client = new Client(port);
    await until(() => server.sockets.length === 1, 'the early connection');
    client.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    expect(await client.next(/(ok|\}\n)$/)).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
  });

  it('a silent client that resets leaves nothing open to the outside', async () => {
    const server = await serve(() => {});
    mesh.onEnd(() => server.close());
    const { port, outbound } = await mesh.client({}, { host: '127.0.0.1', port: server.port });
    const client = new Client(port);
    await until(() => server.sockets.length === 1, 'the early connection');
    server.sockets[0]!.resume();
    client.socket.resetAndDestroy();
    await until(
      () => server.sockets[0]!.readableEnded || server.sockets[0]!.destroyed,
      'the end of what was opened',
    );
    expect(outbound.stats()).toEqual({ connections: 0, requests: 0 });
  });

  it('outside the mesh, what only looks like HTTP is carried as bytes', async () => {
    let heard = '';
    const server = await serve((socket) => socket.on('data', (bytes) => (heard += bytes.toString())));
    mesh.onEnd(() => server.close());
    const { port } = await mesh.client({}, { host: '127.0.0.1', port: server.port });
    const client = new Client(port);
    const text = 'GET /x HTTP/1.1\r\nNo field at all\r\n\r\n';
    client.write(text);
    await until(() => heard.length >= text.length, 'the bytes');
    expect(heard).toBe(text);
    client.socket.destroy();
  });
});
