/** What the proxies of a document have in force, and whether a stream brings them what is newer. */
import { workloadKey, type PodModel } from '../../core/model/index.ts';
import type { ReportRegistry } from '../control/reports.ts';
import { counts } from '../status/proxies.ts';
import { isPossible } from './claims.ts';
import type { InForce } from './order.ts';
import type { Presence } from './presence.ts';
import type { SnapshotView } from './view.ts';
import type { DesiredDocument } from './wantedFiles.ts';

export interface ProxiesOptions {
  readonly view: () => SnapshotView | undefined;
  readonly presence: Presence;
  readonly reports: Pick<ReportRegistry, 'get'>;
}

export class Proxies {
  readonly #options: ProxiesOptions;

  constructor(options: ProxiesOptions) {
    this.#options = options;
  }

  /** The pods that mount the document. */
  of({ workload, namespace }: DesiredDocument): Iterable<PodModel> {
    const view = this.#options.view();
    if (!view) return [];
    return (workload ? view.injected(workloadKey(workload)) : view.podsOf(namespace)).values();
  }

  /** What they report of it. Of directories they do not. */
  inForce(document: DesiredDocument): InForce[] {
    if (!document.workload) return [];
    const { presence, reports } = this.#options;
    const found: InForce[] = [];
    for (const { uid } of this.of(document)) {
      const inForce = reports.get(uid)?.report.inForce;
      if (!inForce || !isPossible(inForce)) continue;
      const { epoch, revision, hash } = inForce;
      found.push({ epoch, revision, hash, streamed: presence.filesDueMs(uid) > 0 });
    }
    return found;
  }

  /** Milliseconds until one of them has only the file; Infinity: all have a stream. */
  filesDueMs(document: DesiredDocument): number {
    let least = Infinity;
    for (const pod of this.of(document)) {
      if (counts(pod)) least = Math.min(least, this.#options.presence.filesDueMs(pod.uid));
      if (least === 0) break;
    }
    return least;
  }
}
