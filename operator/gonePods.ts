/** Forgets what proxies said whose pods are gone. Not at once: that goes through all that is known. */
import type { Clock } from '../kube/index.ts';
import type { ReportRegistry } from './control/reports.ts';
import type { Mesh } from './mesh.ts';

export const FORGET_AFTER_MS = 10_000;

export interface GonePodsOptions {
  readonly mesh: Pick<Mesh, 'snapshot' | 'onSnapshot'>;
  readonly reports: Pick<ReportRegistry, 'retain'>;
  readonly clock: Clock;
}

/** Returns the way to stop. */
export function forgetGonePods({ mesh, reports, clock }: GonePodsOptions): () => void {
  let seen: unknown;
  let cancel: (() => void) | undefined;
  const unsubscribe = mesh.onSnapshot(({ pods }) => {
    if (pods === seen) return;
    seen = pods;
    cancel ??= clock.after(FORGET_AFTER_MS, () => {
      cancel = undefined;
      reports.retain(new Set(Array.from(mesh.snapshot?.pods.values() ?? [], ({ uid }) => uid)));
    });
  });
  return () => {
    unsubscribe();
    cancel?.();
  };
}
