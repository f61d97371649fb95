import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { MAX_REPORT_BYTES } from '../../core/control/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { until } from '../../kube/testing/until.ts';
import { podModel, reportOf, snapshotOf } from '../testing/model.ts';
import { ProxyClient, type Files } from '../testing/proxyClient.ts';
import type { Leadership } from './exchange.ts';
import { identifyPeer } from './identify.ts';
import { ReportRegistry } from './reports.ts';
import { startControlServer, type ControlLimits, type ControlServer } from './server.ts';

const cart = podModel('cart-1');
const payment = podModel('payment-1');
let mesh: TestMesh;
let foreign: TestMesh;
let server: ControlServer;
let reports: ReportRegistry;
let leadership: Leadership;
let snapshot: Snapshot | undefined;
let refused: string[];
let answers: string[];
let clients: ProxyClient[];

beforeAll(async () => {
  mesh = await createTestMesh();
  foreign = await createTestMesh();
});

async function start(limits: Partial<ControlLimits> = {}, now = Date.now): Promise<void> {
  const own = await mesh.workload('weft-system', 'weft-operator');
  reports = new ReportRegistry({ now: Date.now });
  server = await startControlServer({
    address: { host: '127.0.0.1', port: 0 },
    identity: { cert: own['tls.crt'], key: own['tls.key'], ca: own['ca.crt'] },
    identify: (certificate) => identifyPeer(certificate, 'cluster.local'),
    reports,
    snapshot: () => snapshot,
    leadership: () => leadership,
    onAnswer: (code) => answers.push(code),
    onRefused: (reason) => refused.push(reason),
    now,
    limits,
  });
}

async function proxy(account: string, from = mesh): Promise<ProxyClient> {
  const client = await ProxyClient.connect(server.port, {
    ...(await from.workload('shop', account)),
    'ca.crt': mesh.bundle,
  });
  clients.push(client);
  return client;
}

/** TLS as a proxy opens it, without HTTP/2 on top. */
function rawPeer(files?: Files): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = {
      port: server.port,
      host: '127.0.0.1',
      ...(files ? { cert: files['tls.crt'], key: files['tls.key'] } : {}),
      ca: mesh.bundle,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    };
    const socket = connectTls(options, () => resolve(socket));
    // after the handshake an error is the end of the connection, which is what tests look at
    socket.once('error', reject);
  });
}

