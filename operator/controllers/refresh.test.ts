import { beforeEach, expect, it } from 'vitest';
import { annotation } from '../../core/model/names.ts';
import type { PodModel } from '../../core/model/index.ts';
import { ReportRegistry } from '../control/reports.ts';
import { inForce, podModel, reportOf, snapshotOf } from '../testing/model.ts';
import {
  MAX_RETRIES,
  POD_INTERVAL_MS,
  Refresh,
  REFRESH_RATE,
  RETRY_MAX_MS,
  RETRY_MS,
  STUCK_MS,
  type MountedDocuments,
} from './refresh.ts';

const cart = { namespace: 'shop', serviceAccount: 'cart' };
let now: number;
let pods: PodModel[];
let documents: MountedDocuments;
let reports: ReportRegistry;
let refreshed: string[];
let failure: Error | undefined;
let stuck: string[];
let refresh: Refresh;
let filesDueMs: number;

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
    filesDueMs: ({ uid }) => (reports.get(uid)?.connected ? Infinity : filesDueMs),
    clock: { now: () => now, monotonic: () => now, after: () => () => {} },
    onRefreshed: () => {},
    onStuck: ({ name }) => stuck.push(name),
  });
};
const intact = (config: string, directory = 'd1'): MountedDocuments => ({ config, directory, damaged: [] });
const damaged: MountedDocuments = { config: '', directory: 'd1', damaged: ['config'] };
const refused = { code: 'DOCUMENT_HASH_MISMATCH', message: 'm', since: '2026-01-01T00:00:00Z' };
/** A proxy that stays connected says what it runs. */
const session = {};
const says = (hash: string, refusal?: typeof refused): void =>
  reports.accept(
    reportOf(pods[0]!, { inForce: inForce([], { hash }), ...(refusal ? { refused: refusal } : {}) }),
    session,
  );
const look = (name = 'cart-1') => refresh.reconcile(`shop/${name}`);

beforeEach(() => {
  now = 1_000_000;
  pods = [podModel('cart-1')];
  documents = { config: 'c1', directory: 'd1', damaged: [] };
  reports = new ReportRegistry({ now: () => now });
  refreshed = [];
  stuck = [];
  failure = undefined;
  filesDueMs = 0;
  start();
});

it('tells a pod of a change, and of each change once', async () => {
  await look();
  documents = intact('c2', 'd1');
  await look();
  await look();
  expect(refreshed).toEqual(['cart-1 c2.d1.']);
});

it('says nothing to a pod that mounted what was there', async () => {
  expect(await look()).toBeUndefined();
  expect(refreshed).toEqual([]);
});

