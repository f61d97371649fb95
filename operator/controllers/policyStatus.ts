/** Keeps `status` of each MeshPolicy true: written only when it changes, and at the pace of pace.ts. */
import type { MeshPolicyStatus } from '../../core/api/index.ts';
import { resourceKey } from '../../core/model/index.ts';
import { canonicalJson } from '../../core/proxyConfig/index.ts';
import type { StoredStatus } from '../sinks/types.ts';
import { policyStatus } from '../status/policy.ts';
import { holdsMs } from '../status/proxies.ts';
import type { Again } from './documents.ts';
import { Pace } from './pace.ts';
import { settling } from './settling.ts';
import { appliedIn, isTransition, statesOf, type StatusOptions } from './statusLook.ts';
import type { SnapshotView } from './view.ts';

export class PolicyStatus {
  readonly #options: StatusOptions;
  readonly #startedAt: number;
  readonly #pace: Pace;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#startedAt = options.monotonic();
    this.#pace = new Pace(options);
  }

  keys(): string[] {
    return [...this.#options.sink.policies.keys()];
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const { sink, monotonic, onWritten } = this.#options;
    const view = this.#options.view();
    const stored = sink.policies.get(key);
    if (!stored) this.#pace.forget(key);
    if (!view || !stored || !isInView(view, key, stored)) return undefined;
    const lookMs = this.#pace.lookMs(key);
    if (lookMs > 0) return { requeueAfterMs: lookMs };

    const startedAt = monotonic();
    const { status, settleMs, validMs } = this.#compute(key, stored, view);
    this.#pace.looked(key, startedAt);
    if (settleMs > 0) return { requeueAfterMs: settleMs };
    if (canonicalJson(status) !== canonicalJson(stored.status ?? null)) {
      const writeMs = this.#pace.writeMs(key, isTransition(stored.status, status));
      if (writeMs > 0) return { requeueAfterMs: Math.min(writeMs, validMs) };
      this.#pace.written(key);
      const [namespace = '', name = ''] = key.split('/');
      await sink.writePolicy({ namespace, name }, status);
      onWritten('MeshPolicy');
    }
    return validMs < Infinity ? { requeueAfterMs: validMs } : undefined;
  }

  #compute(
    key: string,
    stored: StoredStatus<MeshPolicyStatus>,
    view: SnapshotView,
  ): { status: MeshPolicyStatus; settleMs: number; validMs: number } {
    const { monotonic, now, progress } = this.#options;
    const { generation, uid, status: written } = stored;
    const [namespace = '', name = ''] = key.split('/');
    const policy = view.policies.get(key);
    const rejected = rejectedOf(view, key, stored);
    const wanted = { key: resourceKey('MeshPolicy', { namespace, name }), uid, generation };
    const selected = policy ? view.selected(policy) : { meshed: [], unprotected: [] };
    const proxies = statesOf(selected.meshed, wanted, this.#options);
    const conflict = rejected ? undefined : view.conflict(key);
    const status = policyStatus(
      {
        generation,
        problems: rejected?.problems ?? [],
        proxies,
        unprotected: selected.unprotected.map((pod) => `${pod.namespace}/${pod.name}`),
        ...(written ? { previous: written } : {}),
        ...(policy && !rejected ? { spec: policy.spec } : {}),
        ...(conflict === undefined ? {} : { conflict }),
        ...appliedIn(proxies, { key: wanted.key, wanted, written, progress }),
      },
      new Date(now()).toISOString(),
    );
    const sinceLeadingMs = monotonic() - this.#startedAt;
    const settleMs = settling(proxies, { written, generation, sinceLeadingMs });
    return { status, settleMs, validMs: holdsMs(proxies) };
  }
}

const rejectedOf = (view: SnapshotView, key: string, { uid, generation }: StoredStatus<MeshPolicyStatus>) => {
  const rejected = view.rejected.get(key);
  return rejected?.uid === uid && rejected.generation === generation ? rejected : undefined;
};

/** Else the snapshot is not there yet; its coming brings us back. */
function isInView(view: SnapshotView, key: string, stored: StoredStatus<MeshPolicyStatus>): boolean {
  const metadata = view.policies.get(key)?.metadata;
  if (rejectedOf(view, key, stored)) return true;
  return metadata?.uid === stored.uid && metadata.generation === stored.generation;
}
