import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../certs/testing/pki.ts';
import { TestMeshOfTwo } from './testing/mesh.ts';
import { keptFor } from './testing/retained.ts';
import { Client, until } from './testing/sockets.ts';
import { PREFACE } from './wire/http2/constants.ts';
import { headers, ping, settings, settingsAck } from './wire/http2/testing/frames.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** Connections of each kind. */
const COUNT = 40;
/** More than 12 letters: shorter ones V8 copies out of what they were cut from. */
const PATH = '/a/path/of/some/length';
const LARGE = 60_000;
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n';
const ENDLESS = `HTTP/1.1 200 OK\r\nx-long: ${'y'.repeat(LARGE)}\r\n\r\nand so on`;

/** Answers whatever ends with an empty line, upgrades and goes on where asked to. */
function answering(socket: Socket): void {
  let seen = '';
  socket.on('data', (bytes) => {
    seen = (seen + bytes.toString('latin1')).slice(-2 * LARGE);
    if (!seen.endsWith('\r\n\r\n')) return;
    if (seen.includes('upgrade: ws')) socket.write(SWITCHING);
    else if (seen.includes('/endless')) socket.write(ENDLESS);
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    seen = '';
  });
}

/** What an inbound proxy keeps for each client that does this and then falls silent. */
async function keptForClient(speak: (client: Client) => Promise<void>) {
  const { port, plane } = await mesh.server(await mesh.bytes(answering), { protocols: { '8080': 'Http' } });
  const clients: Client[] = [];
  const kept = await keptFor(COUNT, async () => {
    const client = new Client(port);
    clients.push(client);
    await speak(client);
    client.received = '';
    // the test's own record of what happened
    plane.telemetry.finished.length = 0;
  });
  for (const { socket } of clients) socket.destroy();
  return kept;
}

describe('a connection that is open and silent', () => {
  it('keeps no read of the request that upgraded it', async () => {
    const kept = await keptForClient(async (client) => {
      client.write(`GET ${PATH} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: ws\r\n\r\n`);
      await client.until('ws\r\n\r\n');
    });
    expect(kept.buffers).toBeLessThan(8);
    expect(kept.heap).toBeLessThan(40);
  });

  it('keeps nothing of a large request that was answered', async () => {
    const kept = await keptForClient(async (client) => {
      client.write(`GET ${PATH} HTTP/1.1\r\nhost: a\r\nx-long: ${'y'.repeat(LARGE)}\r\n\r\n`);
      await client.until('ok');
    });
    expect(kept.buffers).toBeLessThan(8);
    expect(kept.heap).toBeLessThan(40);
  });

  it('keeps little of a large request that upgraded it', async () => {
    const kept = await keptForClient(async (client) => {
      const fields = `host: a\r\nx-long: ${'y'.repeat(LARGE)}\r\nconnection: upgrade\r\nupgrade: ws\r\n`;
      client.write(`GET ${PATH} HTTP/1.1\r\n${fields}\r\n`);
      await client.until('ws\r\n\r\n');
    });
    expect(kept.buffers).toBeLessThan(8);
    expect(kept.heap).toBeLessThan(40);
  });

  it('keeps only the text of the request while its answer goes on', async () => {
    const kept = await keptForClient(async (client) => {
      client.write(`GET ${PATH}/endless HTTP/1.1\r\nhost: a\r\nx-long: ${'y'.repeat(LARGE)}\r\n\r\n`);
      await client.until('and so on');
    });
    expect(kept.buffers).toBeLessThan(8);
    expect(kept.heap).toBeLessThan(LARGE / 1024 + 40);
  });

  it('keeps of the frames of HTTP/2 only what the next needs', async () => {
    const kept = await keptForClient(async (client) => {
      client.socket.write(Buffer.concat([PREFACE, settings()]));
      await until(() => client.received.length > 9, 'the settings');
      client.socket.write(settingsAck);
      const path = `${PATH}${'/long'.repeat(2000)}`;
      client.socket.write(
        headers(1, [':method', 'GET', ':scheme', 'http', ':path', path, ':authority', 'a']),
      );
      await client.until('ok');
      // and the beginning of a frame, which has to be kept
      client.socket.write(Buffer.concat([ping(), ping().subarray(0, 12)]));
      await client.until('12345678');
    });
    expect(kept.buffers).toBeLessThan(8);
    expect(kept.heap).toBeLessThan(40);
  });
});

it('a body that comes byte by byte is kept as bytes, not as reads', async () => {
  let heard = 0;
  const application = await mesh.bytes((socket) =>
    socket.on('data', (bytes) => (heard += bytes.toString('latin1').split('x').length - 1)),
  );
  const { port } = await mesh.server(application);
  const client = new Client(port);
  client.write('POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n');
  const kept = await keptFor(200, async () => {
    const before = heard;
    client.write('x');
    await until(() => heard > before, 'the byte');
  });
  expect(kept.buffers).toBeLessThan(2);
  client.socket.destroy();
});
