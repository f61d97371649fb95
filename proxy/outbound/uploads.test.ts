import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect } from 'node:net';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { Client, deadPort, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const SIZE = 200_000;

/** A proxy before an application that answers with the size of what it got. */
async function counting() {
  return mesh.server(
    await mesh.application((request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => response.end(`got ${size}.`));
    }),
  );
}

/** Sends so that the proxy reads it in many pieces. */
async function upload(client: Client, size: number): Promise<void> {
  for (let rest = size; rest > 0; rest -= 5_000) {
    client.write('b'.repeat(Math.min(5_000, rest)));
    await turn();
  }
}

const HEAD = `POST /up HTTP/1.1\r\nHost: cart\r\nContent-Length: ${SIZE}\r\n\r\n`;

describe('an upload', () => {
  it('that a peer could not hand over goes elsewhere whole, though its body comes before that is connected', async () => {
    const bad = await mesh.server(await deadPort());
    const good = await counting();
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const slow = await serve((socket) => {
      socket.pause();
      void opened.then(() => {
        const onward = connect(good.port, '127.0.0.1').on('error', () => socket.destroy());
        socket.pipe(onward).pipe(socket);
      });
    });
    mesh.onEnd(() => slow.close());
    const second = good.endpoint({ port: slow.port, state: 'Terminating' });
    const { port, plane } = await mesh.client({ services: [cart([bad.endpoint(), second], 'Http')] });
    const client = new Client(port);
    client.write(HEAD + 'a'.repeat(1_000));
    await until(() => plane.telemetry.retries.length === 1, 'the second attempt');
    await upload(client, SIZE - 1_000);
    open();
    expect(await client.until(`got ${SIZE}.`)).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
  });

  it('whose first endpoint cannot be reached goes elsewhere, however much of it came meanwhile', async () => {
    const good = await counting();
    const never = await serve((socket) => socket.pause());
    mesh.onEnd(() => never.close());
    const first = good.endpoint({ port: never.port });
    const second = good.endpoint({ state: 'Terminating' });
    const { port } = await mesh.client({ services: [cart([first, second], 'Http')] });
    const client = new Client(port);
    client.write(HEAD + 'a'.repeat(50_000));
    await until(() => never.sockets.length === 1, 'the first attempt');
    // in one piece: after the first that has to wait, no more is read
    client.write('b'.repeat(SIZE - 50_000));
    for (let turns = 0; turns < 20; turns++) await turn();
    never.sockets[0]!.destroy();
    expect(await client.until(`got ${SIZE}.`)).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
  });
});
