import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { Protocol } from '../../core/proxyConfig/index.ts';
import { TestMeshOfTwo, call, id } from '../testing/mesh.ts';
import { Client, deadPort, serve } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** The one address of a service, behind which each connection goes to the next of `ports`, then to the last. */
async function clusterAddress(ports: number[], protocol: Protocol) {
  const address = await serve((socket) => {
    const onward = connect(ports[Math.min(address.sockets.length, ports.length) - 1]!, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  mesh.onEnd(() => address.close());
  const service = {
    namespace: 'shop',
    name: 'cart',
    addresses: ['127.0.0.1'],
    ports: [{ port: address.port, protocol }],
    identities: [id('cart')],
    wire: inject('wire'),
  };
  const client = await mesh.client({ directory: [service] }, { host: '127.0.0.1', port: address.port });
  return { ...client, address };
}

const healthy = async () =>
  (await mesh.server(await mesh.application((_request, response) => response.end('ok')))).port;
const orphan = async () => (await mesh.server(await deadPort())).port;

describe('a service that is reached through its one address', () => {
  it('is tried again over another connection where a peer could not hand the request over', async () => {
    const { port, plane, address } = await clusterAddress([await orphan(), await healthy()], 'Http');
    const answers = [];
    for (let round = 0; round < 10; round++) answers.push(await call(port, { method: 'POST', body: 'x' }));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(plane.telemetry.retries).toEqual(['APPLICATION_UNAVAILABLE']);
    // over HTTP/2 a few connections share the load
    expect(address.sockets.length).toBeLessThanOrEqual(4);
  });

  it('is tried again where a connection fails, for requests and for bytes', async () => {
    const dead = await deadPort();
    const requests = await clusterAddress([dead, await healthy()], 'Http');
    expect(await call(requests.port)).toMatchObject({ status: 200, body: 'ok' });
    const bytes = await clusterAddress([dead, await healthy()], 'Tcp');
    const client = new Client(bytes.port);
    client.write('GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
  });

  it('is not held on to by a connection to a peer whose application is gone', async () => {
    const gone = await orphan();
    const { port, address } = await clusterAddress([gone, gone, gone, await healthy()], 'Http');
    // as many attempts as a request has
    expect(await call(port)).toMatchObject({ status: 503 });
    expect(address.sockets).toHaveLength(3);
    expect(await call(port)).toMatchObject({ status: 200 });
  });

  it('is given up after as many attempts as any other', async () => {
    const { port, address } = await clusterAddress([await deadPort()], 'Http');
    expect((await call(port)).status).toBeGreaterThanOrEqual(502);
    expect(address.sockets).toHaveLength(3);
  });
});
