import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { Agent, get as httpGet } from 'node:http';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { documentText, eventually, sectionOf } from '../config/testing/volumes.ts';
import type { ServingStats } from '../serving.ts';
import { ProxyFixture } from '../testing/proxyFixture.ts';
import { MAIN, type ProxyProcess } from '../testing/proxyProcess.ts';

const run = promisify(execFile);
const MORTAL = join(import.meta.dirname, '..', 'testing', 'mortalWorker.ts');
const WORKERS = 2;

let mesh: TestMesh;
let fixture: ProxyFixture;
let proxy: ProxyProcess;
let ends: string;

const json = async (port: number, path: string): Promise<Record<string, unknown>> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).json() as Promise<Record<string, unknown>>;

const stats = async () => (await json(proxy.ports.admin, '/stats')) as unknown as ServingStats;

const metrics = async () => (await fetch(`http://127.0.0.1:${proxy.ports.metrics}/metrics`)).text();

/** Sum of the samples of a family whose labels hold `having`. */
function total(text: string, family: string, having = ''): number {
  const lines = text.split('\n').filter((line) => line.startsWith(family) && line.includes(having));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** A request on a connection of its own, which `agent` may keep. Gives its status, or 0 where it failed. */
function request(path: string, { port = proxy.ports.inbound, agent = new Agent() } = {}): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = httpGet({ host: '127.0.0.1', port, path, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode!));
      response.on('error', () => resolve(0));
    });
    outgoing.on('error', () => resolve(0));
  });
}

const many = (count: number, path: string, port = proxy.ports.inbound): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, () => request(path, { port })));

/** Waits for a condition; what fails meanwhile, such as a server that is not up yet, does not meet it. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not in time: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const workersServe = (count: number) =>
  until(async () => {
    const { workers } = await json(proxy.ports.health, '/healthz/ready');
    return (workers as { serving?: number } | undefined)?.serving === count;
  });

const said = (text: string) => proxy.diagnostics.filter(({ message }) => String(message).startsWith(text));

const configure = (change: Parameters<typeof documentText>[0]) =>
  proxy.config.write({ 'config.json': documentText(change) });

/** Serial number of the certificate that one connection of a peer is shown. */
function serialShown(peer: Awaited<ReturnType<TestMesh['workload']>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: proxy.ports.inbound,
      cert: peer['tls.crt'],
      key: peer['tls.key'],
      ca: peer['ca.crt'],
      ALPNProtocols: ['weft-tcp/1'],
      checkServerIdentity: () => undefined,
    });
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
  });
}

beforeEach(async () => {
  mesh = await createTestMesh();
  fixture = await ProxyFixture.create((account) => mesh.workload('shop', account));
  ends = join(fixture.folder, 'ends');
  await mkdir(ends);
  proxy = await fixture.start({
    WEFT_WORKERS: String(WORKERS),
    WEFT_TEST_END: ends,
    NODE_OPTIONS: `--import ${MORTAL} --expose-gc`,
  });
  await fixture.configure();
  await workersServe(WORKERS);
});

afterEach(() => fixture.stop());

