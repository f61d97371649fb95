import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_PROXY_MESSAGE_BYTES, type StateMessage } from '../../core/control/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { until } from '../../kube/testing/until.ts';
import { inForce, podModel, reportOf, snapshotOf } from '../testing/model.ts';
import type { ProxyStream } from '../testing/proxyClient.ts';
import { FLOOD } from './asks.ts';
import { MAX_WAITING } from './streamWriter.ts';
import { createTestMesh, Harness, type TestMesh } from './testing/harness.ts';
import { SimulatedProxy } from './testing/simulatedProxy.ts';
import { directoryOf } from './testing/source.ts';

const cart = podModel('cart-1');
const payment = podModel('payment-1');
let mesh: TestMesh;
let control: Harness;
let snapshot: Snapshot | undefined;
let used: string[];

beforeAll(async () => {
  mesh = await createTestMesh();
});

beforeEach(async () => {
  snapshot = snapshotOf({ pods: [cart, payment] });
  used = [];
  control = new Harness(mesh);
  await control.start({
    limits: { pingMs: 200, silentMs: 60_000 },
    snapshot: () => snapshot,
    onUsed: (workload) => used.push(workload),
  });
});

afterEach(() => control.close());

const open = async (account = 'cart'): Promise<ProxyStream> => (await control.connect(account)).open();
const served = async (): Promise<ProxyStream> => {
  control.source.set('cart', { services: { 'shop/a': '1' } });
  const stream = await open();
  stream.state(reportOf(cart));
  stream.ack(await stream.next('update'));
  await until('the ack', () => control.counted.received.includes('ack'));
  return stream;
};
const entry = () => control.reports.get(cart.uid);

describe('a proxy', () => {
  it('gets the document and the directory, and what it has in force is known', async () => {
    const document = control.source.set('cart', { parts: { policy: '7' }, services: { 'shop/a': '1' } });
    control.source.setDirectory('shop', directoryOf({ 'shop/a': '1' }));
    const stream = await open();
    stream.state(reportOf(cart));
    const update = await stream.next('update');
    expect(update).toMatchObject({ hash: document.hash, whole: true, revision: '102' });
    expect(await stream.next('directory')).toMatchObject({ services: [{ name: 'shop/a' }] });
    expect(entry()).toMatchObject({ connected: true, responsive: true });
    expect(entry()?.report.inForce).toBeUndefined();
    stream.ack(update);
    await until('the acknowledgement', () => entry()?.report.inForce !== undefined);
    expect(entry()?.report.inForce).toMatchObject({
      hash: document.hash,
      resources: { 'MeshPolicy/shop/p': { generation: 7 } },
    });
  });

  it('gets only what differs, in milliseconds, and is told of as gone when its stream ends', async () => {
    const stream = await served();
    control.source.set('cart', { services: { 'shop/a': '1', 'shop/b': '2' } });
    const update = await stream.next('update');
    expect(update).toMatchObject({ parts: {}, services: [{ name: 'shop/b', is: '2' }], removed: [] });
    stream.ack(update);
    await until('the measure', () => control.counted.seconds.length > 0);
    expect(control.counted.seconds[0]).toBeGreaterThan(0);
    stream.stream.close();
    await until('the disconnect', () => entry()?.connected === false);
    expect(entry()).toMatchObject({ responsive: false, report: { inForce: { hash: update.hash } } });
    expect(control.reports.counts()).toEqual({ known: 1, connected: 0, unresponsive: 0 });
  });

  it('is sent nothing when it comes back with what is current, and little when little changed', async () => {
    const document = control.source.set('cart', { services: { 'shop/a': '1', 'shop/b': '1' } });
    const proxy = new SimulatedProxy();
    proxy.file(document, control.source.position());
    const report = reportOf(cart, { inForce: { ...inForce([]), hash: document.hash } });
    const { has } = proxy.state();
    (await open()).state(report, has);
    await until('the report', () => entry() !== undefined);
    // what an earlier replica said is told by the document itself
    expect(entry()?.report.inForce?.resources).toBe(document.resources);
    expect(control.counted.sent).toEqual([]);
    control.source.set('cart', { services: { 'shop/a': '1', 'shop/b': '2' } });
    const again = await open();
    again.state(report, has);
    expect(await again.next('update')).toMatchObject({ parts: {}, services: [{ name: 'shop/b' }] });
  });

  it('waits for its document where there is none yet', async () => {
    const stream = await open();
    stream.state(reportOf(cart), {}, ['bank/ledger']);
    await until('the report', () => entry() !== undefined);
    expect(control.counted.sent).toEqual([]);
    control.source.set('cart', {});
    const update = await stream.next('update');
    stream.ack(update);
    expect(update.services).toMatchObject([{ name: 'bank/ledger' }]);
    expect(used).toEqual(['deployment/shop/cart']);
  });

  it('has its refusal known, with the code and the field', async () => {
    control.source.set('cart', {});
    const stream = await open();
    stream.state(reportOf(cart));
    stream.refuse(await stream.next('update'), 'DOCUMENT_INVALID');
    await until('the refusal', () => entry()?.report.refused !== undefined);
    expect(entry()?.report.refused).toMatchObject({ code: 'DOCUMENT_INVALID' });
    expect(control.counted.refused).toEqual(['DOCUMENT_INVALID']);
    control.source.set('cart', { services: { 'shop/a': '1' } });
    stream.ack(await stream.next('update'));
    await until('the acknowledgement', () => entry()?.report.inForce !== undefined);
    expect(entry()?.report.refused).toBeUndefined();
  });

  it('that stops is unresponsive, and responsive again when it goes on', async () => {
    control.source.set('cart', {});
    const relay = await control.relay();
    const stream = (await control.connect('cart', { port: relay.port })).report(reportOf(cart));
    await stream.next('update');
    relay.pause();
    await until('the silence', () => entry()?.responsive === false);
    expect(entry()?.connected).toBe(true);
    expect(control.reports.counts()).toMatchObject({ connected: 1, unresponsive: 1 });
    relay.resume();
    await until('the answer', () => entry()?.responsive === true);
  });
});

