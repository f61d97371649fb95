import { beforeEach, describe, expect, it } from 'vitest';
import type { OperatorMessage, StateMessage, UpdateMessage } from '../../core/control/index.ts';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Delivery, GATHER_DIRECTORY_MS, GATHER_MS, RETRY_MS } from './delivery.ts';
import { Lines } from './lines.ts';
import { SimulatedProxy } from './testing/simulatedProxy.ts';
import { directoryOf, TestSource } from './testing/source.ts';

let clock: ManualClock;
let source: TestSource;
let proxy: SimulatedProxy;
let delivery: Delivery;
let sent: OperatorMessage[];

beforeEach(() => {
  clock = new ManualClock();
  source = new TestSource();
  proxy = new SimulatedProxy();
  sent = [];
  const send = (line: Buffer): void => void sent.push(JSON.parse(line.toString('utf8')) as OperatorMessage);
  const lines = new Lines(source);
  delivery = new Delivery({
    workload: 'deployment/shop/cart',
    namespace: 'shop',
    source,
    lines,
    clock,
    outlet: { update: send, directory: send },
  });
  source.onChange(() => lines.observe('shop'));
  source.onChange(() => delivery.changed(clock.monotonic()));
});

/** What was sent since the last look, by type and what it brings. */
const news = (): string[] =>
  sent
    .splice(0)
    .map((message) =>
      message.type === 'update'
        ? `update ${message.services.map((service) => (service as unknown as { is: string }).is).join()}`
        : message.type,
    );
const version = (is: string) => source.set('cart', { services: { 'shop/a': is } });
const answer = ({ hash }: { hash: string }) => ({ epoch: 1, revision: '1', hash, since: 'now' });
const ack = (of: { hash: string }) => {
  const acknowledged = delivery.acknowledged({ type: 'ack', ...answer(of) });
  delivery.look();
  return acknowledged;
};
const refuse = (of: { hash: string }, code: string): void => {
  delivery.refused({ type: 'refusal', ...answer(of), code, message: '' });
  delivery.look();
};
const state = (has: Partial<StateMessage['has']> = {}): void =>
  delivery.state({ ...proxy.state(), has: { parts: {}, services: {}, ...has } });

describe('updates', () => {
  it('wait for the document and for what the proxy has', () => {
    state();
    expect(news()).toEqual([]);
    version('1');
    expect(news()).toEqual(['update 1']);
  });

  it('are none where the proxy has the document already', () => {
    proxy.file(version('1'), source.position());
    delivery.state(proxy.state());
    clock.advance(RETRY_MS * 2);
    delivery.look();
    expect(news()).toEqual([]);
  });

  it('go out one at a time: first change at once, then the newest when the last is answered', () => {
    state();
    const first = version('1');
    expect(news()).toEqual(['update 1']);
    version('2');
    const third = version('3');
    clock.advance(GATHER_MS * 2);
    expect(news()).toEqual([]);
    ack(first);
    expect(news()).toEqual(['update 3']);
    ack(third);
    clock.advance(GATHER_MS * 2);
    expect(news()).toEqual([]);
  });

  it('gather what comes soon after one', () => {
    state();
    ack(version('1'));
    news();
    clock.advance(GATHER_MS - 20);
    version('2');
    clock.advance(10);
    version('3');
    expect(news()).toEqual([]);
    clock.advance(10);
    expect(news()).toEqual(['update 3']);
  });

  it('do not wait where the application does', () => {
    state();
    ack(version('1'));
    news();
    source.use('deployment/shop/cart', ['bank/b']);
    expect(news()).toEqual([]);
    delivery.look(true);
    expect(news()).toEqual(['update used']);
  });

  it('that the application waits for follow the answer to the one before at once', () => {
    state();
    const first = version('1');
    news();
    source.use('deployment/shop/cart', ['bank/b']);
    delivery.look(true);
    expect(news()).toEqual([]);
    ack(first);
    expect(news()).toEqual(['update used']);
  });

  it('are being written until the connection has taken them', () => {
    state();
    version('1');
    expect(delivery.isWriting).toBe(true);
    delivery.updateFlushed();
    expect(delivery.isWriting).toBe(false);
  });

  it('say how long a change took, from the first that was gathered', () => {
    state();
    expect(ack(version('1')).tookMs).toBe(0);
    version('2');
    clock.advance(30);
    const third = version('3');
    clock.advance(25);
    expect(ack(third).tookMs).toBe(55);
  });

  it('take an answer only to what is outstanding', () => {
    state();
    const first = version('1');
    expect(() => ack({ hash: 'other' })).toThrow(/no update/);
    ack(first);
    expect(() => ack(first)).toThrow(/no update/);
  });

  it('never take a proxy back to what is older than what it has', () => {
    version('1');
    proxy.file(version('2'), { epoch: 1, revision: '500' });
    version('3');
    delivery.state(proxy.state());
    delivery.look();
    expect(news()).toEqual([]);
    source.revision = 500;
    version('4');
    expect(news()).toEqual(['update 4']);
  });
});