describe('a proxy with two workers', () => {
  it('serves by both, counts as one, and writes whole lines', async () => {
    const statuses = [
      ...(await many(100, `/in/${'x'.repeat(900)}`)),
      ...(await many(100, '/out', proxy.ports.outbound)),
    ];
    expect(statuses).toEqual(Array.from({ length: 200 }, () => 200));
    const text = await metrics();
    expect(total(text, 'weft_requests_total{', 'direction="inbound"')).toBe(100);
    expect(total(text, 'weft_requests_total{', 'direction="outbound"')).toBe(100);
    expect(total(text, 'weft_request_duration_seconds_bucket{', 'le="+Inf"')).toBe(200);
    expect(total(text, 'weft_connections_total{', 'direction="inbound"')).toBe(100);
    expect(total(text, 'weft_workers_serving ')).toBe(WORKERS);
    expect(text.match(/^# TYPE weft_requests_total /gm)).toHaveLength(1);
    expect(text.match(/^weft_process_event_loop_lag_seconds\{quantile="1"/gm)).toHaveLength(1 + WORKERS);
    await eventually(() => proxy.accessLog.length >= 200);
    expect(proxy.accessLog.filter(({ status }) => status === 200)).toHaveLength(200);
  });

  it('deals connections out to both, and shows each on its admin page', async () => {
    fixture.answer = () => new Promise(() => {});
    void many(100, '/held');
    await until(async () => (await stats()).inbound.requests === 100);
    const { inbound, workers } = await stats();
    expect(inbound.connections).toBe(100);
    expect(workers).toMatchObject([
      { worker: 1, serving: true, answered: true },
      { worker: 2, serving: true, answered: true },
    ]);
    // each gets half, give or take
    for (const worker of workers!) expect(worker.inbound!.requests).toBeGreaterThan(10);
    expect(workers![0]!.inbound!.requests + workers![1]!.inbound!.requests).toBe(100);
  });

  it('brings a changed configuration to both', async () => {
    expect(new Set(await many(60, '/'))).toEqual(new Set([200]));
    const section = sectionOf({ app: 'cart' });
    section.inbound.authorization.default = 'Deny';
    await configure({ revision: '11', sections: [section] });
    await until(async () => (await many(60, '/')).every((status) => status === 403));
    await configure({ revision: '12' });
    await until(async () => (await many(60, '/')).every((status) => status === 200));
  });

  it('brings a changed certificate to both', async () => {
    const peer = await mesh.workload('shop', 'web');
    const serials = async () => Promise.all(Array.from({ length: 30 }, () => serialShown(peer)));
    const before = await serials();
    expect(new Set(before).size).toBe(1);
    await fixture.renew();
    await until(async () => (await serials()).every((serial) => serial !== before[0]));
    expect(new Set(await serials()).size).toBe(1);
  });

  it('replaces a worker that ends, serves on meanwhile, and forgets no count', async () => {
    await many(100, '/before');
    expect(total(await metrics(), 'weft_requests_total{')).toBe(100);
    await writeFile(join(ends, 'worker-1'), '');
    await eventually(() => said('a worker ended').length === 1);
    expect((await fetch(`http://127.0.0.1:${proxy.ports.health}/healthz/ready`)).status).toBe(200);
    expect(new Set(await many(20, '/meanwhile'))).toEqual(new Set([200]));
    await workersServe(WORKERS);
    expect(new Set(await many(60, '/after'))).toEqual(new Set([200]));
    const text = await metrics();
    expect(total(text, 'weft_requests_total{')).toBe(180);
    expect(total(text, 'weft_worker_restarts_total ')).toBe(1);
    expect(said('a worker ended')).toMatchObject([{ worker: 1, level: 'Error' }]);
    const { workers } = await stats();
    expect(workers).toMatchObject([
      { worker: 1, serving: true },
      { worker: 2, serving: true },
    ]);
  });

  it('drains both, and ends with the last request of each', async () => {
    const held: (() => void)[] = [];
    fixture.answer = (path) =>
      path === '/slow' ? new Promise((resolve) => held.push(() => resolve())) : Promise.resolve();
    const slow = many(40, '/slow');
    await eventually(() => held.length === 40);
    await run(process.execPath, ['--no-warnings', MAIN, 'drain'], { env: { WEFT_RUN_DIR: proxy.runDir } });
    await eventually(() => said('draining').length === 1);
    expect(new Set(await many(20, '/still'))).toEqual(new Set([200]));
    proxy.child.kill('SIGTERM');
    await eventually(() => said('ending').length === 1);
    await until(async () => (await request('/late')) === 0);
    expect(proxy.child.exitCode).toBeNull();
    for (const release of held) release();
    expect(new Set(await slow)).toEqual(new Set([200]));
    expect(await proxy.ended).toBe(0);
    expect(proxy.accessLog.filter(({ path }) => path === '/slow')).toHaveLength(40);
  });
});
