import { expect, test } from 'vitest';
import { Changes } from './changes.ts';
import type { Change } from './writer.ts';

const change = (id: number): Change => ({
  id,
  service: 'shop/cart',
  address: '100.64.0.1',
  ready: false,
  sentAt: 1000,
  answeredAt: 1004,
});

test('times count from the request and from its answer, whichever is heard of first', async () => {
  const changes = new Changes(() => {});
  changes.open(1, 2);
  changes.observed({ id: 1, expected: 1, at: [1003] });
  changes.made(change(1));
  changes.observed({ id: 1, expected: 2, at: [1010, 1030] });
  await changes.settled();
  const { sent, answered, request, lost, changes: count } = changes.times();
  expect(count).toBe(1);
  expect(lost).toBe(0);
  expect(sent.count).toBe(3);
  expect(sent.p50Ms).toBeCloseTo(10, 0);
  expect(sent.maxMs).toBeCloseTo(30, 0);
  expect(answered.maxMs).toBeCloseTo(26, 0);
  expect(request.p50Ms).toBeCloseTo(4, 0);
});

test('what proxies did not have when it was given up is lost, not fast', async () => {
  const changes = new Changes(() => {});
  changes.open(1, 1);
  changes.made(change(1));
  changes.observed({ id: 1, expected: 3, at: [1010] });
  await changes.settled();
  expect(changes.times()).toMatchObject({ lost: 2, sent: { count: 1 } });
});

test('a change that concerns no proxy is counted apart', async () => {
  const changes = new Changes(() => {});
  changes.open(1, 0);
  changes.made(change(1));
  await changes.settled();
  expect(changes.times()).toMatchObject({ changes: 1, unseen: 1, lost: 0, sent: { count: 0 } });
});
