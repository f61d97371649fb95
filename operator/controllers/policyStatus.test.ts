import { beforeEach, expect, it } from 'vitest';
import type { MeshPolicyStatus } from '../../core/api/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { ReportRegistry } from '../control/reports.ts';
import { FileStatus } from '../sinks/fileStatus.ts';
import { deployment, inForce, meshPolicy, podModel, reportOf, snapshotOf } from '../testing/model.ts';
import { COALESCE_MS, COUNTING_MS } from './pace.ts';
import { PolicyStatus } from './policyStatus.ts';
import { Presence, STATUS_GRACE_MS } from './presence.ts';
import { Progress } from './progress.ts';
import { SETTLE_MS } from './settling.ts';
import { StatusBudget } from './statusBudget.ts';
import { SnapshotView } from './view.ts';

const KEY = 'shop/payment';
const policy = meshPolicy('payment', {
  mtls: { mode: 'Strict' },
  selector: { matchLabels: { app: 'payment' } },
});
const payment = podModel('payment-1');
const bare = ({ proxy: _proxy, ...pod }: ReturnType<typeof podModel>) => pod;

/** Keeps in memory what would be written. */
class MemoryStatus extends FileStatus {
  writes = 0;
  constructor() {
    super('/nowhere');
  }
  override writePolicy(ref: { namespace: string; name: string }, status: MeshPolicyStatus): Promise<void> {
    this.writes += 1;
    const key = `${ref.namespace}/${ref.name}`;
    const stored = this.policies.get(key);
    if (stored) this.policies.set(key, { ...stored, status });
    return Promise.resolve();
  }
}

let now: number;
let sink: MemoryStatus;
let reports: ReportRegistry;
let view: SnapshotView;
let presence: Presence;
let progress: Progress;
let controller: PolicyStatus;

const see = (parts: Parameters<typeof snapshotOf>[0]): Snapshot => {
  const snapshot = snapshotOf({ workloads: [deployment('payment')], ...parts });
  view = new SnapshotView(snapshot);
  for (const [key, after] of snapshot.pods) presence.observe({ key, before: undefined, after });
  sink.observe(snapshot);
  return snapshot;
};
const start = (): void => {
  presence = new Presence({ reports, monotonic: () => now });
  progress = new Progress(() => now);
  controller = new PolicyStatus({
    sink,
    reports,
    presence,
    progress,
    view: () => view,
    now: () => now,
    monotonic: () => now,
    budget: new StatusBudget({ now: () => now, monotonic: () => now, after: () => () => undefined }),
    onWritten: () => {},
  });
};
const status = () => sink.policies.get(KEY)?.status;
const applied = () => status()?.conditions?.find(({ type }) => type === 'Applied');
const session = {};
const report = (pod = payment, policies = [policy]): void => {
  reports.accept(reportOf(pod, { inForce: inForce(policies) }), session);
  presence.reported(pod.uid);
};

beforeEach(() => {
  now = 1_000_000;
  sink = new MemoryStatus();
  reports = new ReportRegistry({ now: () => now });
  start();
});

it('says n/m as proxies report, and writes nothing that is said already', async () => {
  see({ pods: [payment, podModel('payment-2'), podModel('cart-1')], policies: [policy] });
  await controller.reconcile(KEY);
  expect(status()).toMatchObject({ applied: '0/2', late: ['shop/payment-1', 'shop/payment-2'] });
  report();
  now += COUNTING_MS;
  await controller.reconcile(KEY);
  expect(status()?.applied).toBe('1/2');
  expect(applied()).toMatchObject({ status: 'False', reason: 'Pending', observedGeneration: 1 });
  now += COALESCE_MS;
  await controller.reconcile(KEY);
  expect(sink.writes).toBe(2);
});

it('reacts at once, then to what turns after COALESCE_MS and to what counts on after COUNTING_MS', async () => {
  const second = podModel('payment-2');
  see({ pods: [payment, second], policies: [policy] });
  await controller.reconcile(KEY);
  expect(sink.writes).toBe(1);
  report();
  now += 50;
  expect(await controller.reconcile(KEY)).toEqual({ requeueAfterMs: COUNTING_MS - 50 });
  report(second);
  now += COALESCE_MS - 60;
  expect(await controller.reconcile(KEY)).toEqual({ requeueAfterMs: 10 });
  now += 10;
  await controller.reconcile(KEY);
  expect(status()?.applied).toBe('2/2');
});

