import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../core/model/index.ts';
import { systemClock } from '../../kube/index.ts';
import { until } from '../../kube/testing/until.ts';
import { podModel, reportOf, snapshotOf } from '../testing/model.ts';
import { ProxyClient } from '../testing/proxyClient.ts';
import type { ControlLimits } from './sessions.ts';
import { createTestMesh, Harness, type TestMesh } from './testing/harness.ts';

const cart = podModel('cart-1');
const payment = podModel('payment-1');
let mesh: TestMesh;
let foreign: TestMesh;
let control: Harness;
let snapshot: Snapshot | undefined;

beforeAll(async () => {
  mesh = await createTestMesh();
  foreign = await createTestMesh();
});

beforeEach(() => {
  snapshot = snapshotOf({ pods: [cart, payment] });
});

async function start(limits: Partial<ControlLimits> = {}, clock = systemClock): Promise<void> {
  control = new Harness(mesh, clock);
  await control.start({ limits, snapshot: () => snapshot });
  control.source.set('cart', {});
  control.source.set('payment', {});
}

const isServed = async (account: string, pod = cart): Promise<void> => {
  const stream = (await control.connect(account)).report(reportOf(pod));
  await stream.next('update');
};

afterEach(() => control.close());

describe('who is turned away', () => {
  const counted = () => control.counted;

  it('a peer without certificate', async () => {
    await start();
    const socket = await control.rawPeer();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    // both ends learn of it on their own
    await until('the count', () => counted().turnedAway.length > 0);
    expect(new Set(counted().turnedAway)).toEqual(new Set(['handshake']));
  });

  it('a peer of another mesh of the same name', async () => {
    await start();
    await expect(control.connect('cart', { from: foreign })).rejects.toThrow(
      /closed by the server|alert|ECONNRESET/,
    );
    expect(control.server.connections()).toBe(0);
  });

  it('a peer whose identity is none of a workload', async () => {
    await start();
    const files = await mesh.issue({ spiffeId: 'spiffe://cluster.local/somebody' });
    const client = await ProxyClient.connect(control.server.port, files);
    await client.closed;
    expect(counted().turnedAway).toContain('identity');
    expect(control.server.connections()).toBe(0);
  });

  it('one identity that takes more connections than its pods can need; others are not touched', async () => {
    await start();
    await Promise.all(Array.from({ length: 9 }, () => control.connect('cart')));
    await until('the refusals', () => counted().turnedAway.length === 3);
    expect(counted().turnedAway).toEqual(['limit', 'limit', 'limit']);
    // two for its one pod, and four
    expect(control.server.connections()).toBe(6);
    await isServed('payment', payment);
  });

  it('a connection whose certificate has expired', async () => {
    const later = { ...systemClock, now: () => Date.now() + 2 * 60 * 60 * 1000 };
    await start({ pingMs: 40 }, later);
    const client = await control.connect('cart');
    const stream = client.report(reportOf(cart));
    await client.closed;
    await stream.closed;
    expect(counted().turnedAway).toContain('expired');
  });

  it('a peer that answers no ping for long', async () => {
    await start({ pingMs: 40, silentMs: 120 });
    const socket = await control.rawPeer(await mesh.workload('shop', 'cart'));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    // the preface and an empty SETTINGS frame (RFC 9113, section 3.4), and then nothing
    socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'));
    socket.resume();
    await closed;
    expect(counted().turnedAway).toContain('silent');
  });
});

describe('the server', () => {
  it('goes on with open connections while the certificate of the operator is replaced', async () => {
    await start();
    const client = await control.connect('cart');
    const next = await mesh.workload('weft-system', 'weft-operator');
    control.server.setIdentity({ cert: next['tls.crt'], key: next['tls.key'], ca: next['ca.crt'] });
    await client.report(reportOf(cart)).next('update');
    const socket = await control.rawPeer(await mesh.workload('shop', 'cart'));
    expect(next['tls.crt']).toContain(String(socket.getPeerX509Certificate()));
    socket.destroy();
  });

  it('takes a herd that comes at once', async () => {
    snapshot = snapshotOf({ pods: Array.from({ length: 40 }, (_, index) => podModel(`cart-${index}`)) });
    await start();
    const clients = await Promise.all(Array.from({ length: 40 }, () => control.connect('cart')));
    expect(clients).toHaveLength(40);
    expect(control.counted.turnedAway).toEqual([]);
  });

  it('ends streams and connections in order when it closes', async () => {
    await start();
    const client = await control.connect('cart');
    const stream = client.report(reportOf(cart));
    await stream.next('update');
    let goaway = false;
    client.session.once('goaway', () => (goaway = true));
    await control.server.close();
    await client.closed;
    expect(goaway).toBe(true);
    await until('the disconnect', () => control.reports.get(cart.uid)?.connected === false);
  });

  it.each([
    { headers: { ':path': '/' }, status: 404, code: 'UNKNOWN_DESTINATION' },
    { headers: { ':method': 'PUT' }, status: 400, code: 'BAD_REQUEST' },
  ])('says what is wrong with $headers', async ({ headers, status, code }) => {
    await start();
    const stream = (await control.connect('cart')).open(headers);
    expect(await stream.next('error')).toMatchObject({ code });
    await stream.closed;
    expect(stream.status).toBe(status);
    expect(control.counted.failed).toEqual([code]);
  });
});
