import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { configState, type TestPlane } from '../testing/plane.ts';
import { TestMeshOfTwo, cart, id } from '../testing/mesh.ts';
import { Client, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: cart\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Two proxies before a server that gives `answer` to a request head and then echoes. */
async function pair(answer: string) {
  let head = '';
  let used: Socket | undefined;
  const server = await serve((socket) => {
    socket.once('data', (bytes) => {
      head = bytes.toString('latin1');
      // another may have been opened ahead, while the client was silent
      used = socket;
      socket.write(answer);
      socket.on('data', (more) => socket.write(more));
    });
  });
  mesh.onEnd(() => server.close());
  const inbound = await mesh.server(server.port);
  const outbound = await mesh.client({ services: [cart([inbound.endpoint()])] });
  const client = new Client(outbound.port);
  mesh.onEnd(async () => void client.socket.destroy());
  return { client, inbound, outbound, head: () => head, used: () => used! };
}

describe('leaving HTTP', () => {
  it('an upgrade becomes a tunnel, with what either side said early', async () => {
    const { client, inbound, outbound, used, head } = await pair(`${SWITCHING}first;`);
    client.write(`${UPGRADE}early;`);
    const answer = await client.next('early;');
    expect(answer).toBe(`${SWITCHING}first;early;`);
    expect(head()).toMatch(/^GET \/chat .*Upgrade: websocket\r\n.*connection: Upgrade\r\n\r\n/is);
    client.write('GET /not-http HTTP/1.1\r\n\r\n');
    await client.next('GET /not-http HTTP/1.1\r\n\r\n');
    expect(inbound.inbound.stats().requests).toBe(0);
    client.socket.end();
    await until(() => used().readableEnded, 'the half-close');
    used().end();
    await until(() => client.ended, 'the end');
    await until(() => outbound.plane.telemetry.finished.length === 2, 'both records');
    for (const { plane } of [inbound, outbound]) {
      const [exchange, connection] = plane.telemetry.finished;
      expect(exchange!.exchange).toMatchObject({ status: 101, flag: undefined });
      expect(connection!.connection).toMatchObject({ sentBytes: 32, flag: undefined });
    }
  });

  it('an upgrade that the server does not want is an ordinary exchange', async () => {
    const { client } = await pair('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    client.write(UPGRADE);
    expect(await client.next('ok')).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });

  it('a server that switches without being asked is not followed', async () => {
    const { client, head } = await pair(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    );
    client.write(
      'GET / HTTP/1.1\r\nHost: cart\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\nUpgrade: h2c\r\n\r\n',
    );
    expect(await client.next('}\n')).toMatch(/^HTTP\/1\.1 502 .*UPSTREAM_PROTOCOL_ERROR/s);
    expect(head()).not.toMatch(/upgrade|settings/i);
  });

  it('CONNECT becomes a tunnel where it is granted', async () => {
    const { client } = await pair('HTTP/1.1 200 Granted\r\n\r\n');
    client.write('CONNECT cart:443 HTTP/1.1\r\nHost: cart:443\r\n\r\n');
    await client.next('HTTP/1.1 200 Granted\r\n\r\n');
    client.write('\x16\x03 whatever');
    expect(await client.next('whatever')).toBe('\x16\x03 whatever');
  });

  it('a tunnel ends when policy no longer allows the request that opened it', async () => {
    const { client, inbound, outbound } = await pair(SWITCHING);
    client.write(UPGRADE);
    await client.next('\r\n\r\n');
    const rule = (path: string) => ({
      policy: 'shop/cart',
      name: 'x',
      action: 'Deny' as const,
      from: [{ principals: [id('web')] }],
      to: [{ paths: [path] }],
    });
    inbound.plane.config.set(configState({ inbound: { authorization: { rules: [rule('/other')] } } }));
    client.write('still here');
    await client.next('still here');
    inbound.plane.config.set(configState({ inbound: { authorization: { rules: [rule('/chat')] } } }));
    await until(() => client.closed, 'the close');
    expect(client.error).toBe('ECONNRESET');
    expect(await flagOfTunnel(inbound)).toBe('AUTHORIZATION_DENIED');
    expect(await flagOfTunnel(outbound)).toBe('UPSTREAM_RESET');
  });

  it.each(['inbound', 'outbound'] as const)(
    'a tunnel ends with the %s proxy that it goes through',
    async (side) => {
      const { client, inbound, outbound } = await pair(SWITCHING);
      client.write(UPGRADE);
      await client.next('\r\n\r\n');
      const { plane, stop } =
        side === 'inbound'
          ? { plane: inbound.plane, stop: () => inbound.inbound.stop(0) }
          : { plane: outbound.plane, stop: () => outbound.outbound.stop(0) };
      await stop();
      // the log of a proxy that ends has it
      expect(plane.telemetry.finished.at(-1)!.connection?.flag).toBe('DRAINING');
      await until(() => client.closed, 'the close');
      expect(client.error).toBe('ECONNRESET');
    },
  );
});

async function flagOfTunnel({ plane }: { plane: TestPlane }) {
  await until(() => plane.telemetry.finished.length === 2, 'the record of the tunnel');
  return plane.telemetry.finished[1]!.connection?.flag;
}
