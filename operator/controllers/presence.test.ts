import { beforeEach, expect, it } from 'vitest';
import { ReportRegistry } from '../control/reports.ts';
import { podModel, reportOf } from '../testing/model.ts';
import { FILES_GRACE_MS, Presence, START_GRACE_MS } from './presence.ts';

const pod = podModel('cart-1');
const session = {};
let now: number;
let reports: ReportRegistry;
let presence: Presence;
const observe = (after: typeof pod | undefined, before?: typeof pod): void =>
  presence.observe({ key: 'shop/cart-1', before, after });
const speaks = (): void => {
  reports.accept(reportOf(pod), session);
  presence.reported(pod.uid);
};
const leaves = (): void => {
  reports.disconnected(session);
  presence.reported(pod.uid);
};

beforeEach(() => {
  now = 0;
  reports = new ReportRegistry({ now: () => now });
  presence = new Presence({ reports, monotonic: () => now });
});

it('gives proxies time to come to an operator that has just begun', () => {
  observe(pod);
  expect(presence.filesDueMs(pod.uid)).toBe(START_GRACE_MS);
  now += START_GRACE_MS;
  expect(presence.filesDueMs(pod.uid)).toBe(0);
  speaks();
  expect([presence.filesDueMs(pod.uid), presence.lostMs(pod.uid)]).toEqual([Infinity, 0]);
});

it('takes a moment without a stream for a reconnect', () => {
  now = START_GRACE_MS;
  observe(pod);
  speaks();
  leaves();
  expect([presence.filesDueMs(pod.uid), presence.lostMs(pod.uid)]).toEqual([FILES_GRACE_MS, 1]);
  now += 300;
  leaves();
  expect([presence.filesDueMs(pod.uid), presence.lostMs(pod.uid)]).toEqual([FILES_GRACE_MS - 300, 300]);
  speaks();
  expect(presence.filesDueMs(pod.uid)).toBe(Infinity);
});

it.each([
  ['has not started', { proxy: { wires: [], started: false } }],
  ['is on its way out', { terminating: true }],
])('waits for no proxy of a pod that %s', (_what, fields) => {
  observe(pod);
  observe({ ...pod, ...fields }, pod);
  expect(presence.filesDueMs(pod.uid)).toBe(Infinity);
});

it('forgets pods that are gone, and takes one of the same name for another', () => {
  observe(pod);
  observe({ ...pod, uid: 'another' }, pod);
  expect([presence.lostMs(pod.uid) > 0, presence.lostMs('another') > 0]).toEqual([false, true]);
  observe(undefined, { ...pod, uid: 'another' });
  expect(presence.lostMs('another')).toBe(0);
});