it('says how long it took until all had it, and keeps to that', async () => {
  see({ pods: [payment], policies: [policy] });
  progress.see('MeshPolicy/shop/payment', policy.metadata);
  await controller.reconcile(KEY);
  expect(status()?.appliedIn).toBeUndefined();
  now += 84;
  report();
  progress.heard('MeshPolicy/shop/payment');
  now += COALESCE_MS;
  await controller.reconcile(KEY);
  expect(status()).toMatchObject({ applied: '1/1', appliedIn: '84ms' });
  expect(applied()?.message).toBe('1/1 proxies run generation 1, after 84ms');
  see({ pods: [payment, podModel('payment-2')], policies: [policy] });
  now += COUNTING_MS;
  await controller.reconcile(KEY);
  expect(status()).toMatchObject({ applied: '1/2', appliedIn: '84ms' });
});

it('takes a proxy for late that is away for longer than a reconnect takes', async () => {
  see({ pods: [payment], policies: [policy] });
  report();
  await controller.reconcile(KEY);
  reports.disconnected(session);
  presence.reported(payment.uid);
  now += COUNTING_MS;
  expect(await controller.reconcile(KEY)).toEqual({ requeueAfterMs: STATUS_GRACE_MS - COUNTING_MS });
  expect(status()?.applied).toBe('1/1');
  now += STATUS_GRACE_MS;
  await controller.reconcile(KEY);
  expect(status()).toMatchObject({ applied: '0/1', late: ['shop/payment-1'] });
  expect(applied()?.message).toContain('shop/payment-1 (disconnected)');
});

it('does not take APPLIED back when a new leader does not know the proxies yet', async () => {
  see({ pods: [payment], policies: [policy] });
  report();
  await controller.reconcile(KEY);
  expect(status()?.applied).toBe('1/1');
  reports = new ReportRegistry({ now: () => now });
  start();
  expect(await controller.reconcile(KEY)).toEqual({ requeueAfterMs: SETTLE_MS });
  expect(status()?.applied).toBe('1/1');
  now += SETTLE_MS;
  await controller.reconcile(KEY);
  expect(status()?.applied).toBe('0/1');
});

it('speaks of a new generation at once, also when it has just become leader', async () => {
  see({ pods: [payment], policies: [policy] });
  report();
  await controller.reconcile(KEY);
  const next = { ...policy, metadata: { ...policy.metadata, generation: 2 } };
  see({ pods: [payment], policies: [next] });
  start();
  await controller.reconcile(KEY);
  expect(status()).toMatchObject({ observedGeneration: 2, applied: '0/1' });
});

it('waits for the snapshot where the resource is newer', async () => {
  see({ pods: [payment], policies: [policy] });
  sink.policies.set(KEY, { uid: 'uid-payment', generation: 2 });
  await controller.reconcile(KEY);
  expect(sink.writes).toBe(0);
});

it('says why a generation is not accepted, and that the last good one stays', async () => {
  const problems = [{ code: 'INVALID_FIELD' as const, field: 'spec.mtls.mode', message: 'must be one of …' }];
  const rejected = {
    kind: 'MeshPolicy' as const,
    namespace: 'shop',
    name: 'payment',
    uid: 'uid-payment',
    generation: 2,
    problems,
    inForce: 1,
  };
  see({ pods: [payment], policies: [policy], rejected: [rejected] });
  report();
  await controller.reconcile(KEY);
  expect(status()?.conditions).toMatchObject([
    { type: 'Accepted', status: 'False', message: 'spec.mtls.mode: must be one of …', observedGeneration: 2 },
    { type: 'Applied', status: 'False', reason: 'NotAccepted' },
    { type: 'Conflicted', status: 'False' },
  ]);
});

it('names pods without a proxy; those of the whole mesh only where they should have one', async () => {
  const stray = bare(podModel('payment-2'));
  see({ pods: [payment, stray], policies: [policy] });
  report();
  await controller.reconcile(KEY);
  expect(applied()).toMatchObject({
    status: 'True',
    message: expect.stringContaining('without proxy: shop/payment-2') as string,
  });

  const meshWide = meshPolicy('all', { mtls: { mode: 'Strict' } }, { namespace: 'weft-system' });
  const outside = bare(podModel('other-1', { namespace: 'legacy' }));
  const optedOut = bare(podModel('batch-1', { labels: { 'weft.dev/inject': 'false' } }));
  see({ pods: [payment, stray, outside, optedOut], policies: [meshWide] });
  report(payment, [meshWide]);
  await controller.reconcile('weft-system/all');
  const conditions = sink.policies.get('weft-system/all')?.status?.conditions;
  expect(conditions?.[1]?.message).toBe('1/1 proxies run generation 1; without proxy: shop/payment-2');
});
