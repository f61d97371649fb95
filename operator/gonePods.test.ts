import { expect, it } from 'vitest';
import { Compiler } from '../core/compile/index.ts';
import { ManualClock } from '../kube/testing/manualClock.ts';
import { ReportRegistry } from './control/reports.ts';
import { FORGET_AFTER_MS, forgetGonePods } from './gonePods.ts';
import { documentHash } from './hash.ts';
import { Mesh } from './mesh.ts';
import { MemoryDocuments } from './testing/memoryDocuments.ts';
import { podModel, reportOf, snapshotOf } from './testing/model.ts';

it('forgets what is known of pods that are gone, and keeps the others', () => {
  const clock = new ManualClock();
  const mesh = new Mesh({
    compiler: new Compiler({ hash: documentHash }),
    inPlace: new MemoryDocuments(),
    clock,
    onError: () => {},
  });
  const reports = new ReportRegistry({ now: () => clock.now() });
  const stop = forgetGonePods({ mesh, reports, clock });
  const pods = [podModel('cart-1'), podModel('cart-2'), podModel('cart-3')];
  mesh.take(snapshotOf({ pods }));
  const session = {};
  for (const pod of pods) reports.accept(reportOf(pod), session);
  reports.disconnected(session);
  mesh.take(snapshotOf({ pods: pods.slice(1) }));
  clock.advance(FORGET_AFTER_MS);
  expect(pods.map(({ uid }) => reports.get(uid) !== undefined)).toEqual([false, true, true]);
  mesh.take(snapshotOf({ pods: pods.slice(2) }));
  stop();
  clock.advance(FORGET_AFTER_MS);
  expect([reports.get(pods[1]!.uid) !== undefined, clock.pending]).toEqual([true, 0]);
});
