import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FORWARD_PATH } from '../../core/control/index.ts';
import { systemClock } from '../../kube/index.ts';
import { until } from '../../kube/testing/until.ts';
import { inForce, podModel, reportOf, snapshotOf } from '../testing/model.ts';
import type { ProxyStream } from '../testing/proxyClient.ts';
import { Forwarder } from './forwarder.ts';
import { createTestMesh, Harness, type TestMesh } from './testing/harness.ts';
import type { Leadership } from './types.ts';

const workload = 'deployment/shop/cart';
const pods = Array.from({ length: 3 }, (_, index) => podModel(`cart-${index}`));
const [cart] = pods as [(typeof pods)[number]];
const snapshot = snapshotOf({ pods });
let mesh: TestMesh;
let running: Harness[];
let forwarders: Forwarder[];
/** As the lease says. */
let leader: Harness | undefined;

beforeAll(async () => {
  mesh = await createTestMesh();
});

beforeEach(() => {
  [running, forwarders, leader] = [[], [], undefined];
});

afterEach(async () => {
  for (const forwarder of forwarders) forwarder.stop();
  await Promise.all(running.map((replica) => replica.close()));
});

interface Replica {
  readonly control: Harness;
  readonly forwarder: Forwarder;
}

async function replica(operator = 'weft-operator'): Promise<Replica> {
  const control = new Harness(mesh);
  const leadership = (): Leadership => ({
    leading: leader === control,
    ...(leader ? { address: `127.0.0.1:${leader.server.port}` } : {}),
  });
  const own = await mesh.workload('weft-system', operator);
  const identity = {
    cert: own['tls.crt'],
    key: own['tls.key'],
    ca: own['ca.crt'],
    spiffeId: 'spiffe://cluster.local/ns/weft-system/sa/weft-operator',
  };
  const forwarder = new Forwarder({
    reports: control.reports,
    leadership,
    identity: () => identity,
    workloads: () => control.streams.workloads(),
    used: (of) => control.source.usedBy(of),
    clock: systemClock,
    random: () => 0,
    log: pino({ level: 'silent' }),
  });
  await control.start({
    snapshot: () => snapshot,
    leadership,
    onUsed: (of) => forwarder.used(of),
    limits: { pingMs: 200 },
  });
  control.source.set('cart', {});
  forwarder.start();
  running.push(control);
  forwarders.push(forwarder);
  return { control, forwarder };
}

async function proxyOf({ control }: Replica, pod = cart, port?: number): Promise<ProxyStream> {
  const client = await control.connect(pod.serviceAccount, port === undefined ? {} : { port });
  const stream = client.report(reportOf(pod));
  stream.ack(await stream.next('update'));
  return stream;
}

const inForceAt = (at: Harness, pod = cart) => at.reports.get(pod.uid)?.report.inForce?.hash;

describe('a replica that does not lead', () => {
  it('tells the leader what it knows, then what changes', async () => {
    const [first, second] = [await replica(), await replica()];
    const stream = await proxyOf(second);
    leader = first.control;
    const wanted = second.control.source.document(workload)!;
    await until('the report', () => inForceAt(first.control) === wanted.hash);
    expect(second.forwarder.leader).toBe(`127.0.0.1:${first.control.server.port}`);
    const before = first.control.reports.get(cart.uid)!.report.inForce!.resources;

    const next = second.control.source.set('cart', { services: { 'shop/a': '1' } });
    stream.ack(await stream.next('update'));
    await until('the acknowledgement', () => inForceAt(first.control) === next.hash);
    // endpoints alone: nobody has to compare resources
    expect(first.control.reports.get(cart.uid)!.report.inForce!.resources).toBe(before);

    const policy = second.control.source.set('cart', { parts: { policy: '2' } });
    stream.ack(await stream.next('update'));
    await until('the policy', () => inForceAt(first.control) === policy.hash);
    expect(first.control.reports.get(cart.uid)!.report.inForce!.resources).toEqual(policy.resources);

    stream.stream.close();
    await until('the end', () => first.control.reports.get(cart.uid)?.connected === false);
    expect(inForceAt(first.control)).toBe(policy.hash);
  });

  it('tells that a proxy does not answer', async () => {
    const [first, second] = [await replica(), await replica()];
    leader = first.control;
    const relay = await second.control.relay();
    await proxyOf(second, cart, relay.port);
    await until('the report', () => first.control.reports.get(cart.uid)?.responsive === true);
    relay.pause();
    await until('the silence', () => first.control.reports.get(cart.uid)?.responsive === false);
    expect(first.control.reports.get(cart.uid)?.connected).toBe(true);
    relay.resume();
    await until('the answer', () => first.control.reports.get(cart.uid)?.responsive === true);
  });

  it('tells what workloads use', async () => {
    const [first, second] = [await replica(), await replica()];
    leader = first.control;
    const stream = await proxyOf(second);
    stream.send({ type: 'ask', services: ['bank/ledger'] });
    stream.ack(await stream.next('update'));
    await until('the use', () => first.control.source.usedBy(workload).size > 0);
    expect([...first.control.source.usedBy(workload)]).toEqual(['bank/ledger']);
  });

  it('tells all to the next leader, and the one before knows it as gone', async () => {
    const [first, second, third] = [await replica(), await replica(), await replica()];
    leader = first.control;
    await Promise.all(pods.map((pod) => proxyOf(third, pod)));
    await until('the first knows', () => first.control.reports.counts().connected === 3);
    leader = second.control;
    await until('the second knows', () => second.control.reports.counts().connected === 3);
    await until('the first has lost them', () => first.control.reports.counts().connected === 0);
    // one that leads from now on hears the rest itself
    leader = third.control;
    await until('the second has lost them', () => second.control.reports.counts().connected === 0);
    expect(third.control.reports.counts().connected).toBe(3);
    expect(third.forwarder.leader).toBeUndefined();
  });

  it('a proxy that goes from one replica to another stays connected', async () => {
    const [first, second] = [await replica(), await replica()];
    leader = first.control;
    const old = await proxyOf(second);
    await until('the report', () => first.control.reports.get(cart.uid)?.connected === true);
    const seen: boolean[] = [];
    first.control.reports.onChange(({ pod }) => seen.push(first.control.reports.get(pod.uid)!.connected));
    await proxyOf(first);
    old.stream.close();
    await until('the end', () => second.control.reports.get(cart.uid)?.connected === false);
    await until('the news of it', () => seen.length >= 3);
    expect(new Set(seen)).toEqual(new Set([true]));
  });
});