it('tells a pod of a document that came after it', async () => {
  documents = intact('', '');
  pods = [podModel('cart-1', { phase: 'Pending', proxy: { wires: [], started: false } })];
  await look();
  documents = intact('c1', 'd1');
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

it('leaves documents to the stream where there is one, and tells when it is lost', async () => {
  says('c1');
  await look();
  documents = intact('c2');
  expect(await look()).toBeUndefined();
  reports.disconnected(session);
  filesDueMs = 300;
  expect(await look()).toEqual({ requeueAfterMs: 300 });
  filesDueMs = 0;
  await look();
  expect(refreshed).toEqual(['cart-1 c2.d1.']);
});

it('tells of a new identity also where there is a stream', async () => {
  says('c1');
  await look();
  refresh.identityChanged(cart, 'v1');
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1.v1']);
});

it('lets pods take turns where many are to be told', async () => {
  pods = Array.from({ length: 100 }, (_, index) => podModel(`cart-${index}`));
  for (const { name } of pods) await look(name);
  documents = intact('c2');
  for (let quarter = 0; quarter <= 8; quarter += 1) {
    for (const { name } of pods) await look(name);
    now += 250;
  }
  expect(refreshed).toHaveLength(REFRESH_RATE.burst + 2 * REFRESH_RATE.perSecond);
});

it('tells of a damaged document at once, and of the repaired one though it is as before', async () => {
  says('c1');
  await look();
  documents = damaged;
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..1']);
  says('c1', refused);
  now += 10 * RETRY_MAX_MS;
  expect(await look()).toBeUndefined();
  expect(refreshed).toHaveLength(1);
  documents = intact('c1');
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..1', 'cart-1 c1.d1..2']);
  says('c1');
  expect(await look()).toBeUndefined();
  documents = damaged;
  now += POD_INTERVAL_MS;
  await look();
  expect(refreshed.slice(2)).toEqual(['cart-1 c1.d1..3']);
});

it('tells of damage that was there before this operator, and of the repair', async () => {
  documents = damaged;
  await look();
  now += POD_INTERVAL_MS;
  documents = intact('c1');
  await look();
  expect(refreshed).toEqual(['cart-1 .d1..1', 'cart-1 c1.d1..2']);
});

it('tells of damage to one document while the other is damaged', async () => {
  await look();
  documents = damaged;
  await look();
  documents = { config: '', directory: '', damaged: ['config', 'directory'] };
  now += POD_INTERVAL_MS;
  await look();
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..1', 'cart-1 c1.d1..2']);
});

it('says nothing of a deleted document, and tells when it is back', async () => {
  await look();
  documents = intact('');
  expect(await look()).toBeUndefined();
  expect(refreshed).toEqual([]);
  documents = intact('c1');
  await look();
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..1']);
});

it('tells again, later and later, a proxy that saw no damage', async () => {
  says('c1');
  await look();
  documents = damaged;
  expect(await look()).toEqual({ requeueAfterMs: RETRY_MS });
  now += RETRY_MS - 1;
  expect(await look()).toEqual({ requeueAfterMs: 1 });
  expect(refreshed).toEqual(['cart-1 c1.d1..1']);
  now += 1;
  expect(await look()).toEqual({ requeueAfterMs: 2 * RETRY_MS });
  expect(refreshed).toHaveLength(2);
  now += 2 * RETRY_MS;
  expect(await look()).toEqual({ requeueAfterMs: 4 * RETRY_MS });
  expect(new Set(refreshed).size).toBe(3);
  says('c1', refused);
  expect(await look()).toBeUndefined();
});

it('tells again a proxy that still refuses what was repaired', async () => {
  says('c1');
  await look();
  documents = damaged;
  await look();
  says('c1', refused);
  documents = intact('c1');
  now += POD_INTERVAL_MS;
  await look();
  now += RETRY_MS;
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..1', 'cart-1 c1.d1..2', 'cart-1 c1.d1..3']);
});

it('ends telling again when kubelet has long looked by itself', async () => {
  says('c1');
  await look();
  documents = damaged;
  await look();
  for (let times = 0; times < MAX_RETRIES + 5; times += 1) {
    now += RETRY_MAX_MS;
    await look();
  }
  expect(refreshed).toHaveLength(1 + MAX_RETRIES);
});

it('goes on counting after a restart', async () => {
  pods = [podModel('cart-1', { annotations: { [annotation.refresh]: 'c1.d1..4' } })];
  await look();
  documents = intact('', 'd1');
  await look();
  documents = intact('c1', 'd1');
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1..5']);
});

it('tells a pod once more whose proxy does not start, and says so until it does', async () => {
  pods = [podModel('cart-1', { phase: 'Pending', proxy: { wires: [], started: false } })];
  expect(await look()).toEqual({ requeueAfterMs: STUCK_MS });
  expect(stuck).toEqual([]);
  now += STUCK_MS;
  expect(await look()).toEqual({ requeueAfterMs: STUCK_MS });
  await look();
  expect(refreshed).toEqual(['cart-1 c1.d1.']);
  expect(stuck).toEqual(['cart-1']);
  now += STUCK_MS;
  await look();
  expect(stuck).toEqual(['cart-1', 'cart-1']);
  pods = [podModel('cart-1')];
  now += STUCK_MS;
  expect(await look()).toBeUndefined();
  expect(stuck).toHaveLength(2);
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
