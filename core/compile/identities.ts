/** Which ServiceAccounts need a certificate: those of pods with a proxy, and of pods to come that are to have one. */
import { isSystemNamespace } from '../model/names.ts';
import { differences } from '../model/differences.ts';
import type { PodModel, ServiceAccountModel, Snapshot, WorkloadModel } from '../model/index.ts';
import { isInjected } from './meshIndex.ts';
import { order } from './order.ts';
import { needsDocument } from './workloads.ts';

/** Follows snapshots, at the cost of what changed between two of them. */
export class Identities {
  #snapshot: Snapshot | undefined;
  /** How many pods and templates name each, by `namespace/name`. */
  readonly #counts = new Map<string, number>();
  #sorted: readonly ServiceAccountModel[] = [];

  /** In the order of their names; the very same value where nothing of it changed. */
  of(snapshot: Snapshot): readonly ServiceAccountModel[] {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const names = before && before.namespaces === snapshot.namespaces ? this.#follow(before) : this.#begin();
    if (names || before?.serviceAccounts !== snapshot.serviceAccounts) this.#sort(snapshot);
    return this.#sorted;
  }

  /** Counts all anew: which namespaces are of the mesh decides of all templates in them. */
  #begin(): boolean {
    const { pods, workloads } = this.#snapshot!;
    this.#counts.clear();
    for (const pod of pods.values()) this.#count(this.#ofPod(pod), 1);
    for (const workload of workloads.values()) this.#count(this.#ofTemplate(workload), 1);
    return true;
  }

  /** Returns whether one came or went. */
  #follow(before: Snapshot): boolean {
    const { pods, workloads } = this.#snapshot!;
    let changed = false;
    const replace = (was: string | undefined, is: string | undefined): void => {
      if (was === is) return;
      changed = this.#count(was, -1) || changed;
      changed = this.#count(is, 1) || changed;
    };
    for (const { before: was, after } of differences(before.pods, pods)) {
      replace(this.#ofPod(was), this.#ofPod(after));
    }
    for (const { before: was, after } of differences(before.workloads, workloads)) {
      replace(this.#ofTemplate(was), this.#ofTemplate(after));
    }
    return changed;
  }

  #ofPod(pod: PodModel | undefined): string | undefined {
    if (!pod || !isInjected(pod) || isSystemNamespace(pod.namespace, this.#snapshot!.systemNamespace)) {
      return undefined;
    }
    return `${pod.namespace}/${pod.serviceAccount}`;
  }

  #ofTemplate(workload: WorkloadModel | undefined): string | undefined {
    if (!workload?.template || !needsDocument(workload, this.#snapshot!, false)) return undefined;
    return `${workload.namespace}/${workload.template.serviceAccount}`;
  }

  /** Returns whether the name came or went. */
  #count(name: string | undefined, by: 1 | -1): boolean {
    if (name === undefined) return false;
    const before = this.#counts.get(name) ?? 0;
    if (before + by === 0) this.#counts.delete(name);
    else this.#counts.set(name, before + by);
    return before === 0 || before + by === 0;
  }

  #sort({ serviceAccounts }: Snapshot): void {
    const next = [...this.#counts.keys()].sort(order).flatMap((name) => serviceAccounts.get(name) ?? []);
    const last = this.#sorted;
    const isSame = next.length === last.length && next.every((account, index) => account === last[index]);
    if (!isSame) this.#sorted = next;
  }
}

const latest = new Identities();

/** Of this snapshot; cheap where the last one that was asked for is much like it. */
export const identitiesOf = (snapshot: Snapshot): readonly ServiceAccountModel[] => latest.of(snapshot);
