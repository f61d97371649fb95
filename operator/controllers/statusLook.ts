/** What the status of every kind is made with. */
import type { Condition } from '../../core/api/index.ts';
import type { PodModel } from '../../core/model/index.ts';
import type { ReportRegistry } from '../control/reports.ts';
import type { StatusSink } from '../sinks/types.ts';
import { proxyState, type ProxyState, type WantedVersion } from '../status/proxies.ts';
import { STATUS_GRACE_MS, type Presence } from './presence.ts';
import type { Progress } from './progress.ts';
import type { StatusBudget } from './statusBudget.ts';
import type { SnapshotView } from './view.ts';

export interface StatusOptions {
  readonly sink: StatusSink;
  readonly reports: Pick<ReportRegistry, 'get'>;
  readonly presence: Presence;
  readonly progress: Progress;
  /** Undefined until there is a snapshot. */
  readonly view: () => SnapshotView | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Of all status together. */
  readonly budget: StatusBudget;
  readonly onWritten: (kind: string) => void;
}

export function statesOf(
  pods: Iterable<PodModel>,
  wanted: WantedVersion,
  { reports, presence }: Pick<StatusOptions, 'reports' | 'presence'>,
): ProxyState[] {
  return Array.from(pods, (pod) =>
    proxyState(pod, wanted, {
      heard: reports.get(pod.uid),
      lostMs: presence.lostMs(pod.uid),
      graceMs: STATUS_GRACE_MS,
    }),
  );
}

interface Written {
  readonly observedGeneration?: number;
  readonly appliedIn?: string;
  readonly conditions?: readonly Condition[];
}

/** How long this generation took until all had it; absent before that. What was written once stays. */
export function appliedIn(
  proxies: readonly ProxyState[],
  at: {
    key: string;
    wanted: WantedVersion;
    written: Written | undefined;
    progress: Progress;
  },
): { appliedIn?: string } {
  const { key, wanted, written, progress } = at;
  const before = written?.observedGeneration === wanted.generation ? written.appliedIn : undefined;
  if (before !== undefined) return { appliedIn: before };
  const isComplete = proxies.length > 0 && proxies.every(({ applied }) => applied);
  const took = isComplete ? progress.complete(key, wanted) : undefined;
  return took === undefined ? {} : { appliedIn: took };
}

/** Somebody may wait for it: another generation, or a condition that turns. */
export function isTransition(before: Written | undefined, after: Written): boolean {
  if (before?.observedGeneration !== after.observedGeneration) return true;
  return (after.conditions ?? []).some(
    ({ type, status }) => before?.conditions?.find((known) => known.type === type)?.status !== status,
  );
}
