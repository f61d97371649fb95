import { beforeEach, expect, it } from 'vitest';
import { annotation } from '../../core/model/names.ts';
import type { PodModel } from '../../core/model/index.ts';
import { ReportRegistry } from '../control/reports.ts';
import { inForce, podModel, reportOf, snapshotOf } from '../testing/model.ts';
import { mounts, POD_INTERVAL_MS, Refresh, STUCK_MS } from './refresh.ts';

const cart = { namespace: 'shop', serviceAccount: 'cart' };
let now: number;
let pods: PodModel[];
let documents: { config: string; directory: string };
let reports: ReportRegistry;
let refreshed: string[];
let failure: Error | undefined;
let refresh: Refresh;

const start = (): void => {
  refresh = new Refresh({
    sink: {
      refresh: (pod, value) => {
        const error = failure;
        failure = undefined;
        if (error) return Promise.reject(error);
        refreshed.push(`${pod.name} ${value}`);
        return Promise.resolve();
      },
    },
    reports,
    snapshot: () => snapshotOf({ pods }),
    documents: () => documents,
    monotonic: () => now,
    onRefreshed: () => {},
  });
};
const look = (name = 'cart-1') => refresh.reconcile(`shop/${name}`);

beforeEach(() => {
  now = 1_000_000;
  pods = [podModel('cart-1')];
  documents = { config: 'c1', directory: 'd1' };
  reports = new ReportRegistry({ now: () => now });
  refreshed = [];
  failure = undefined;
  start();
});

it('tells a pod of a change, and of each change once', async () => {
  await look();
  documents = { config: 'c2', directory: 'd1' };
  await look();
  await look();
  expect(refreshed).toEqual(['cart-1 c2.d1.']);
});

it('says nothing to a pod that mounted what was there', async () => {
  expect(await look()).toBeUndefined();
  expect(refreshed).toEqual([]);
});

it('tells a pod of a document that came after it', async () => {
  documents = { config: '', directory: '' };
  pods = [podModel('cart-1', { phase: 'Pending', proxy: { wires: [], started: false } })];
  await look();
  documents = { config: 'c1', directory: 'd1' };
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1.']);
});

it('tells a pod at most once each POD_INTERVAL_MS, the newest', async () => {
  await look();
  documents = { ...documents, config: 'c2' };
  await look();
  documents = { ...documents, config: 'c3' };
  expect(await look()).toEqual({ requeueAfterMs: POD_INTERVAL_MS });
  documents = { ...documents, config: 'c4' };
  now += POD_INTERVAL_MS;
  await look();
  expect(refreshed).toEqual(['cart-1 c2.d1.', 'cart-1 c4.d1.']);
});

it('after a restart tells only what the annotation does not say', async () => {
  pods = [podModel('cart-1', { annotations: { [annotation.refresh]: 'c1.d1.i1' } })];
  await look();
  expect(refreshed).toEqual([]);
  documents = { ...documents, config: 'c2' };
  await look();
  expect(refreshed).toEqual(['cart-1 c2.d1.i1']);
});

it('tells of a new identity the pods of its ServiceAccount', async () => {
  pods.push(podModel('payment-1'));
  await look();
  await look('payment-1');
  refresh.identityChanged(cart, 'v1');
  await look();
  await look('payment-1');
  expect(refreshed).toEqual(['cart-1 c1.d1.v1']);
});

it('tells nothing to a proxy that says it runs the document', async () => {
  await look();
  documents = { ...documents, config: 'c2' };
  reports.accept(reportOf(pods[0]!, { inForce: inForce([], { hash: 'c2' }) }), {});
  await look();
  expect(refreshed).toEqual([]);
});

it('tells a proxy that says it runs another document than the one that was there before us', async () => {
  reports.accept(reportOf(pods[0]!, { inForce: inForce([], { hash: 'c0' }) }), {});
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1.']);
});

it('says nothing of a damaged document, and tells of the repaired one though it is as before', async () => {
  await look();
  const refused = { code: 'DOCUMENT_HASH_MISMATCH', message: 'm', since: '2026-01-01T00:00:00Z' };
  documents = { config: '', directory: 'd1' };
  await look();
  reports.accept(reportOf(pods[0]!, { inForce: inForce([], { hash: 'c1' }), refused }), {});
  await look();
  expect(refreshed).toEqual([]);
  documents = { config: 'c1', directory: 'd1' };
  await look();
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..1']);
});

it('goes on counting after a restart', async () => {
  pods = [podModel('cart-1', { annotations: { [annotation.refresh]: 'c1.d1..4' } })];
  await look();
  documents = { config: '', directory: 'd1' };
  await look();
  documents = { config: 'c1', directory: 'd1' };
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..5']);
});

it('tells a pod once more whose proxy does not start', async () => {
  pods = [podModel('cart-1', { phase: 'Pending', proxy: { wires: [], started: false } })];
  expect(await look()).toEqual({ requeueAfterMs: STUCK_MS });
  now += STUCK_MS;
  await look();
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1.']);
});

it('tells again what could not be told', async () => {
  await look();
  documents = { ...documents, config: 'c2' };
  failure = new Error('away');
  await expect(look()).rejects.toThrow('away');
  now += POD_INTERVAL_MS;
  await look();
  expect(refreshed).toEqual(['cart-1 c2.d1.']);
});

it('knows a later pod of the same name as another one', async () => {
  await look();
  pods = [podModel('cart-1', { uid: 'another' })];
  documents = { ...documents, config: 'c2' };
  await look();
  expect(refreshed).toEqual([]);
});

it.each([
  ['runs', {}, true],
  ['waits for its files', { phase: 'Pending', proxy: { wires: [], started: false } }, true],
  ['is on its way out', { terminating: true }, false],
  ['has ended', { phase: 'Succeeded' }, false],
])('a pod that %s', (_what, fields, expected) => {
  expect(mounts(podModel('a', fields))).toBe(expected);
});

it('a pod that has no node, or no proxy, mounts nothing', () => {
  const { node: _node, ...unscheduled } = podModel('a');
  const { proxy: _proxy, ...bare } = podModel('a');
  expect([mounts(unscheduled), mounts(bare)]).toEqual([false, false]);
});