describe('a refusal', () => {
  it('holds for this content and for a while', () => {
    state();
    const first = version('1');
    refuse(first, 'DOCUMENT_INVALID');
    delivery.look();
    expect(news()).toEqual(['update 1']);
    clock.advance(RETRY_MS - 1);
    delivery.look();
    expect(news()).toEqual([]);
    clock.advance(1);
    delivery.look();
    expect(news()).toEqual(['update 1']);
    refuse(first, 'DOCUMENT_INVALID');
    version('2');
    clock.advance(GATHER_MS);
    expect(news()).toEqual(['update 2']);
  });

  it('of a hash waits for what the proxy has, and is answered by everything', () => {
    const first = version('1');
    proxy.file(first, source.position());
    delivery.state(proxy.state());
    const second = version('2');
    refuse(second, 'DOCUMENT_HASH_MISMATCH');
    news();
    clock.advance(RETRY_MS);
    delivery.look();
    expect(news()).toEqual([]);
    state();
    expect(sent[0]).toMatchObject({ whole: true, hash: second.hash } satisfies Partial<UpdateMessage>);
    refuse(second, 'DOCUMENT_HASH_MISMATCH');
    news();
    state();
    expect(news()).toEqual([]);
    clock.advance(RETRY_MS);
    delivery.look();
    expect(news()).toEqual(['update 2']);
  });
});

describe('what a proxy refused', () => {
  it('whole, for its hash, is followed by the next document, whole', () => {
    state();
    refuse(version('1'), 'DOCUMENT_HASH_MISMATCH');
    expect(news()).toEqual(['update 1']);
    clock.advance(GATHER_MS);
    const next = version('2');
    expect(sent).toMatchObject([{ whole: true, hash: next.hash }]);
  });

  it('whole, for its hash, comes again after a while', () => {
    state();
    const first = version('1');
    refuse(first, 'DOCUMENT_HASH_MISMATCH');
    news();
    clock.advance(RETRY_MS);
    delivery.look();
    expect(sent).toMatchObject([{ whole: true, hash: first.hash }]);
  });

  it('for its hash, after it had said what it has, is followed by what differs from that', () => {
    const first = version('1');
    state();
    news();
    proxy.file(first, source.position());
    delivery.state(proxy.state());
    refuse(first, 'DOCUMENT_HASH_MISMATCH');
    clock.advance(GATHER_MS);
    version('2');
    expect(sent).toMatchObject([{ parts: {}, services: [{ is: '2' }] }]);
  });

  it('as too old comes at once when it is newer', () => {
    state();
    const first = version('1');
    refuse(first, 'DOCUMENT_STALE');
    news();
    clock.advance(GATHER_MS);
    delivery.look();
    expect(news()).toEqual([]);
    source.epoch += 1;
    delivery.look();
    expect(sent).toMatchObject([{ epoch: 2, hash: first.hash }]);
  });

  it('is ended by an update without changes when the document is again what is in force', () => {
    state();
    const first = version('1');
    ack(first);
    clock.advance(GATHER_MS);
    refuse(version('2'), 'DOCUMENT_INVALID');
    news();
    version('1');
    clock.advance(GATHER_MS);
    expect(sent).toMatchObject([{ hash: first.hash, parts: {}, services: [], removed: [] }]);
    sent.splice(0);
    ack(first);
    clock.advance(RETRY_MS);
    delivery.look();
    expect(news()).toEqual([]);
  });
});

describe('the directory', () => {
  it('goes out once the one before was taken by the connection, and not more than once a second', () => {
    source.setDirectory('shop', directoryOf({ 'shop/a': '1' }));
    state();
    expect(news()).toEqual(['directory']);
    source.setDirectory('shop', directoryOf({ 'shop/a': '2' }));
    clock.advance(GATHER_DIRECTORY_MS);
    expect(news()).toEqual([]);
    delivery.directoryFlushed();
    expect(news()).toEqual(['directory']);
    delivery.directoryFlushed();
    source.setDirectory('shop', directoryOf({ 'shop/a': '3' }));
    expect(news()).toEqual([]);
    clock.advance(GATHER_DIRECTORY_MS);
    expect(news()).toEqual(['directory']);
  });

  it('comes again to a proxy that lost it, and not in a loop to one that cannot use it', () => {
    const first = directoryOf({ 'shop/a': '1' });
    source.setDirectory('shop', first);
    state({ directory: 'older' });
    expect(news()).toEqual(['directory']);
    delivery.directoryFlushed();
    clock.advance(GATHER_DIRECTORY_MS);
    state();
    expect(news()).toEqual(['directory']);
    delivery.directoryFlushed();
    clock.advance(GATHER_DIRECTORY_MS);
    state();
    expect(news()).toEqual([]);
    clock.advance(RETRY_MS);
    delivery.look();
    expect(news()).toEqual(['directory']);
  });
});
