/** Keeps `status` of each MeshPolicy true: written only when it changes, and at most every COALESCE_MS. */
import { resourceKey } from '../../core/model/index.ts';
import { canonicalJson } from '../../core/proxyConfig/index.ts';
import type { ReportRegistry } from '../control/reports.ts';
import type { StatusSink } from '../sinks/types.ts';
import { policyStatus } from '../status/policy.ts';
import { proxyState } from '../status/proxies.ts';
import type { Again } from './documents.ts';
import { settling } from './settling.ts';
import type { SnapshotView } from './view.ts';

export const COALESCE_MS = 200;

export interface StatusOptions {
  readonly sink: StatusSink;
  readonly reports: ReportRegistry;
  /** Undefined until there is a snapshot. */
  readonly view: () => SnapshotView | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly onWritten: (kind: string) => void;
}

export class PolicyStatus {
  readonly #options: StatusOptions;
  readonly #startedAt: number;
  readonly #writtenAt = new Map<string, number>();

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#startedAt = options.monotonic();
  }

  keys(): string[] {
    return [...this.#options.sink.policies.keys()];
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const { sink, reports, now, monotonic, onWritten } = this.#options;
    const view = this.#options.view();
    const stored = sink.policies.get(key);
    if (!stored) this.#writtenAt.delete(key);
    if (!view || !stored) return undefined;
    const { generation, uid } = stored;
    const policy = view.policies.get(key);
    const rejected = view.rejected.get(key);
    const isRejected = rejected?.uid === uid && rejected.generation === generation;
    // the snapshot is not there yet; its coming brings us back
    if (!isRejected && (policy?.metadata.uid !== uid || policy.metadata.generation !== generation))
      return undefined;

    const [namespace = '', name = ''] = key.split('/');
    const wanted = { key: resourceKey('MeshPolicy', { namespace, name }), uid, generation };
    const selected = policy ? view.selected(policy) : { meshed: [], unprotected: [] };
    const proxies = selected.meshed.map((pod) => proxyState(pod, reports.get(pod.uid)?.report, wanted));
    const sinceLeadingMs = monotonic() - this.#startedAt;
    const wait = Math.max(
      settling(proxies, { written: stored.status, generation, sinceLeadingMs }),
      (this.#writtenAt.get(key) ?? -Infinity) + COALESCE_MS - monotonic(),
    );
    if (wait > 0) return { requeueAfterMs: wait };

    const conflict = isRejected ? undefined : view.conflict(key);
    const status = policyStatus(
      {
        generation,
        problems: isRejected ? rejected.problems : [],
        proxies,
        unprotected: selected.unprotected.map((pod) => `${pod.namespace}/${pod.name}`),
        ...(stored.status ? { previous: stored.status } : {}),
        ...(policy && !isRejected ? { spec: policy.spec } : {}),
        ...(conflict === undefined ? {} : { conflict }),
      },
      new Date(now()).toISOString(),
    );
    if (canonicalJson(status) === canonicalJson(stored.status ?? null)) return undefined;
    this.#writtenAt.set(key, monotonic());
    await sink.writePolicy({ namespace, name }, status);
    onWritten('MeshPolicy');
    return undefined;
  }
}
