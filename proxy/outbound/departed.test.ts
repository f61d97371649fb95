/** Connections of the application that are kept while what they were opened to leaves the configuration. */
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { call2, client2 } from '../testing/http2.ts';
import { TestMeshOfTwo, cart, id } from '../testing/mesh.ts';
import { configState, type ConfigParts } from '../testing/plane.ts';
import { Client, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const GET = 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Something that still answers at an address in plain text, and a client that dials that address. */
async function address(partsOf: (port: number) => ConfigParts) {
  const server = await serve((socket) => socket.on('data', () => socket.write(OK)));
  mesh.onEnd(() => server.close());
  const client = await mesh.client(partsOf(server.port), { host: '127.0.0.1', port: server.port });
  return { ...client, server };
}

const plainEndpoint = (port: number): ConfigParts => ({
  services: [cart([{ address: '127.0.0.1', port, state: 'Ready' }])],
});
const hidden = (port: number): ConfigParts => ({
  directory: [
    {
      namespace: 'bank',
      name: 'ledger',
      addresses: ['127.0.0.1'],
      ports: [{ port, protocol: 'Auto' }],
      identities: [],
      hidden: true,
    },
  ],
});

describe('a kept connection whose destination has left the mesh', () => {
  it('is refused and closed, and the address reached by nobody', async () => {
    const { port, plane, server } = await address(plainEndpoint);
    const client = new Client(port);
    client.write(GET);
    await client.next(OK);
    const before = server.sockets.length;
    plane.config.set(configState());
    client.write(GET);
    const answer = await client.until('}');
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*x-weft-reason: NO_ENDPOINT\r\n/s);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ destination: 'shop/cart:8080' });
    await until(() => client.ended, 'the end of the connection');
    expect(server.sockets).toHaveLength(before);
    client.socket.destroy();
  });

  it('is refused where it was hidden before', async () => {
    const { port, plane, server } = await address(hidden);
    const client = new Client(port);
    client.write(GET);
    expect(await client.next('}')).toContain('SERVICE_HIDDEN');
    plane.config.set(configState());
    client.write(GET);
    expect(await client.until('}')).toMatch(/^HTTP\/1\.1 503 .*NO_ENDPOINT/s);
    expect(server.sockets).toEqual([]);
    client.socket.destroy();
  });

  it('is refused where it left while the call waited to be known', async () => {
    const entry = { ...hidden(0).directory![0]!, identities: [id('ledger')], wire: inject('wire') };
    const { port, plane, server } = await address((at) => {
      const { hidden: _hidden, ...listed } = entry;
      return { directory: [{ ...listed, ports: [{ port: at, protocol: 'Auto' as const }] }] };
    });
    const answer = Promise.withResolvers<void>();
    let asked = false;
    plane.demand = {
      want: () => {
        asked = true;
        return answer.promise;
      },
    };
    const client = new Client(port);
    client.write(GET);
    await until(() => asked, 'the ask');
    plane.config.set(configState());
    answer.resolve();
    expect(await client.until('}')).toMatch(/^HTTP\/1\.1 503 .*NO_ENDPOINT/s);
    expect(server.sockets).toEqual([]);
    client.socket.destroy();
  });

  it('is told to go away over HTTP/2', async () => {
    const { port, plane } = await address(hidden);
    const session = await client2(mesh, port);
    expect((await call2(session, {})).headers[':status']).toBe(403);
    let goneAway = false;
    session.on('goaway', () => (goneAway = true));
    plane.config.set(configState());
    const answer = await call2(session, {});
    expect(answer.headers).toMatchObject({ ':status': 503, 'x-weft-reason': 'NO_ENDPOINT' });
    await until(() => goneAway && session.closed, 'GOAWAY');
  });
});
