import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { disagreement, LAST, observe, RecordingApplication } from '../../proxy/testing/framing.ts';
import { TestMeshOfTwo, type ProxyOfServer } from '../../proxy/testing/mesh.ts';
import { until } from '../../proxy/testing/sockets.ts';
import { requestCorpus } from '../../proxy/wire/http1/testing/requestCorpus.ts';
import { haproxy, nginx, type Program } from './support/programs.ts';

const SERVERS = { nginx, HAProxy: haproxy };
type Name = keyof typeof SERVERS;

/** A server in both places: asked as we are, and asked by us. Each with an application of its own behind. */
interface Place {
  server: Program;
  application: RecordingApplication;
}

let mesh: TestMeshOfTwo;
let folder: string;
let ours: { proxy: ProxyOfServer; application: RecordingApplication };
const beside = {} as Record<Name, Place>;
const behind = {} as Record<Name, Place & { proxy: ProxyOfServer }>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-peers-'));
  const authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
  // declared, so that what is no HTTP is refused and not passed on as bytes
  const proxyBefore = (port: number) => mesh.server(port, { protocols: { '8080': 'Http' } });
  const place = async (start: (typeof SERVERS)[Name]): Promise<Place> => {
    const application = new RecordingApplication();
    return { application, server: await start(folder, await application.listen()) };
  };
  const application = new RecordingApplication();
  ours = { application, proxy: await proxyBefore(await application.listen()) };
  for (const [name, start] of Object.entries(SERVERS) as [Name, (typeof SERVERS)[Name]][]) {
    beside[name] = await place(start);
    const last = await place(start);
    behind[name] = { ...last, proxy: await proxyBefore(last.server.port) };
  }
});

afterAll(async () => {
  await mesh.stop();
  const places = [...Object.values(beside), ...Object.values(behind)];
  await Promise.all(places.map(({ server }) => server.stop()));
  await Promise.all([ours, ...places].map(({ application }) => application.close()));
  await rm(folder, { recursive: true });
});

describe.each(Object.keys(SERVERS) as Name[])('%s', (name) => {
  it.each(requestCorpus)('reads what we forward as we do: $name', async ({ bytes }) => {
    const [mine, theirs] = await Promise.all([
      observe(ours.proxy.port, bytes, ours.application),
      observe(beside[name].server.port, bytes, beside[name].application),
    ]);
    expect(disagreement(mine, theirs)).toBeUndefined();
  });

  it.each(requestCorpus)('is sent by us what it reads as we do: $name', async ({ bytes }) => {
    const { proxy, server, application } = behind[name];
    const { finished } = proxy.plane.telemetry;
    finished.length = 0;
    const seen = await observe(proxy.port, bytes, application);
    await until(() => proxy.plane.telemetry.open === 0, 'the end of the connection');
    expect(server.output()).toBe('');
    // what it refused has not reached the application
    const taken = finished.filter(({ exchange }) => exchange?.flag === undefined && exchange?.status === 200);
    const sizes = taken.map(({ method, path, exchange }) => [method, path, exchange?.requestBytes]);
    expect(seen.requests.map(({ method, target, body }) => [method, target, body.length])).toEqual(sizes);
  });

  it('takes a request that has one reading, in both places', async () => {
    const bytes = 'POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
    const expected = [{ method: 'POST', target: '/p', body: 'hi' }, LAST];
    const direct = await observe(beside[name].server.port, bytes, beside[name].application);
    const through = await observe(behind[name].proxy.port, bytes, behind[name].application);
    expect([direct.requests, through.requests]).toEqual([expected, expected]);
  });
});
