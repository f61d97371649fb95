import type { Socket } from 'node:net';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { Client, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const GET = 'GET /slow HTTP/1.1\r\nHost: cart\r\n\r\n';

/** An application that reads requests and answers none. */
async function silentApplication() {
  const heard: string[] = [];
  const open = new Set<Socket>();
  const port = await mesh.bytes((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('data', (bytes) => heard.push(bytes.toString('latin1')));
  });
  return { port, heard, open };
}

it.each([
  ['nothing more', ''],
  ['one byte of the next request', 'G'],
  ['two more requests', GET + GET],
])('a client that has sent %s and is cut off ends its exchange at once', async (_more, more) => {
  const application = await silentApplication();
  const { port, plane } = await mesh.server(application.port);
  const client = new Client(port);
  client.write(GET + more);
  await until(() => application.heard.length > 0, 'the request');
  client.socket.resetAndDestroy();
  await until(() => application.open.size === 0, 'the application to be left');
  await until(() => plane.telemetry.finished.length > 0, 'the record');
  expect(plane.telemetry.finished).toHaveLength(1);
  expect(plane.telemetry.finished[0]!.exchange).toMatchObject({ flag: 'CLIENT_CLOSED' });
  expect(application.heard.join('').match(/GET/g)).toHaveLength(1);
});

it('both proxies leave an exchange whose client pipelined and was cut off', async () => {
  const application = await silentApplication();
  const server = await mesh.server(application.port);
  const { port, plane } = await mesh.client({ services: [cart([server.endpoint()])] });
  const client = new Client(port);
  client.write(`${GET}G`);
  await until(() => application.heard.length > 0, 'the request');
  client.socket.resetAndDestroy();
  await until(() => application.open.size === 0, 'the application to be left');
  for (const { telemetry } of [plane, server.plane]) {
    await until(() => telemetry.finished.length > 0, 'the record');
    expect(telemetry.finished.map(({ exchange }) => exchange!.flag)).toEqual(['CLIENT_CLOSED']);
  }
});
