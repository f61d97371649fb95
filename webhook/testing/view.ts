/** A ClusterView of values. */
import { parseMeshConfigSpec, type MeshPolicy } from '../../core/api/index.ts';
import type { OwnedMeta } from '../../core/model/workload.ts';
import type { ClusterView, SelectedPods } from '../view.ts';

export interface FakeCluster {
  namespaces: Record<string, Record<string, string>>;
  owners: Record<string, OwnedMeta>;
  policies: MeshPolicy[];
  pods: SelectedPods | undefined;
  synced: boolean;
}

export function fakeView(cluster: Partial<FakeCluster> = {}): ClusterView & { cluster: FakeCluster } {
  const mesh = parseMeshConfigSpec({});
  if (!mesh.ok) throw new Error('the defaults are invalid');
  const all: FakeCluster = {
    namespaces: { shop: { 'weft.dev/injection': 'enabled' } },
    owners: {},
    policies: [],
    pods: [],
    synced: true,
    ...cluster,
  };
  return {
    cluster: all,
    namespaceLabels: async (name) => all.namespaces[name],
    owner: async (namespace, { kind, name }) => all.owners[`${kind}/${namespace}/${name}`],
    policies: () => all.policies,
    podsOf: async () => all.pods,
    mesh: () => mesh.value,
    trustDomain: () => mesh.value.trustDomain,
    kubernetes: { major: 1, minor: 36 },
    get synced() {
      return all.synced;
    },
  };
}
