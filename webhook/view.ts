/** What the webhook must know of the cluster. cluster.ts answers from watches and requests; tests from values. */
import type { MeshConfigSpec, MeshPolicy, PolicySurroundings } from '../core/api/index.ts';
import type { OwnedMeta, OwnerReference } from '../core/model/workload.ts';
import type { KubernetesVersion } from './inject/index.ts';

export type SelectedPods = PolicySurroundings['pods'];

export interface ClusterView {
  /** Labels of a namespace; `undefined` where there is none of that name. May ask the API server. */
  namespaceLabels(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Metadata of an owner; `undefined` where it cannot be had in time. Never rejects. */
  owner(namespace: string, owner: OwnerReference): Promise<OwnedMeta | undefined>;
  /** Valid policies with their defaults. */
  policies(): MeshPolicy[];
  /** Pods in reach of a policy; `undefined` where they cannot be had in time. Never rejects. */
  podsOf(policy: MeshPolicy): Promise<SelectedPods | undefined>;
  /** The MeshConfig in force, or the defaults. */
  mesh(): MeshConfigSpec;
  trustDomain(): string;
  readonly kubernetes: KubernetesVersion | undefined;
  /** True once everything was read once. */
  readonly synced: boolean;
}
