import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import type { Clock } from '../kube/index.ts';
import { until } from '../kube/testing/until.ts';
import { ReportRegistry } from './control/reports.ts';
import { documentHash } from './hash.ts';
import { OperatorMetrics } from './metrics.ts';
import { Compiler } from '../core/compile/index.ts';
import { Mesh } from './mesh.ts';
import { Reconciler } from './reconcile.ts';
import { FileStatus } from './sinks/fileStatus.ts';
import { MemoryDocuments } from './testing/memoryDocuments.ts';
import { deployment, inForce, podModel, reportOf, snapshotOf } from './testing/model.ts';

let documents: MemoryDocuments;
let refreshed: string[];
let reports: ReportRegistry;
let mesh: Mesh;
let reconciler: Reconciler;

function start(clock: Clock): void {
  documents = new MemoryDocuments();
  refreshed = [];
  reports = new ReportRegistry({ now: () => 0 });
  mesh = new Mesh({
    compiler: new Compiler({ hash: documentHash }),
    inPlace: documents,
    clock,
    onError: (error) => {
      throw error;
    },
  });
  reconciler = new Reconciler({
    mesh,
    sinks: {
      documents,
      status: new FileStatus('/nowhere'),
      refresh: {
        refresh: ({ name }) => {
          refreshed.push(name);
          return Promise.resolve();
        },
      },
      events: { warn: () => {} },
    },
    reports,
    hash: documentHash,
    clock,
    log: pino({ level: 'silent' }),
    metrics: new OperatorMetrics({
      leading: () => true,
      connections: () => 0,
      reports: () => reports.counts(),
      depths: () => ({}),
    }),
    trustDomain: 'cluster.local',
    owners: true,
  });
}

const names = (): string[] => documents.written.map(({ name }) => name);
const still: Clock = { now: () => 0, monotonic: () => 0, after: () => () => undefined };

beforeEach(() => start(still));

it('writes the documents of a snapshot and the directory beside them', async () => {
  mesh.take(snapshotOf({ workloads: [deployment('cart'), deployment('web')] }));
  await until('the documents', () => documents.written.length === 3);
  expect(names().sort()).toEqual(['weft.deployment.cart', 'weft.deployment.web', 'weft.directory']);
});

it('tells the pods that mount a document, and no others', async () => {
  const proxy = { wires: [], started: false };
  const pods = [podModel('cart-1', { proxy }), podModel('web-1', { namespace: 'bank', proxy })];
  mesh.take(
    snapshotOf({
      enabled: ['shop', 'bank'],
      workloads: [deployment('cart'), deployment('web', 'bank')],
      pods,
    }),
  );
  await until('the documents', () => documents.written.length === 4);
  await until('the refresh', () => refreshed.length === 2);
  expect(refreshed.sort()).toEqual(['cart-1', 'web-1']);
  reconciler.identityWritten({ namespace: 'shop', serviceAccount: 'cart' }, 'v1');
  expect(refreshed).toHaveLength(2);
});

it('tells the pods of a document that somebody damages, of one document or of the directory', async () => {
  let now = 0;
  start({ ...still, monotonic: () => now });
  const pods = [podModel('cart-1'), podModel('web-1')];
  mesh.take(snapshotOf({ workloads: [deployment('cart'), deployment('web')], pods }));
  await until('the documents', () => documents.written.length === 3);
  now += 5_000;
  documents.deliver();
  refreshed.length = 0;
  documents.damage('shop/weft.deployment.cart');
  documents.deliver();
  await until('the refresh of one', () => refreshed.length === 1);
  now += 5_000;
  documents.damage('shop/weft.directory');
  documents.deliver();
  await until('the refresh of the other', () => refreshed.length > 1);
  expect([refreshed[0], refreshed.includes('web-1')]).toEqual(['cart-1', true]);
});

it('believes no report that claims an impossible place in the order', async () => {
  const cart = podModel('cart-1');
  mesh.take(snapshotOf({ workloads: [deployment('cart')], pods: [cart] }));
  await until('the documents', () => documents.written.length === 2);
  for (const position of [{ epoch: 1_000_001 }, { revision: 'abc' }, { revision: '9'.repeat(25) }]) {
    reports.accept(reportOf(cart, { inForce: inForce([], position) }), {});
  }
  mesh.take(snapshotOf({ workloads: [deployment('cart')], pods: [cart] }));
  await reconciler.stop(1_000);
  expect(documents.written).toHaveLength(2);
});

it('in a mesh that takes long to compile it pauses, and goes on with the newest snapshot', async () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const slow: Clock = {
    now: () => now,
    // each look at the clock is a while later
    monotonic: () => (now += 60),
    after: (_ms, callback) => {
      timers.push(callback);
      return () => undefined;
    },
  };
  start(slow);
  mesh.take(snapshotOf({ workloads: [deployment('cart')] }));
  mesh.take(snapshotOf({ workloads: [deployment('cart'), deployment('never')], revision: '101' }));
  mesh.take(snapshotOf({ workloads: [deployment('cart'), deployment('web')], revision: '102' }));
  await until('the first', () => names().includes('weft.deployment.cart'));
  expect(names()).not.toContain('weft.deployment.web');
  for (const timer of timers.splice(0)) timer();
  await until('the newest', () => names().includes('weft.deployment.web'));
  expect(names()).not.toContain('weft.deployment.never');
});
