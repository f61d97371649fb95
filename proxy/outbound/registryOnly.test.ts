import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { configState, type ConfigParts } from '../testing/plane.ts';
import { Client, serve, until, type TestServer } from '../testing/sockets.ts';
import { readClientHello } from '../wire/clientHello.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: db.example\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const registryOnly = ({ port }: { port: number }, ports: number[]): ConfigParts => ({
  settings: { outbound: 'RegistryOnly' },
  outside: [{ namespace: 'old', name: 'db', addresses: ['127.0.0.1'], ports: ports.map((by) => port + by) }],
});

/** A server outside the mesh, and a client whose proxy runs by what `parts` says of it. */
async function outside(parts: (server: TestServer) => ConfigParts) {
  const server = await serve((socket) => socket.on('data', () => socket.write(OK)));
  mesh.onEnd(() => server.close());
  const { plane, port } = await mesh.client(parts(server), { host: '127.0.0.1', port: server.port });
  const client = new Client(port);
  mesh.onEnd(async () => void client.socket.destroy());
  return { server, plane, client, name: `127.0.0.1:${server.port}` };
}

describe('an address that is not registered', () => {
  it('is refused to a request with a reason, and nothing is opened', async () => {
    const { server, plane, client, name } = await outside((at) => registryOnly(at, []));
    client.write(GET);
    const answer = await client.until('}');
    expect(answer).toMatch(/^HTTP\/1\.1 502 .*x-weft-reason: OUTBOUND_NOT_REGISTERED\r\n/s);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      code: 'OUTBOUND_NOT_REGISTERED',
      destination: name,
      remedy: expect.stringContaining('exclude-outbound-cidrs'),
    });
    await until(() => plane.telemetry.finished.length === 1, 'counting');
    expect(plane.telemetry.finished).toMatchObject([
      { key: { service: name }, exchange: { status: 502, flag: 'OUTBOUND_NOT_REGISTERED' } },
    ]);
    expect(server.sockets).toEqual([]);
  });

  it.each([
    ['speaks no HTTP', '\0\x01\x02'],
    ['says nothing, as where the server speaks first', ''],
  ])('is refused to a client that %s', async (_name, bytes) => {
    const { server, plane, client, name } = await outside((at) => registryOnly(at, []));
    if (bytes) client.write(bytes);
    await until(() => client.closed, 'the end of the connection');
    expect(client.error).toBe('ECONNRESET');
    expect(plane.telemetry.finished).toMatchObject([
      { key: { service: name, protocol: 'tcp' }, connection: { flag: 'OUTBOUND_NOT_REGISTERED' } },
    ]);
    expect(server.sockets).toEqual([]);
  });

  it('is refused on a connection that is open, too, once the mesh says so', async () => {
    const { server, plane, client } = await outside(() => ({}));
    client.write(GET);
    await client.next(OK);
    plane.config.set(configState(registryOnly(server, [])));
    client.write(GET);
    expect(await client.until('}')).toMatch(/^HTTP\/1\.1 502 .*OUTBOUND_NOT_REGISTERED/s);
  });
});

describe('an address that is registered', () => {
  it('is reached as before', async () => {
    const { client, server } = await outside((at) => registryOnly(at, [0]));
    client.write(GET);
    await client.until(OK);
    expect(server.sockets).toHaveLength(1);
  });

  it('is reached at its ports alone', async () => {
    const { client } = await outside((at) => registryOnly(at, [1]));
    client.write(GET);
    expect(await client.until('}')).toMatch(/^HTTP\/1\.1 502 .*OUTBOUND_NOT_REGISTERED/s);
  });
});

it('TLS to a port that is declared to speak HTTP passes through as it is', async () => {
  const received: Buffer[] = [];
  const server = await serve((socket) => socket.on('data', (bytes: Buffer) => received.push(bytes)));
  mesh.onEnd(() => server.close());
  const plain = { address: '127.0.0.1', port: server.port, state: 'Ready' } as const;
  const { port } = await mesh.client({ services: [cart([plain], 'Http')] });
  const client = connectTls({ port, host: '127.0.0.1', servername: 'cart.shop', ALPNProtocols: ['h2'] });
  client.on('error', () => {});
  mesh.onEnd(async () => void client.destroy());
  await until(() => typeof readClientHello(Buffer.concat(received)) === 'object', 'the ClientHello');
  expect(readClientHello(Buffer.concat(received))).toMatchObject({
    serverName: 'cart.shop',
    protocols: ['h2'],
  });
});
