/** Pods as the API server sends them to a webhook: raw JSON, only the fields that injection reads. */
import type { MeshConfigSpec } from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import type { WorkloadRef } from '../../core/model/index.ts';
import type { LookupOwner, OwnerReference } from '../../core/model/workload.ts';

export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: string;
}

/** Kubernetes' Probe with exactly one handler; thresholds and periods are carried through unread. */
export interface Probe {
  httpGet?: HttpGetAction;
  tcpSocket?: { port: number | string; host?: string };
  grpc?: { port: number; service?: string };
  exec?: object;
  timeoutSeconds?: number;
  [field: string]: unknown;
}

export interface HttpGetAction {
  port: number | string;
  path?: string;
  host?: string;
  scheme?: string;
  httpHeaders?: { name: string; value: string }[];
}

export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  [field: string]: unknown;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: object;
}

export interface Container {
  name: string;
  image?: string;
  ports?: ContainerPort[];
  env?: EnvVar[];
  restartPolicy?: string;
  securityContext?: SecurityContext;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: Record<string, { httpGet?: object; tcpSocket?: object; [handler: string]: unknown }>;
  [field: string]: unknown;
}

export interface Volume {
  name: string;
  [source: string]: unknown;
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  hostNetwork?: boolean;
  os?: { name?: string };
  nodeSelector?: Record<string, string>;
  serviceAccountName?: string;
  /** The old name of serviceAccountName; the API server copies it, a file may not. */
  serviceAccount?: string;
  terminationGracePeriodSeconds?: number;
  securityContext?: SecurityContext;
  [field: string]: unknown;
}

export interface Pod {
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: OwnerReference[];
  };
  spec: PodSpec;
}

/** One operation of RFC 6902; paths are JSON pointers (RFC 6901) from the pod's root. */
export type Operation =
  { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string };

/** All that decides about a pod beside the pod itself. */
export interface InjectContext {
  namespace: { name: string; labels: Readonly<Record<string, string>> };
  systemNamespace: string;
  /** The control plane that this webhook belongs to; a namespace without `weft.dev/revision` belongs to `default`. */
  revision: string;
  trustDomain: string;
  image: { name: string; pullPolicy?: string };
  mesh: MeshConfigSpec;
  lookupOwner: LookupOwner;
  /** Known beforehand for a pod template; else found from the pod's owners. */
  workload?: WorkloadRef;
  /** Of the API server; absent where there is none. */
  kubernetes?: KubernetesVersion;
}

export interface KubernetesVersion {
  major: number;
  minor: number;
}

/** Why a pod gets no proxy. Stable: shown in reports, metrics and logs. */
export type SkipReason =
  | 'NamespaceNotEnabled'
  | 'NamespaceLabelInvalid'
  | 'PodOptedOut'
  | 'SystemNamespace'
  | 'OtherRevision'
  | 'HostNetwork'
  | 'Windows'
  | 'StaticPod'
  | 'AlreadyInjected';

/** Warnings are for people: `kubectl` prints them. */
export type InjectResult =
  | { outcome: 'injected'; patch: Operation[]; workload: WorkloadRef; warnings: string[] }
  | { outcome: 'skipped'; reason: SkipReason; message: string; warnings: string[] }
  | { outcome: 'refused'; problems: Problem[]; warnings: string[] };
