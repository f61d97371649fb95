import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo } from '../testing/mesh.ts';
import { serve, until } from '../testing/sockets.ts';
import { turns } from '../wire/testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** Drops out of a handshake wherever it comes (RFC 8446, 5). */
const CHANGE_CIPHER_SPEC = Buffer.from('140303000101', 'hex');

/** A port that leads to `port`, and gives the first bytes of a client on in the pieces that `cut` makes of them. */
async function inPieces(port: number, cut: (hello: Buffer) => Buffer[]): Promise<number> {
  const between = await serve((client) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true });
    server.on('error', () => client.destroy());
    client.once('data', (hello) => {
      client.pause();
      void (async () => {
        for (const piece of cut(hello)) {
          server.write(piece);
          await turns(10);
        }
        client.pipe(server).pipe(client);
      })();
    });
    client.on('close', () => server.destroy());
  });
  mesh.onEnd(() => between.close());
  return between.port;
}

const at = (length: number) => (hello: Buffer) => [hello.subarray(0, length), hello.subarray(length)];

it.each<[string, (hello: Buffer) => Buffer[]]>([
  ['in one read', (hello) => [hello]],
  ['in two reads, the first of one byte', at(1)],
  ['in two reads, the first without a whole record head', at(4)],
  ['in two reads, cut amid its fields', at(90)],
  [
    'in many reads',
    (hello) => Array.from({ length: hello.length }, (_, index) => hello.subarray(index, index + 1)),
  ],
  ['with bytes after it', (hello) => [Buffer.concat([hello, CHANGE_CIPHER_SPEC])]],
  ['with bytes after it in a read of their own', (hello) => [hello, CHANGE_CIPHER_SPEC]],
  [
    'in two reads, with bytes after it',
    (hello) => [hello.subarray(0, 50), Buffer.concat([hello.subarray(50), CHANGE_CIPHER_SPEC])],
  ],
])('mTLS begins with a ClientHello %s', async (_how, cut) => {
  const application = await mesh.bytes((socket) => socket.on('data', (bytes) => socket.write(bytes)));
  const server = await mesh.server(application, { inbound: { mtls: { mode: 'Strict' } } });
  const files = await authority.workload('shop', 'web');
  const socket = tlsConnect({
    port: await inPieces(server.port, cut),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['weft-tcp/1'],
    cert: files['tls.crt'],
    key: files['tls.key'],
    minVersion: 'TLSv1.3',
  });
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.on('error', (error) => (text += error.message));
  socket.on('secureConnect', () => socket.write('\x01bytes that come back'));
  await until(() => text !== '', 'an answer');
  expect(text).toBe('\x01bytes that come back');
  expect(server.plane.telemetry.handshakeFailures).toEqual([]);
  socket.destroy();
});
