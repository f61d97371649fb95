/** Where the controllers' results go: a cluster, or a folder of files (`--source files`). */
import type { MeshConfigStatus, MeshPolicyStatus } from '../../core/api/index.ts';

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

/** Key of an ObjectRef in maps and queues. */
export const refKey = ({ namespace, name }: ObjectRef): string => `${namespace}/${name}`;

/** metav1.OwnerReference without `blockOwnerDeletion`, which would need a permission on the owner. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** A ConfigMap with one document, as it is to be written. */
export interface DocumentObject extends ObjectRef {
  /** `config.json` or `directory.json`, with `.gz` where it is compressed. */
  readonly file: string;
  readonly data: string | Uint8Array;
  readonly stamp: DocumentStamp;
  readonly owner?: OwnerReference;
  /** Writes only over this version of the object; absent: creates it, or takes over what is there. */
  readonly expectedVersion?: string;
}

/** What an annotation beside the document says of it, so that no document need be kept or parsed to know its state. */
export interface DocumentStamp {
  readonly epoch: number;
  readonly revision: string;
  /** Hash of the content. */
  readonly hash: string;
  /** Hash of what is stored: differs from that of what is in place when somebody else changed it. */
  readonly textHash: string;
  /** Hash of all that is urgent in a file; absent where the stamp is of an older version. */
  readonly shape?: string;
  /** Services of other namespaces that the workload has called; its document holds them. */
  readonly used?: readonly string[];
}

/** A document as it is in place. */
export interface ExistingDocument extends ObjectRef {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly ownerUid?: string;
  /** Absent where the annotation is missing or damaged. */
  readonly stamp?: DocumentStamp;
  /** Hash of what is stored; empty where there is nothing. */
  readonly actualTextHash: string;
}

export interface DocumentSink {
  /** By refKey: all documents in place. */
  readonly existing: View<ExistingDocument>;
  /** Calls back with the refKey of each document that changed, appeared or went. */
  onChange(listener: (key: string) => void): void;
  /** Resolves with what is now in place. Rejects with WeftError CONFLICT where `expectedVersion` is not in place. */
  apply(document: DocumentObject): Promise<ExistingDocument>;
  /** Deletes exactly this object; resolves where it is gone already. */
  remove(document: ExistingDocument): Promise<void>;
}

/** What of a mesh resource the status of it is made from, as it is stored. */
export interface StoredStatus<Status> {
  readonly uid: string;
  readonly generation: number;
  readonly status?: Status;
}

/** The part of a Map that readers of a sink need. */
export interface View<Value> {
  get(key: string): Value | undefined;
  keys(): Iterable<string>;
}

export interface StatusSink {
  /** By refKey. */
  readonly policies: View<StoredStatus<MeshPolicyStatus>>;
  /** By name; there is one, `default`. */
  readonly meshConfigs: View<StoredStatus<MeshConfigStatus>>;
  /** Calls back with what was created, changed or deleted. */
  onChange(listener: (kind: 'MeshPolicy' | 'MeshConfig', key: string) => void): void;
  /** Resolves where the policy is gone. */
  writePolicy(policy: ObjectRef, status: MeshPolicyStatus): Promise<void>;
  writeMeshConfig(name: string, status: MeshConfigStatus): Promise<void>;
  /** Creates MeshConfig `default`; resolves where it exists already. */
  createMeshConfig(trustDomain: string): Promise<void>;
}

export interface RefreshSink {
  /** Makes kubelet look at the pod's mounted volumes now. Resolves where the pod is gone. */
  refresh(pod: ObjectRef & { readonly uid: string }, value: string): Promise<void>;
}

/** What an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

export interface Notice {
  readonly subject: EventSubject;
  /** CamelCase, such as ProxyMissing. */
  readonly reason: string;
  readonly message: string;
}

export interface EventSink {
  /** Never throws and never makes the caller wait. */
  warn(notice: Notice): void;
}

export interface Sinks {
  readonly documents: DocumentSink;
  readonly status: StatusSink;
  readonly refresh: RefreshSink;
  readonly events: EventSink;
}