describe('an ask', () => {
  it('is answered by an update with what there is, and by the reasons for the rest', async () => {
    const stream = await served();
    control.source.unavailable.set('bank/none', 'SERVICE_UNKNOWN').set('bank/secret', 'SERVICE_HIDDEN');
    stream.send({ type: 'ask', services: ['bank/ledger', 'bank/none', 'bank/secret'] });
    expect(await stream.next('update')).toMatchObject({ services: [{ name: 'bank/ledger' }] });
    expect(await stream.next('absent')).toMatchObject({
      services: { 'bank/none': 'SERVICE_UNKNOWN', 'bank/secret': 'SERVICE_HIDDEN' },
    });
    expect(control.counted.asked).toEqual(['Available', 'SERVICE_UNKNOWN', 'SERVICE_HIDDEN']);
    expect(used).toEqual(['deployment/shop/cart']);
  });

  it('is limited; a flood ends the stream, and others are served', async () => {
    const stream = await served();
    control.source.unavailable.set('bank/none', 'SERVICE_UNKNOWN');
    const services = Array<string>(64).fill('bank/none');
    for (let asked = 0; asked < FLOOD + 200; asked += services.length) stream.send({ type: 'ask', services });
    expect(await stream.next('error')).toMatchObject({ code: 'ASK_LIMIT' });
    await stream.closed;
    expect(control.counted.failed).toEqual(['ASK_LIMIT']);
    expect(control.counted.asked.filter((outcome) => outcome === 'SERVICE_UNKNOWN').length).toBeLessThan(110);
    control.source.set('payment', {});
    const other = await open('payment');
    other.state(reportOf(payment));
    await other.next('update');
  });
});

