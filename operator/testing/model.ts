/** Small snapshots for tests: what matters is given, the rest is filled in. */
import {
  parseMeshConfigSpec,
  parseMeshPolicySpec,
  type MeshPolicy,
  type MeshPolicySpec,
} from '../../core/api/index.ts';
import { CONTROL_VERSION, type Report } from '../../core/control/index.ts';
import {
  workloadKey,
  type PodModel,
  type RejectedResource,
  type ServiceModel,
  type Snapshot,
  type WorkloadModel,
} from '../../core/model/index.ts';
import type { DesiredDocument } from '../controllers/wantedFiles.ts';

export const NAMESPACE = 'shop';

export function podModel(name: string, fields: Partial<PodModel> = {}): PodModel {
  const [account = name] = name.split('-');
  const namespace = fields.namespace ?? NAMESPACE;
  return {
    namespace,
    name,
    uid: `uid-${name}`,
    ips: ['10.244.0.9'],
    labels: { app: account },
    annotations: {},
    serviceAccount: account,
    node: 'node1',
    phase: 'Running',
    terminating: false,
    workload: { kind: 'deployment', namespace, name: account },
    proxy: { wires: ['weft-tcp/1'], started: true },
    ports: [{ name: 'http', port: 8080 }],
    ...fields,
  };
}

export function deployment(name: string, namespace = NAMESPACE): WorkloadModel {
  return {
    kind: 'deployment',
    namespace,
    name,
    apiVersion: 'apps/v1',
    kindName: 'Deployment',
    uid: `uid-deployment-${name}`,
    template: {
      labels: { app: name },
      annotations: {},
      serviceAccount: name,
      ports: [{ name: 'http', port: 8080 }],
    },
  };
}

export function meshPolicy(
  name: string,
  spec: Partial<MeshPolicySpec>,
  meta: Partial<MeshPolicy['metadata']> = {},
): MeshPolicy {
  const parsed = parseMeshPolicySpec(spec);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return {
    apiVersion: 'mesh.weft.dev/v1alpha1',
    kind: 'MeshPolicy',
    metadata: {
      namespace: NAMESPACE,
      name,
      uid: `uid-${name}`,
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...meta,
    },
    spec: parsed.value,
  };
}

export interface SnapshotParts {
  revision?: string;
  /** Enabled namespaces; default `shop`. */
  enabled?: string[];
  pods?: PodModel[];
  workloads?: WorkloadModel[];
  services?: ServiceModel[];
  policies?: MeshPolicy[];
  rejected?: RejectedResource[];
  meshConfigResource?: Snapshot['meshConfigResource'];
}

export function snapshotOf(parts: SnapshotParts = {}): Snapshot {
  const { revision = '100', enabled = [NAMESPACE], pods = [], workloads = [], services = [] } = parts;
  const named = <T extends { namespace: string; name: string }>(items: T[]): Map<string, T> =>
    new Map(items.map((item) => [`${item.namespace}/${item.name}`, item]));
  const meshConfig = parseMeshConfigSpec(undefined);
  if (!meshConfig.ok) throw new Error('no defaults');
  const accounts = [
    ...pods,
    ...workloads.map((workload) => ({ ...workload, serviceAccount: workload.name })),
  ].map(({ namespace, serviceAccount }) => ({
    namespace,
    name: serviceAccount,
    uid: `uid-sa-${serviceAccount}`,
  }));
  const names = new Set(['weft-system', ...enabled, ...pods.map(({ namespace }) => namespace)]);
  return {
    revision,
    systemNamespace: 'weft-system',
    clusterDomain: 'cluster.local',
    meshConfig: meshConfig.value,
    ...(parts.meshConfigResource ? { meshConfigResource: parts.meshConfigResource } : {}),
    namespaces: new Map(
      [...names].map((name) => [name, { name, labels: {}, enabled: enabled.includes(name) }]),
    ),
    services: named(services),
    pods: named(pods),
    workloads: new Map(workloads.map((workload) => [workloadKey(workload), workload])),
    serviceAccounts: named(accounts),
    policies: parts.policies ?? [],
    rejected: parts.rejected ?? [],
  };
}

/** What the proxy of a pod says. */
export function reportOf(pod: PodModel, fields: Partial<Report> = {}): Report {
  const { namespace, name, uid, workload } = pod;
  return {
    version: CONTROL_VERSION as Report['version'],
    pod: { namespace, name, uid },
    workload: { kind: workload.kind, name: workload.name },
    proxyVersion: '0.1.0',
    ...fields,
  };
}

/** `inForce` of a report, with the generations of these policies. */
export function inForce(
  policies: readonly MeshPolicy[],
  fields: { hash?: string; revision?: string; epoch?: number } = {},
) {
  return {
    epoch: fields.epoch ?? 1,
    revision: fields.revision ?? '100',
    hash: fields.hash ?? 'hash',
    since: '2026-01-01T00:00:00Z',
    resources: Object.fromEntries(
      policies.map(({ metadata }) => [
        `MeshPolicy/${metadata.namespace}/${metadata.name}`,
        { uid: metadata.uid ?? '', generation: metadata.generation ?? 0 },
      ]),
    ),
  };
}

/** A file as the mesh may want it. */
export const wantedFile = (hash: string, fields: Partial<DesiredDocument> = {}): DesiredDocument => ({
  namespace: NAMESPACE,
  name: 'weft.deployment.cart',
  file: 'config.json',
  hash,
  shape: () => 'shape',
  text: (position) => JSON.stringify({ hash, ...position }),
  owner: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'uid-cart' },
  ...fields,
});
