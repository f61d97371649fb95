/** Attempts that follow a change of the endpoints. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, call, cart } from '../testing/mesh.ts';
import { configState } from '../testing/plane.ts';
import { Client, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** Endpoints that take connections and say nothing: the attempt waits for the handshake. */
async function silent() {
  const server = await serve(() => {});
  mesh.onEnd(() => server.close());
  return server;
}

/** A client of two silent endpoints. `replace` puts another in their place, and ends what waits for them. */
async function withSilent(protocol: 'Http' | 'Tcp', answering: number) {
  const server = await mesh.server(answering, { protocols: { '8080': protocol } });
  const gone = [await silent(), await silent()];
  const endpoints = gone.map(({ port }) => server.endpoint({ port }));
  const client = await mesh.client({ services: [cart(endpoints, protocol)] });
  const replace = async () => {
    await until(() => gone.some(({ sockets }) => sockets.length > 0), 'the first attempt');
    client.plane.config.set(configState({ services: [cart([server.endpoint()], protocol)] }));
    for (const { sockets } of gone) for (const socket of sockets) socket.destroy();
  };
  return { ...client, replace };
}

describe('an attempt after the endpoints have changed', () => {
  it('of a request goes to one that has come, not to one that has gone', async () => {
    const application = await mesh.application((_request, response) => response.end('ok'));
    const { port, replace } = await withSilent('Http', application);
    const answer = call(port, { method: 'POST', body: 'x' });
    await replace();
    expect(await answer).toMatchObject({ status: 200, body: 'ok' });
  });

  it('of a connection goes to one that has come, not to one that has gone', async () => {
    const application = await mesh.bytes((socket) => socket.end('220 ready\r\n'));
    const { port, replace } = await withSilent('Tcp', application);
    const client = new Client(port);
    await replace();
    expect(await client.until('220 ready')).toBe('220 ready\r\n');
    client.socket.destroy();
  });
});
