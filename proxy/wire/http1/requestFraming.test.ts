import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../../certs/testing/pki.ts';
import {
  disagreement,
  LAST,
  observe,
  RecordingApplication,
  type Observation,
} from '../../testing/framing.ts';
import { TestMeshOfTwo, type ProxyOfServer } from '../../testing/mesh.ts';
import { until } from '../../testing/sockets.ts';
import { requestCorpus } from './testing/requestCorpus.ts';

/**
 * node:http reads nothing more after a request with Upgrade that it answers as any other (RFC 9110, 7.8, would have it
 * go on); we have read its answer before we send the next request, so that nothing of it can be taken for something else.
 */
const KNOWN: Readonly<Record<string, string>> = {
  upgrade: '2 requests to us, and it waits for the end of number 2',
  'upgrade with a body': '2 requests to us, and it waits for the end of number 2',
  'upgrade to h2c': '2 requests to us, and it waits for the end of number 2',
  'upgrade with a request behind it': '3 requests to us, and it waits for the end of number 2',
};

let mesh: TestMeshOfTwo;
let behind: RecordingApplication;
let direct: RecordingApplication;
let directPort: number;
let proxy: ProxyOfServer;

beforeAll(async () => {
  const authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
  behind = new RecordingApplication();
  direct = new RecordingApplication();
  directPort = await direct.listen();
  // declared, so that what is no HTTP is refused and not passed on as bytes
  proxy = await mesh.server(await behind.listen(), { protocols: { '8080': 'Http' } });
});

afterAll(async () => {
  await mesh.stop();
  await Promise.all([behind.close(), direct.close()]);
});

/** What we forward, as the application sees it, and that it is what we took it for. */
async function ours(bytes: string): Promise<Observation> {
  proxy.plane.telemetry.finished.length = 0;
  const seen = await observe(proxy.port, bytes, behind);
  await until(() => proxy.plane.telemetry.open === 0, 'the end of the connection');
  // an application may refuse what it was sent; what it took must be what was sent
  const forwarded = proxy.plane.telemetry.finished.filter(
    ({ exchange }) => exchange?.flag === undefined && exchange?.status !== 400,
  );
  const own = forwarded.map(({ method, path, exchange }) => [method, path, exchange?.requestBytes]);
  expect(seen.requests.map(({ method, target, body }) => [method, target, body.length])).toEqual(own);
  return seen;
}

describe('what is forwarded', () => {
  it.each(requestCorpus)('is the same requests to node:http: $name', async ({ name, bytes }) => {
    const [mine, theirs] = await Promise.all([ours(bytes), observe(directPort, bytes, direct)]);
    expect(disagreement(mine, theirs)).toBe(KNOWN[name]);
    // whatever an application answers that reads it in another way, the client gets no second answer to one request
    expect(mine.statuses.length).toBeLessThanOrEqual(mine.requests.length + 1);
  });

  it('is everything that has one reading', async () => {
    const bytes = 'POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
    const { requests, statuses } = await ours(bytes);
    expect(requests).toEqual([{ method: 'POST', target: '/p', body: 'hi' }, LAST]);
    expect(statuses).toEqual([200, 200]);
  });

  it('is not the same to someone who reads a length where a coding counts', async () => {
    const smuggling = { requests: [LAST], statuses: [200], waits: false };
    const other = { requests: [{ ...LAST, target: '/smuggled' }], statuses: [200], waits: false };
    expect(disagreement(smuggling, other)).toMatch(/request 1 is/);
    expect(disagreement(smuggling, { requests: [], statuses: [], waits: true })).toMatch(/waits/);
  });
});