describe('what the leader takes', () => {
  it('comes from the operator alone', async () => {
    const { control } = await replica();
    leader = control;
    const stream = (await control.connect('cart')).open({ ':path': FORWARD_PATH });
    expect(await stream.next('error')).toMatchObject({ code: 'IDENTITY_REFUSED' });
    const other = (await control.connect('cart', { namespace: 'weft-system' })).open({
      ':path': FORWARD_PATH,
    });
    expect(await other.next('error')).toMatchObject({ code: 'IDENTITY_REFUSED' });
  });

  it('goes to the one that holds the lease, and has the form of a message', async () => {
    const { control } = await replica();
    const operator = () => control.connect('weft-operator', { namespace: 'weft-system' });
    const early = (await operator()).open({ ':path': FORWARD_PATH });
    expect(await early.next('error')).toMatchObject({ code: 'NOT_LEADER' });
    leader = control;
    const stream = (await operator()).open({ ':path': FORWARD_PATH });
    stream.raw('{"type":"gone"}\n');
    // what comes after it is heard: one proxy holds up no other
    const message = { type: 'report', report: reportOf(cart), responsive: true };
    stream.raw(`${JSON.stringify(message)}\n`);
    await until('the report', () => control.reports.get(cart.uid) !== undefined);
    expect(control.counted.skipped).toEqual(['MESSAGE_INVALID']);
    expect(control.counted.failed).toEqual(['NOT_LEADER']);
  });

  it('may be as long as what a proxy says, in any notation', async () => {
    const { control } = await replica();
    leader = control;
    const stream = (await control.connect('weft-operator', { namespace: 'weft-system' })).open({
      ':path': FORWARD_PATH,
    });
    const resources = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, index) => [
        `${index}${'x'.repeat(590)}`,
        { uid: 'u', generation: 1 },
      ]),
    );
    const report = reportOf(cart, { inForce: { ...inForce([]), resources } });
    stream.raw(`${JSON.stringify({ type: 'report', report, responsive: true })}\n`);
    await until('the report', () => control.reports.get(cart.uid) !== undefined);
    expect(control.counted.failed).toEqual([]);
  });

  it('is given to nobody who does not prove to be the operator', async () => {
    const { control } = await replica();
    const impostor = new Harness(mesh);
    const own = await mesh.workload('shop', 'cart');
    await impostor.start({ snapshot: () => snapshot });
    impostor.server.setIdentity({ cert: own['tls.crt'], key: own['tls.key'], ca: own['ca.crt'] });
    running.push(impostor);
    await proxyOf({ control, forwarder: forwarders[0]! });
    leader = impostor;
    await until(
      'the attempt',
      () => impostor.counted.turnedAway.length + impostor.server.connections() > 0,
    ).catch(() => undefined);
    expect(forwarders[0]!.leader).toBeUndefined();
    expect(impostor.reports.counts().known).toBe(0);
  });
});