describe('who breaks the rules', () => {
  const state = (change: Partial<StateMessage> = {}): string =>
    `${JSON.stringify({ type: 'state', report: reportOf(cart), has: { parts: {}, services: {} }, used: [], ...change })}\n`;

  it.each([
    ['no JSON', 'x{\n', 'MESSAGE_INVALID'],
    ['no object', '7\n', 'MESSAGE_INVALID'],
    ['an unknown type', '{"type":"__proto__"}\n', 'MESSAGE_INVALID'],
    ['an unknown field', state({ extra: 1 } as object), 'MESSAGE_INVALID'],
    ['a type that is wrong', state({ used: 'x' as unknown as string[] }), 'MESSAGE_INVALID'],
    ['an ask before its state', '{"type":"ask","services":["a/b"]}\n', 'MESSAGE_INVALID'],
    [
      'an answer to nothing',
      `${state()}{"type":"ack","epoch":1,"revision":"1","hash":"x","since":"now"}\n`,
      'MESSAGE_INVALID',
    ],
    ['a line without end', 'x'.repeat(MAX_PROXY_MESSAGE_BYTES + 1), 'MESSAGE_INVALID'],
    ['states without end', state().repeat(30), 'MESSAGE_INVALID'],
    [
      'a version that is not known',
      '{"type":"state","report":{"version":"weft.dev/control/v9"}}\n',
      'DOCUMENT_VERSION_UNKNOWN',
    ],
    ['another pod of its namespace', state({ report: reportOf(payment) }), 'REPORT_REFUSED'],
    ['a pod that does not exist', state({ report: reportOf(podModel('cart-9')) }), 'REPORT_REFUSED'],
    ['an earlier pod of its name', state({ report: reportOf({ ...cart, uid: 'old' }) }), 'REPORT_REFUSED'],
    [
      'a pod of another namespace',
      state({ report: reportOf({ ...cart, namespace: 'bank' }) }),
      'REPORT_REFUSED',
    ],
    [
      'the document of another workload',
      state({ report: reportOf({ ...cart, workload: payment.workload }) }),
      'REPORT_REFUSED',
    ],
    ['two pods at once', state() + state({ report: reportOf(podModel('cart-2')) }), 'REPORT_REFUSED'],
  ])('is told so and loses the stream: %s', async (_what, text, code) => {
    snapshot = snapshotOf({ pods: [cart, payment, podModel('cart-2')] });
    control.source.set('payment', {});
    const stream = await open();
    stream.raw(text);
    expect(await stream.next('error')).toMatchObject({ code });
    await stream.closed;
    expect(control.counted.failed).toEqual([code]);
    expect(control.counted.sent).toEqual([]);
    await until('the end', () => control.streams.size === 0);
    expect(control.reports.counts().connected).toBe(0);
  });

  it('a second stream of a connection is refused, the first goes on', async () => {
    control.source.set('cart', {});
    const client = await control.connect('cart');
    const first = client.report(reportOf(cart));
    await first.next('update');
    const second = client.open();
    expect(await second.next('error')).toMatchObject({ code: 'BAD_REQUEST' });
    await second.closed;
    expect(control.reports.get(cart.uid)?.connected).toBe(true);
  });

  it('a replica without snapshot sends proxies elsewhere', async () => {
    snapshot = undefined;
    const stream = await open();
    stream.state(reportOf(cart));
    expect(await stream.next('error')).toMatchObject({ code: 'NOT_CONFIGURED' });
  });

  it('a proxy that goes on asking and reads no answer loses the stream', async () => {
    control.source.set('cart', {});
    const large = 'x'.repeat(1024 * 1024);
    control.source.setDirectory('shop', directoryOf({ 'shop/a': large }));
    const stream = await open();
    stream.stream.pause();
    stream.state(reportOf(cart));
    for (let count = 0; count <= MAX_WAITING; count += 1) {
      stream.send({ type: 'ask', services: [`bank/${'n'.repeat(300)}`] });
      control.source.unavailable.set(`bank/${'n'.repeat(300)}`, 'SERVICE_UNKNOWN');
    }
    await until('the end', () => control.counted.failed.includes('OVERLOADED'));
    expect(control.counted.sent.length).toBeLessThanOrEqual(MAX_WAITING + 2);
  });

  it('a proxy that reads nothing is sent one update and one directory, whatever changes', async () => {
    control.source.set('cart', {});
    const stream = await open();
    stream.stream.pause();
    stream.state(reportOf(cart));
    await until('the update', () => control.counted.sent.length > 0);
    const large = 'x'.repeat(1024 * 1024);
    for (let change = 0; change < 50; change += 1) {
      control.source.set('cart', { services: { 'shop/a': `${change}${large}` } });
      control.source.setDirectory('shop', directoryOf({ 'shop/a': `${change}${large}` }));
    }
    control.source.set('payment', {});
    const other = await open('payment');
    other.state(reportOf(payment));
    await other.next('update');
    expect(control.counted.sent.filter((type) => type === 'update')).toHaveLength(2);
    expect(control.counted.bytes).toBeLessThan(3 * large.length);
  });
});
