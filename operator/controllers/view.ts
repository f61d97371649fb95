/** What status is computed from: indexes that follow the snapshots, at the cost of what changed between two. */
import { policyName, policySelects, type MeshPolicy } from '../../core/api/index.ts';
import { isSystemNamespace, label } from '../../core/model/names.ts';
import { differences, type Difference } from '../../core/model/differences.ts';
import {
  workloadKey,
  type NamespaceModel,
  type PodModel,
  type RejectedResource,
  type Snapshot,
} from '../../core/model/index.ts';
import { mtlsConflicts } from '../status/conflicts.ts';
import { counts, unprotected } from '../status/proxies.ts';

export interface PodChange {
  /** `namespace/name`. */
  readonly key: string;
  readonly before: PodModel | undefined;
  readonly after: PodModel | undefined;
}

export interface ViewChanges {
  readonly pods: readonly PodChange[];
  /** Policies, refused resources, the MeshConfig, or which namespaces are of the mesh: all status may be another. */
  readonly resources: boolean;
  /** Namespaces that came into the mesh or left it. */
  readonly namespaces: ReadonlySet<string>;
}

type Group = Map<string, Map<string, PodModel>>;

const NONE: ReadonlyMap<string, PodModel> = new Map();

export class SnapshotView {
  #snapshot: Snapshot;
  #policies: ReadonlyMap<string, MeshPolicy> = new Map();
  #policiesIn: ReadonlyMap<string, readonly MeshPolicy[]> = new Map();
  #rejected: ReadonlyMap<string, RejectedResource> = new Map();
  readonly #byNamespace: Group = new Map();
  readonly #byWorkload: Group = new Map();
  readonly #counting = new Map<string, PodModel>();
  #conflicts: Map<string, string> | undefined;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#indexResources(snapshot);
    for (const [key, pod] of snapshot.pods) this.#index({ key, before: undefined, after: pod });
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get policies(): ReadonlyMap<string, MeshPolicy> {
    return this.#policies;
  }

  get rejected(): ReadonlyMap<string, RejectedResource> {
    return this.#rejected;
  }

  /** Follows to a newer snapshot; says what is different. */
  take(snapshot: Snapshot): ViewChanges {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const namespaces = enabledOtherwise(before.namespaces, snapshot.namespaces);
    const resources =
      namespaces.size > 0 ||
      before.policies !== snapshot.policies ||
      before.meshConfigResource !== snapshot.meshConfigResource ||
      !sameItems(before.rejected, snapshot.rejected);
    if (resources) this.#indexResources(snapshot);
    const pods = differences(before.pods, snapshot.pods);
    for (const change of pods) this.#index(change);
    return { pods, resources, namespaces };
  }

  /** By `namespace/name`. */
  podsOf(namespace: string): ReadonlyMap<string, PodModel> {
    return this.#byNamespace.get(namespace) ?? NONE;
  }

  /** Pods with a proxy, by `namespace/name`. */
  injected(workload: string): ReadonlyMap<string, PodModel> {
    return this.#byWorkload.get(workload) ?? NONE;
  }

  /** Every proxy of the mesh that counts. */
  proxies(): Iterable<PodModel> {
    return this.#counting.values();
  }

  /** `namespace/name` of the valid policies that select the pod. */
  policiesOf(pod: PodModel): string[] {
    const { systemNamespace } = this.#snapshot;
    const about = [pod.namespace, systemNamespace].flatMap((name) => this.#policiesIn.get(name) ?? []);
    return about.filter((policy) => policySelects(policy, pod, systemNamespace)).map(policyName);
  }

  /** It runs without the proxy that it should have. */
  proxyMissing(pod: PodModel): boolean {
    const isSystem = isSystemNamespace(pod.namespace, this.#snapshot.systemNamespace);
    return unprotected(pod) && !isSystem && this.shouldHaveProxy(pod);
  }

  /** Pods that the policy is about, and that count for it or lack a proxy. */
  selected(policy: MeshPolicy): { meshed: PodModel[]; unprotected: PodModel[] } {
    const { systemNamespace } = this.#snapshot;
    const namespace = policy.metadata.namespace ?? '';
    const meshWide = namespace === systemNamespace;
    const pods = meshWide ? this.#snapshot.pods : this.podsOf(namespace);
    const meshed: PodModel[] = [];
    const missing: PodModel[] = [];
    for (const pod of pods.values()) {
      if (isSystemNamespace(pod.namespace, systemNamespace)) continue;
      if (!policySelects(policy, pod, systemNamespace)) continue;
      if (counts(pod)) meshed.push(pod);
      else if (unprotected(pod) && (!meshWide || this.shouldHaveProxy(pod))) missing.push(pod);
    }
    return { meshed, unprotected: missing };
  }

  /** In an enabled namespace and not opted out; or opted in by its own label. */
  shouldHaveProxy(pod: PodModel): boolean {
    const own = pod.labels[label.inject];
    if (own === 'true') return true;
    return own !== 'false' && this.#snapshot.namespaces.get(pod.namespace)?.enabled === true;
  }

  /** What the policy loses to an older one, if anything. */
  conflict(policy: string): string | undefined {
    const { policies, pods, systemNamespace } = this.#snapshot;
    this.#conflicts ??= mtlsConflicts(policies, pods.values(), systemNamespace);
    return this.#conflicts.get(policy);
  }

  #indexResources({ policies, rejected }: Snapshot): void {
    this.#conflicts = undefined;
    this.#policies = new Map(policies.map((policy) => [policyName(policy), policy]));
    this.#policiesIn = Map.groupBy(policies, ({ metadata }) => metadata.namespace ?? '');
    this.#rejected = new Map(
      rejected.map((resource) => [
        resource.kind === 'MeshPolicy' ? `${resource.namespace ?? ''}/${resource.name}` : resource.name,
        resource,
      ]),
    );
  }

  #index({ key, before, after }: PodChange): void {
    if (before?.labels !== after?.labels) this.#conflicts = undefined;
    move(this.#byNamespace, { key, from: before?.namespace, to: after?.namespace, pod: after });
    const from = before?.proxy && workloadKey(before.workload);
    const to = after?.proxy && workloadKey(after.workload);
    move(this.#byWorkload, { key, from, to, pod: after });
    if (after && counts(after)) this.#counting.set(key, after);
    else this.#counting.delete(key);
  }
}

interface Move {
  readonly key: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly pod: PodModel | undefined;
}

function move(groups: Group, { key, from, to, pod }: Move): void {
  if (from !== undefined && from !== to) {
    const group = groups.get(from);
    group?.delete(key);
    if (group?.size === 0) groups.delete(from);
  }
  if (to === undefined || !pod) return;
  const group = groups.get(to);
  if (group) group.set(key, pod);
  else groups.set(to, new Map([[key, pod]]));
}

function enabledOtherwise(before: Snapshot['namespaces'], after: Snapshot['namespaces']): Set<string> {
  const isOther = (one: Difference<NamespaceModel>): boolean =>
    (one.before?.enabled ?? false) !== (one.after?.enabled ?? false);
  return new Set(
    differences(before, after)
      .filter(isOther)
      .map(({ key }) => key),
  );
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