beforeEach(() => {
  [refused, answers, clients] = [[], [], []];
  leadership = { leading: true };
  snapshot = snapshotOf({ pods: [cart, payment] });
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

describe('a proxy of the mesh', () => {
  it('reports for its pod, and is known as connected until its connection ends', async () => {
    await start();
    const client = await proxy('cart');
    expect(await client.report(reportOf(cart))).toEqual({ status: 200, body: { ok: true } });
    expect(reports.get(cart.uid)).toMatchObject({ connected: true, report: { proxyVersion: '0.1.0' } });
    await client.close();
    await until('the disconnect', () => reports.get(cart.uid)?.connected === false);
    expect(reports.counts()).toEqual({ known: 1, connected: 0 });
  });

  it.each([
    ['another pod of its namespace', reportOf(payment), 'pod.name'],
    ['a pod that does not exist', reportOf(podModel('cart-9')), 'pod'],
    ['an earlier pod of its name', reportOf({ ...cart, uid: 'old' }), 'pod'],
    ['a pod of another namespace', reportOf({ ...cart, namespace: 'bank' }), 'pod.namespace'],
  ])('is refused when it reports for %s', async (_what, report, field) => {
    await start();
    const { status, body } = await (await proxy('cart')).report(report);
    expect(status).toBe(403);
    expect(body).toMatchObject({ ok: false, code: 'REPORT_REFUSED' });
    expect('message' in body && body.message.startsWith(`${field}:`)).toBe(true);
    expect(reports.counts().known).toBe(0);
  });

  it('learns the leader from a replica that is not', async () => {
    leadership = { leading: false, address: '10.0.0.7:15010' };
    await start();
    expect(await (await proxy('cart')).report(reportOf(cart))).toMatchObject({
      status: 421,
      body: { ok: false, code: 'NOT_LEADER', leader: '10.0.0.7:15010' },
    });
  });

  it('is told to come back where no snapshot is complete', async () => {
    snapshot = undefined;
    await start();
    expect(await (await proxy('cart')).report(reportOf(cart))).toMatchObject({ status: 503 });
  });

  it.each([
    ['no JSON', 'x{', 422],
    ['an unknown version', '{"version":"weft.dev/control/v9"}', 422],
    ['an unknown field', JSON.stringify({ ...reportOf(cart), extra: 1 }), 422],
    ['more bytes than a report may have', 'x'.repeat(MAX_REPORT_BYTES + 1), 413],
  ])('gets an answer to %s, and its connection stays', async (_what, body, status) => {
    await start();
    const client = await proxy('cart');
    expect(await client.send(body)).toMatchObject({ status, body: { ok: false } });
    expect(await client.report(reportOf(cart))).toMatchObject({ status: 200 });
    expect(answers.at(-1)).toBe('OK');
  });

  it('gets an answer to another path and another method', async () => {
    await start();
    const client = await proxy('cart');
    expect(await client.send('', { ':path': '/' })).toMatchObject({ status: 404 });
    expect(await client.send('', { ':method': 'PUT' })).toMatchObject({ status: 400 });
  });

  it('goes on over its connection while the certificate of the operator is replaced', async () => {
    await start();
    const client = await proxy('cart');
    const next = await mesh.workload('weft-system', 'weft-operator');
    server.setIdentity({ cert: next['tls.crt'], key: next['tls.key'], ca: next['ca.crt'] });
    expect(await client.report(reportOf(cart))).toMatchObject({ status: 200 });
    const socket = await rawPeer(await mesh.workload('shop', 'cart'));
    expect(next['tls.crt']).toContain(String(socket.getPeerX509Certificate()));
    socket.destroy();
  });
});

describe('who is turned away', () => {
  it('a peer without certificate', async () => {
    await start();
    const socket = await rawPeer();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    // both ends learn of it on their own
    await until('the count', () => refused.length > 0);
    expect(new Set(refused)).toEqual(new Set(['handshake']));
  });

  it('a peer of another mesh of the same name', async () => {
    await start();
    await expect(proxy('cart', foreign)).rejects.toThrow(/closed by the server|alert|ECONNRESET/);
    expect(server.connections()).toBe(0);
  });

  it('a peer whose identity is none of a workload', async () => {
    await start();
    const files = await mesh.issue({ spiffeId: 'spiffe://cluster.local/somebody' });
    const client = await ProxyClient.connect(server.port, files);
    await client.closed;
    expect(refused).toContain('identity');
    expect(server.connections()).toBe(0);
  });

  it('one identity that takes more connections than its pods can need; others are not touched', async () => {
    await start();
    await Promise.all(Array.from({ length: 9 }, () => proxy('cart')));
    await until('the refusals', () => refused.length === 3);
    expect(refused).toEqual(['limit', 'limit', 'limit']);
    // two for its one pod, and four
    expect(server.connections()).toBe(6);
    expect(await (await proxy('payment')).report(reportOf(payment))).toMatchObject({ status: 200 });
  });

  it('a connection whose certificate has expired', async () => {
    await start({ pingMs: 20 }, () => Date.now() + 2 * 60 * 60 * 1000);
    const client = await proxy('cart');
    await client.closed;
    expect(refused).toContain('expired');
  });

  it('a peer that answers no ping', async () => {
    await start({ pingMs: 50 });
    const socket = await rawPeer(await mesh.workload('shop', 'cart'));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    // the preface and an empty SETTINGS frame (RFC 9113, section 3.4), and then nothing
    socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'));
    socket.resume();
    await closed;
    expect(refused).toContain('silent');
  });
});
