/** What one proxy does or meets, and others do not notice. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../kube/testing/until.ts';
import { podModel, reportOf, snapshotOf } from '../testing/model.ts';
import type { ProxyStream } from '../testing/proxyClient.ts';
import { createTestMesh, Harness, type TestMesh } from './testing/harness.ts';

const cart = podModel('cart-1');
const payment = podModel('payment-1');
const snapshot = snapshotOf({ pods: [cart, payment] });
let mesh: TestMesh;
let control: Harness;

beforeAll(async () => {
  mesh = await createTestMesh();
});

beforeEach(async () => {
  control = new Harness(mesh);
  await control.start({ limits: { pingMs: 200, silentMs: 60_000 }, snapshot: () => snapshot });
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

describe('a connection', () => {
  it('has no more streams and states for opening them anew', async () => {
    control.source.set('cart', {});
    const client = await control.connect('cart');
    for (let count = 0; count < 40; count += 1) {
      const stream = client.report(reportOf(cart));
      await until('an answer', () => stream.messages.length > 0);
      stream.stream.close();
      await stream.closed;
    }
    expect(control.counted.failed).toContain('OVERLOADED');
    expect(control.counted.received.length).toBeLessThan(30);
  });
});

describe('the others', () => {
  it('what fails for one proxy between its messages ends its stream, and no other', async () => {
    const stream = await served();
    control.source.set('payment', {});
    const other = await open('payment');
    other.state(reportOf(payment));
    other.ack(await other.next('update'));
    const document = control.source.document.bind(control.source);
    control.source.document = (workload) => {
      if (workload.endsWith('cart')) throw new Error('for the test');
      return document(workload);
    };
    expect(await stream.next('error')).toMatchObject({ code: 'MESSAGE_INVALID' });
    await stream.closed;
    control.source.set('payment', { parts: { policy: '2' } });
    await other.next('update');
  });

  it('a stream that is reset at once ends nothing else', async () => {
    const client = await control.connect('cart');
    for (let count = 0; count < 20; count += 1) client.open().stream.close(8);
    await served();
    expect(control.streams.size).toBe(1);
  });

  it('a proxy that answers what it has not read is sent nothing more', async () => {
    const large = 'x'.repeat(4 * 1024 * 1024);
    const document = control.source.set('cart', { services: { 'shop/a': large } });
    const stream = await open();
    stream.stream.pause();
    stream.state(reportOf(cart));
    await until('the update', () => control.counted.sent.length > 0);
    const position = { epoch: 1, revision: '102', hash: document.hash };
    stream.ack({ ...position, type: 'update', parts: {}, services: [], removed: [] });
    await until('the answer', () => control.counted.received.includes('ack'));
    expect(control.reports.get(cart.uid)?.report.inForce).toBeUndefined();
    control.source.set('cart', { services: { 'shop/a': `${large}2` } });
    expect(control.counted.sent).toEqual(['update']);
    stream.ack({ ...position, type: 'update', parts: {}, services: [], removed: [] });
    await until('the end', () => control.counted.failed.includes('MESSAGE_INVALID'));
    expect(control.counted.sent).toEqual(['update']);
  });
});
