/** Which requests over HTTP/2 are sent again, and which are not. */
import { constants } from 'node:http2';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { ownApplication2 } from '../testing/http2.ts';
import { TestMeshOfTwo, call, cart } from '../testing/mesh.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

it('a request that the only endpoint did not look at goes there again, POST too', async () => {
  let asked = 0;
  const port = await ownApplication2(mesh, (stream) => {
    if (++asked === 2) stream.reset(constants.NGHTTP2_REFUSED_STREAM);
    else stream.respond([':status', '200'], true);
  });
  const endpoint = { address: '127.0.0.1', port, state: 'Ready' as const };
  const client = await mesh.client({ services: [cart([endpoint], 'Http2')] });
  expect(await call(client.port)).toMatchObject({ status: 200 });
  expect(await call(client.port, { method: 'POST', body: 'x' })).toMatchObject({ status: 200 });
  expect(asked).toBe(3);
});

it('a reset by the application is its answer, and not a lost connection', async () => {
  let asked = 0;
  const port = await ownApplication2(mesh, (stream) => {
    if (++asked === 1) stream.respond([':status', '200'], true);
    else stream.reset(constants.NGHTTP2_INTERNAL_ERROR);
  });
  const server = await mesh.server(port, { protocols: { '8080': 'Http2' } });
  const client = await mesh.client({ services: [cart([server.endpoint()], 'Http2')] });
  expect(await call(client.port)).toMatchObject({ status: 200 });
  expect(await call(client.port)).toMatchObject({ status: 502 });
  expect(asked).toBe(2);
});
