import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../certs/testing/pki.ts';
import { documentOf, updateOf } from './config/testing/mesh.ts';
import { startTestOperator, statesOf } from './config/testing/operator.ts';
import { directoryText, documentText, eventually, sectionOf } from './config/testing/volumes.ts';
import { ProxyFixture } from './testing/proxyFixture.ts';
import { MAIN, type ProxyProcess } from './testing/proxyProcess.ts';

const run = promisify(execFile);

let mesh: TestMesh;
let fixture: ProxyFixture;
let proxy: ProxyProcess;

async function get(
  port: number,
  path: string,
): Promise<{ status: number; body: string; json: () => unknown }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const body = await response.text();
  return { status: response.status, body, json: () => JSON.parse(body) as unknown };
}

async function answers(port: number, path: string, status: number): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = await get(port, path).then(
      ({ status }) => status,
      () => 0,
    );
    if (found === status) return;
    if (Date.now() > deadline) throw new Error(`${path} answers ${found}, not ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const start = async (environment?: Record<string, string>) => void (proxy = await fixture.start(environment));

async function configure(): Promise<void> {
  await fixture.configure();
  await answers(proxy.ports.health, '/healthz/startup', 200);
}

beforeEach(async () => {
  mesh = await createTestMesh();
  fixture = await ProxyFixture.create((account) => mesh.workload('shop', account));
});
afterEach(() => fixture.stop());

describe('a proxy process', () => {
  it('says what is missing until it is there, then serves', async () => {
    await start();
    await answers(proxy.ports.health, '/healthz/live', 200);
    await answers(proxy.ports.health, '/healthz/startup', 503);
    await fixture.label();
    await proxy.config.write({ 'config.json': documentText({ sections: [sectionOf({ app: 'web' })] }) });
    await eventually(() => proxy.diagnostics.some(({ code }) => code === 'SECTION_MISSING'));
    const { json } = await get(proxy.ports.health, '/healthz/startup');
    expect(json()).toMatchObject({
      status: 'unavailable',
      reasons: [
        { code: 'SECTION_MISSING', field: 'sections' },
        { code: 'DIRECTORY_MISSING' },
        { code: 'IDENTITY_MISSING' },
      ],
    });
    await configure();
    expect((await get(proxy.ports.inbound, '/hello?x=1')).body).toBe('you asked for /hello?x=1');
    expect((await get(proxy.ports.outbound, '/out')).body).toBe('you asked for /out');
    await eventually(() => proxy.accessLog.length >= 2);
    expect(proxy.accessLog).toContainEqual(
      expect.objectContaining({ direction: 'inbound', path: '/hello', status: 200, security: 'plain' }),
    );
    const metrics = (await get(proxy.ports.metrics, '/metrics')).body;
    expect(metrics).toMatch(/weft_requests_total\{direction="inbound".*status="200".*\} 1/);
    expect(metrics).toContain('weft_config_revision{document="config"} 10');
  });

  it('does not serve without a directory, which tells the mesh from what is outside', async () => {
    await start();
    await fixture.label();
    await fixture.renew();
    await proxy.config.write({ 'config.json': documentText() });
    const startup = async () => (await get(proxy.ports.health, '/healthz/startup')).json();
    await eventually(() => proxy.diagnostics.some(({ message }) => message === 'configuration in force'));
    await answers(proxy.ports.health, '/healthz/startup', 503);
    expect(await startup()).toMatchObject({ reasons: [{ code: 'DIRECTORY_MISSING' }] });
    await expect(fetch(`http://127.0.0.1:${proxy.ports.outbound}/`)).rejects.toThrow('fetch failed');
    await proxy.directory.write({ 'directory.json': '{}' });
    await eventually(() => proxy.diagnostics.some(({ code }) => code === 'DOCUMENT_VERSION_UNKNOWN'));
    expect(await startup()).toMatchObject({ reasons: [{ code: 'DOCUMENT_VERSION_UNKNOWN' }] });
    await proxy.directory.write({ 'directory.json': directoryText() });
    await answers(proxy.ports.health, '/healthz/startup', 200);
    expect((await get(proxy.ports.outbound, '/out')).body).toBe('you asked for /out');
  });

  it('shows on its admin port what is in force, and changes nothing there', async () => {
    await start();
    await configure();
    const { admin } = proxy.ports;
    expect((await get(admin, '/config')).json()).toMatchObject({ document: { revision: '10' }, refused: [] });
    expect((await get(admin, '/clusters')).json()).toMatchObject({
      inForce: { source: 'file', position: { revision: '10' } },
      services: [],
      directory: [],
    });
    const certificates = await get(admin, '/certificates');
    expect(certificates.json()).toMatchObject({
      inUse: { spiffeId: 'spiffe://cluster.local/ns/shop/sa/cart', roots: [{}] },
    });
    expect(certificates.body).not.toContain('PRIVATE');
    expect((await get(admin, '/stats')).json()).toMatchObject({ draining: false, inbound: { requests: 0 } });
    expect((await get(admin, '/')).status).toBe(200);
    expect((await get(admin, '/healthz')).status).toBe(200);
    expect((await get(admin, '/drain')).status).toBe(404);
    expect((await get(admin, '/constructor')).status).toBe(404);
    const posted = await fetch(`http://127.0.0.1:${admin}/config`, { method: 'POST' });
    expect(posted.status).toBe(405);
  });

  it('drains by its command, serves on, and ends with the last request after SIGTERM', async () => {
    let release = () => {};
    await start();
    await configure();
    fixture.answer = (path) =>
      path === '/slow' ? new Promise((resolve) => (release = () => resolve(undefined))) : Promise.resolve();
    await run(process.execPath, ['--no-warnings', MAIN, 'drain'], { env: { WEFT_RUN_DIR: proxy.runDir } });
    await eventually(() => proxy.diagnostics.some(({ message }) => String(message).startsWith('draining')));
    expect((await get(proxy.ports.inbound, '/still')).status).toBe(200);
    expect((await get(proxy.ports.health, '/healthz/ready')).status).toBe(200);
    const slow = get(proxy.ports.inbound, '/slow');
    const requests = async () =>
      ((await get(proxy.ports.admin, '/stats')).json() as { inbound: { requests: number } }).inbound.requests;
    while ((await requests()) === 0);
    proxy.child.kill('SIGTERM');
    await eventually(() => proxy.diagnostics.some(({ message }) => String(message).startsWith('ending')));
    expect(proxy.child.exitCode).toBeNull();
    release();
    expect((await slow).body).toBe('you asked for /slow');
    expect(await proxy.ended).toBe(0);
  });

  it('ends at once at a second SIGTERM', async () => {
    await start();
    await configure();
    fixture.answer = () => new Promise(() => {});
    const stuck = get(proxy.ports.inbound, '/').catch(() => 'cut');
    await eventually(() => fixture.application.listening);
    while (
      !((await get(proxy.ports.admin, '/stats')).json() as { inbound: { requests: number } }).inbound.requests
    );
    proxy.child.kill('SIGTERM');
    await eventually(() => proxy.diagnostics.some(({ message }) => String(message).startsWith('ending')));
    proxy.child.kill('SIGTERM');
    expect(await proxy.ended).toBe(1);
    expect(await stuck).toBe('cut');
  });

  it('ends with one clear line where its environment is wrong', async () => {
    await start({ WEFT_POD_IPS: 'nowhere' });
    expect(await proxy.ended).toBe(1);
    await eventually(() => proxy.diagnostics.length > 0);
    expect(proxy.diagnostics).toMatchObject([{ code: 'ENVIRONMENT_INVALID', field: 'WEFT_POD_IPS' }]);
  });

  it('ends with a reason where a port is taken', async () => {
    await start({ WEFT_ADMIN_PORT: String(fixture.applicationPort) });
    expect(await proxy.ended).toBe(1);
    await eventually(() => JSON.stringify(proxy.diagnostics).includes('EADDRINUSE'));
  });

  it('tells the operator what it took and what it refused, and takes what the stream brings', async () => {
    const operator = await startTestOperator(
      await mesh.issue({ spiffeId: 'spiffe://cluster.local/ns/weft-system/sa/weft-operator' }),
    );
    const told = () => operator.streams.flatMap(statesOf).at(-1);
    await start({ WEFT_CONTROL: `127.0.0.1:${operator.address.port}` });
    await configure();
    await eventually(() => told()?.report.inForce?.revision === '10');
    await proxy.config.write({ 'config.json': documentText({ revision: '11' }).replace('cart', 'card') });
    await eventually(() => told()?.report.refused?.code === 'DOCUMENT_HASH_MISMATCH');
    expect(told()?.report).toMatchObject({
      pod: { namespace: 'shop', name: 'cart-1', uid: 'uid-1' },
      inForce: { revision: '10' },
    });
    const { has } = told()!;
    const telemetry = { accessLog: 'Off' } as const;
    operator.streams.at(-1)!.send(updateOf(documentOf({ revision: '12', telemetry }), has));
    const config = async () => (await get(proxy.ports.admin, '/config')).json();
    await eventually(() => operator.streams.at(-1)!.messages.at(-1)?.type === 'ack');
    expect(await config()).toMatchObject({
      inForce: { source: 'stream', position: { revision: '12' } },
      document: { telemetry },
      refused: [],
    });
    await operator.close();
    // the operator is away: what is in force stays
    expect(await config()).toMatchObject({ inForce: { source: 'stream', position: { revision: '12' } } });
  });

  it('starts by its files where the operator is away', async () => {
    const away = { WEFT_CONTROL: '127.0.0.1:9' };
    await start(away);
    await configure();
    const ready = async () => (await get(proxy.ports.health, '/healthz/ready')).status === 200;
    for (let up = false; !up;) up = await ready().catch(() => false);
    const { control } = (await get(proxy.ports.admin, '/stats')).json() as { control: object };
    expect(control).toMatchObject({ connected: false, connections: 0 });
  });
});
