/**
 * The mesh as plain immutable values. A Snapshot is made whole by `sources` and never changed; everything that is
 * decided (core/compile) is decided from one Snapshot.
 */
import type {
  MeshConfig,
  MeshConfigSpec,
  MeshConfigStatus,
  MeshPolicy,
  MeshPolicyStatus,
  Problem,
} from '../api/index.ts';

export interface NamespaceModel {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Labelled `weft.dev/injection=enabled`. */
  readonly enabled: boolean;
}

/** What owns pods. A bare or generateName pod belongs to its ServiceAccount (DESIGN: Names). */
export interface WorkloadRef {
  /** Lower case: deployment, statefulset, daemonset, job, cronjob, serviceaccount, or a custom kind. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface WorkloadModel extends WorkloadRef {
  readonly apiVersion: string;
  /** As the API writes it, for owner references: `Deployment`. */
  readonly kindName: string;
  readonly uid: string;
  /** Of the pod template; pods of a ServiceAccount workload have no template. */
  readonly template?: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly serviceAccount: string;
    /** Container ports by name, to resolve a Service's named targetPort. */
    readonly ports: readonly { readonly name?: string; readonly port: number }[];
  };
}

export interface PodModel {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly node?: string;
  readonly zone?: string;
  readonly phase: string;
  readonly terminating: boolean;
  /** Shares the network of its node, which is never redirected: it gets no proxy. */
  readonly hostNetwork?: boolean;
  readonly workload: WorkloadRef;
  /** Present when a Weft proxy was injected: what the webhook stamped, and whether kubelet saw it start. */
  readonly proxy?: { readonly wires: readonly string[]; readonly started: boolean };
  readonly ports: readonly { readonly name?: string; readonly port: number }[];
}

export interface ServicePortModel {
  readonly name?: string;
  readonly port: number;
  readonly appProtocol?: string;
  readonly targetPort?: number | string;
}

export interface ServiceModel {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly headless: boolean;
  readonly externalName?: string;
  readonly ports: readonly ServicePortModel[];
  readonly selector: Readonly<Record<string, string>>;
  /** Who may use it, by its annotation; absent: the mesh's default decides. Its own namespace always may. */
  readonly visibleTo?: VisibleTo;
  readonly endpoints: readonly EndpointModel[];
}

/** Everybody, or these namespaces. */
export type VisibleTo = '*' | readonly string[];

/** One address of an EndpointSlice, with the ports of its slice. */
export interface EndpointModel {
  readonly address: string;
  /** By the name of the Service's port; a single unnamed port has the name ''. */
  readonly ports: Readonly<Record<string, number>>;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly hostname?: string;
  readonly node?: string;
  readonly zone?: string;
  /** `namespace/name` of the pod behind it. */
  readonly pod?: string;
  /** Of that pod: a StatefulSet's next pod has the same name but is another one. */
  readonly podUid?: string;
}

export interface ServiceAccountModel {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A mesh resource that is not in force as it stands, and why. */
export interface RejectedResource {
  readonly kind: 'MeshPolicy' | 'MeshConfig';
  /** Absent for a MeshConfig. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  /** The generation that was refused. */
  readonly generation: number;
  readonly problems: readonly Problem[];
  /** The generation that stays in force; absent where none of its generations was good. */
  readonly inForce?: number;
  /** As it is stored now, so that conditions keep their times. */
  readonly status?: MeshPolicyStatus & MeshConfigStatus;
}

export interface Snapshot {
  /** Highest resourceVersion of all that is in it, decimal. */
  readonly revision: string;
  readonly systemNamespace: string;
  readonly clusterDomain: string;
  readonly meshConfig: MeshConfigSpec;
  /** The resource behind `meshConfig`; absent where defaults are in force. */
  readonly meshConfigResource?: MeshConfig;
  readonly namespaces: ReadonlyMap<string, NamespaceModel>;
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceModel>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PodModel>;
  /** By workloadKey. */
  readonly workloads: ReadonlyMap<string, WorkloadModel>;
  /** By `namespace/name`. */
  readonly serviceAccounts: ReadonlyMap<string, ServiceAccountModel>;
  /** Valid MeshPolicies with their defaults filled in, oldest first. An invalid one is here in its last good form, if it had one. */
  readonly policies: readonly MeshPolicy[];
  /** Resources that are refused in their present form. */
  readonly rejected: readonly RejectedResource[];
}

export const workloadKey = ({ kind, namespace, name }: WorkloadRef): string => `${kind}/${namespace}/${name}`;

/** The key of a resource in a document: `MeshPolicy/shop/cart`, and `MeshConfig/default` for what has no namespace. */
export const resourceKey = (
  kind: string,
  { namespace, name }: { namespace?: string; name: string },
): string => (namespace ? `${kind}/${namespace}/${name}` : `${kind}/${name}`);

/** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>` (SPIFFE-ID, section 2). */
export const spiffeId = (trustDomain: string, namespace: string, serviceAccount: string): string =>
  `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;

/** True when all of `selector` are among `labels`; an empty selector selects everything. */
export function selects(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector) for (const key of Object.keys(selector)) if (labels[key] !== selector[key]) return false;
  return true;
}
