/** Where bytes wait for a slow reader over HTTP/2, both proxies say so. */
import { constants } from 'node:http2';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { client2 } from '../testing/http2.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import type { TestPlane } from '../testing/plane.ts';
import { rawApplication } from '../testing/rawHttp2.ts';
import { until } from '../testing/sockets.ts';
import { defaultLimits } from '../wire/http2/limits.ts';
import { data, headers, type Frame } from '../wire/http2/testing/frames.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** Of one stream. */
const WINDOW = defaultLimits.streamWindow;

/** Bytes wait to be sent, and were taken in by streams that are paused. */
const waits = ({ bufferedBytes, heldBytes }: { bufferedBytes: number; heldBytes: number }) =>
  bufferedBytes > 0 && heldBytes > 0;

/** What a client asks for by `heard`, with what both proxies hold. */
async function through(heard: (frames: Frame[], send: (...frames: Buffer[]) => void) => void) {
  const server = await mesh.server(await rawApplication(mesh, heard));
  const client = await mesh.client({ services: [cart([server.endpoint()])] });
  const stream = (await client2(mesh, client.port)).request({ ':method': 'POST', ':authority': 'cart' });
  stream.on('error', () => {});
  const loadOf = ({ plane }: { plane: TestPlane }) => plane.telemetry.load;
  return { stream, inbound: loadOf(server).inbound, outbound: loadOf(client).outbound };
}

it('an upload that the application does not take waits in both', async () => {
  const { stream, inbound, outbound } = await through(() => {});
  stream.end(Buffer.alloc(1_000_000));
  await until(() => waits(inbound) && waits(outbound), 'the upload to wait');
  for (const { heldBytes } of [inbound, outbound]) expect(heldBytes).toBeLessThanOrEqual(WINDOW);
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => !waits(inbound) && !waits(outbound), 'the end of it');
});

it('a download that the client does not take waits', async () => {
  let answered = false;
  const { stream, outbound } = await through((frames, send) => {
    if (answered || !frames.some(({ type, id }) => type === 1 && id === 1)) return;
    answered = true;
    send(headers(1, [':status', '200'], 4));
    for (let sent = 0; sent < 250_000; sent += 10_000) send(data(1, Buffer.alloc(10_000)));
  });
  stream.pause();
  stream.end();
  await until(() => waits(outbound), 'the download to wait');
  expect(outbound.heldBytes).toBeLessThanOrEqual(WINDOW);
  stream.close(constants.NGHTTP2_CANCEL);
});
