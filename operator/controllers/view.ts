/** What status is computed from, indexed once for each snapshot. */
import { policyName, policySelects, type MeshPolicy } from '../../core/api/index.ts';
import { isSystemNamespace, label } from '../../core/model/names.ts';
import { workloadKey, type PodModel, type RejectedResource, type Snapshot } from '../../core/model/index.ts';
import { mtlsConflicts } from '../status/conflicts.ts';
import { counts, unprotected } from '../status/proxies.ts';

export class SnapshotView {
  readonly snapshot: Snapshot;
  readonly policies: ReadonlyMap<string, MeshPolicy>;
  readonly rejected: ReadonlyMap<string, RejectedResource>;
  /** By namespace. */
  readonly podsOf: ReadonlyMap<string, readonly PodModel[]>;
  /** By workloadKey: pods with a proxy. */
  readonly injected: ReadonlyMap<string, readonly PodModel[]>;
  #conflicts: Map<string, string> | undefined;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
    this.policies = new Map(snapshot.policies.map((policy) => [policyName(policy), policy]));
    this.rejected = new Map(
      snapshot.rejected.map((resource) => [
        resource.kind === 'MeshPolicy' ? `${resource.namespace ?? ''}/${resource.name}` : resource.name,
        resource,
      ]),
    );
    this.podsOf = Map.groupBy(snapshot.pods.values(), ({ namespace }) => namespace);
    this.injected = Map.groupBy(
      [...snapshot.pods.values()].filter((pod) => pod.proxy),
      (pod) => workloadKey(pod.workload),
    );
  }

  /** `namespace/name` of the valid policies that select the pod. */
  policiesOf(pod: PodModel): string[] {
    const { policies, systemNamespace } = this.snapshot;
    return policies.filter((policy) => policySelects(policy, pod, systemNamespace)).map(policyName);
  }

  /** Running pods that should have a proxy and have none. */
  proxyMissing(): PodModel[] {
    const { pods, systemNamespace } = this.snapshot;
    return [...pods.values()].filter(
      (pod) =>
        unprotected(pod) && !isSystemNamespace(pod.namespace, systemNamespace) && this.shouldHaveProxy(pod),
    );
  }

  /** Pods that the policy is about, and that count for it or lack a proxy. */
  selected(policy: MeshPolicy): { meshed: PodModel[]; unprotected: PodModel[] } {
    const { systemNamespace } = this.snapshot;
    const namespace = policy.metadata.namespace ?? '';
    const meshWide = namespace === systemNamespace;
    const pods = meshWide ? this.snapshot.pods.values() : (this.podsOf.get(namespace) ?? []);
    const meshed: PodModel[] = [];
    const missing: PodModel[] = [];
    for (const pod of pods) {
      if (isSystemNamespace(pod.namespace, systemNamespace)) continue;
      if (!policySelects(policy, pod, systemNamespace)) continue;
      if (counts(pod)) meshed.push(pod);
      else if (unprotected(pod) && (!meshWide || this.shouldHaveProxy(pod))) missing.push(pod);
    }
    return { meshed, unprotected: missing };
  }

  /** Every proxy of the mesh that counts. */
  proxies(): PodModel[] {
    return [...this.snapshot.pods.values()].filter(counts);
  }

  /** In an enabled namespace and not opted out; or opted in by its own label. */
  shouldHaveProxy(pod: PodModel): boolean {
    const own = pod.labels[label.inject];
    if (own === 'true') return true;
    return own !== 'false' && this.snapshot.namespaces.get(pod.namespace)?.enabled === true;
  }

  /** What the policy loses to an older one, if anything. */
  conflict(policy: string): string | undefined {
    this.#conflicts ??= mtlsConflicts(
      this.snapshot.policies,
      this.snapshot.pods.values(),
      this.snapshot.systemNamespace,
    );
    return this.#conflicts.get(policy);
  }
}
