/**
 * What Weft reads of Kubernetes objects, and no more: reflectors keep only these fields, files need only these.
 * Each type is a part of the API's own, as JSON carries it (times are strings).
 */
import type { ObjectMeta, RawResource } from '../core/api/index.ts';
import type { OwnerReference } from '../core/model/workload.ts';

export interface RawMeta extends ObjectMeta {
  ownerReferences?: OwnerReference[];
}

export interface RawObject {
  apiVersion?: string;
  kind?: string;
  metadata: RawMeta;
}

export type RawNamespace = RawObject;
export type RawServiceAccount = RawObject;
export type RawReplicaSet = RawObject;
export type RawNode = RawObject;

export interface RawContainer {
  name: string;
  ports?: { name?: string; containerPort: number; protocol?: string }[];
}

export interface RawPodSpec {
  serviceAccountName?: string;
  nodeName?: string;
  hostNetwork?: boolean;
  initContainers?: RawContainer[];
  containers?: RawContainer[];
}

export interface RawPod extends RawObject {
  spec?: RawPodSpec;
  status?: {
    phase?: string;
    podIP?: string;
    podIPs?: { ip?: string }[];
    initContainerStatuses?: { name: string; started?: boolean; ready?: boolean }[];
  };
}

export interface RawTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: RawPodSpec;
}

/** Deployment, StatefulSet, DaemonSet. */
export interface RawWorkload extends RawObject {
  spec?: { template?: RawTemplate };
}

export interface RawJob extends RawWorkload {
  status?: { conditions?: { type: string; status: string }[] };
}

export interface RawCronJob extends RawObject {
  spec?: { jobTemplate?: { spec?: { template?: RawTemplate } } };
}

export interface RawService extends RawObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    externalName?: string;
    selector?: Record<string, string>;
    ports?: {
      name?: string;
      port: number;
      protocol?: string;
      appProtocol?: string;
      targetPort?: number | string;
    }[];
  };
}

export interface RawEndpointSlice extends RawObject {
  addressType?: string;
  endpoints?: {
    addresses?: string[];
    conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
    hostname?: string;
    nodeName?: string;
    zone?: string;
    targetRef?: { kind?: string; namespace?: string; name?: string; uid?: string };
  }[];
  ports?: { name?: string; port?: number; protocol?: string }[];
}

export type RawMesh = RawResource & RawObject;

/** All objects of one moment. An array that is the same as last time holds the same objects. */
export interface RawObjects {
  readonly namespaces: readonly RawNamespace[];
  readonly nodes: readonly RawNode[];
  readonly services: readonly RawService[];
  readonly endpointSlices: readonly RawEndpointSlice[];
  readonly pods: readonly RawPod[];
  readonly serviceAccounts: readonly RawServiceAccount[];
  readonly deployments: readonly RawWorkload[];
  readonly statefulSets: readonly RawWorkload[];
  readonly daemonSets: readonly RawWorkload[];
  readonly replicaSets: readonly RawReplicaSet[];
  readonly jobs: readonly RawJob[];
  readonly cronJobs: readonly RawCronJob[];
  readonly meshPolicies: readonly RawMesh[];
  readonly meshConfigs: readonly RawMesh[];
}

export type RawKind = keyof RawObjects;

/** The API's `apiVersion kind` for each list of RawObjects. */
export const rawKinds: Readonly<Record<RawKind, { apiVersion: string; kind: string; namespaced: boolean }>> =
  {
    namespaces: { apiVersion: 'v1', kind: 'Namespace', namespaced: false },
    nodes: { apiVersion: 'v1', kind: 'Node', namespaced: false },
    services: { apiVersion: 'v1', kind: 'Service', namespaced: true },
    endpointSlices: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespaced: true },
    pods: { apiVersion: 'v1', kind: 'Pod', namespaced: true },
    serviceAccounts: { apiVersion: 'v1', kind: 'ServiceAccount', namespaced: true },
    deployments: { apiVersion: 'apps/v1', kind: 'Deployment', namespaced: true },
    statefulSets: { apiVersion: 'apps/v1', kind: 'StatefulSet', namespaced: true },
    daemonSets: { apiVersion: 'apps/v1', kind: 'DaemonSet', namespaced: true },
    replicaSets: { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespaced: true },
    jobs: { apiVersion: 'batch/v1', kind: 'Job', namespaced: true },
    cronJobs: { apiVersion: 'batch/v1', kind: 'CronJob', namespaced: true },
    meshPolicies: { apiVersion: 'mesh.weft.dev/v1alpha1', kind: 'MeshPolicy', namespaced: true },
    meshConfigs: { apiVersion: 'mesh.weft.dev/v1alpha1', kind: 'MeshConfig', namespaced: false },
  };

/** No objects of any kind. */
export const noObjects: RawObjects = Object.freeze(
  Object.fromEntries(Object.keys(rawKinds).map((kind) => [kind, Object.freeze([])])),
) as unknown as RawObjects;

/** `namespace/name`; the name alone for what has no namespace. */
export const rawKey = ({ metadata: { namespace, name } }: RawObject): string =>
  namespace ? `${namespace}/${name}` : name;
