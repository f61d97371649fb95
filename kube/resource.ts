import type {
  CoreV1Event,
  EventsV1Event,
  V1ConfigMap,
  V1CronJob,
  V1CustomResourceDefinition,
  V1DaemonSet,
  V1Deployment,
  V1EndpointSlice,
  V1Job,
  V1Lease,
  V1MutatingWebhookConfiguration,
  V1Namespace,
  V1Node,
  V1Pod,
  V1ReplicaSet,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { GROUP, VERSION, type MeshConfig, type MeshPolicy, type ObjectMeta } from '../core/api/index.ts';

/** What JSON makes of a client-node type: times are strings, as they came; nothing is converted. */
export type Raw<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Raw<Item>[]
    : T extends object
      ? { [Key in keyof T]: Raw<T[Key]> }
      : T;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFields {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: object;
  subresource?: string;
}

export interface KubeMeta extends ObjectMeta {
  generateName?: string;
  deletionGracePeriodSeconds?: number;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFields[];
}

/** Any object of the API. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: KubeMeta;
}

/** PartialObjectMetadata (meta.k8s.io/v1): an object without its content. */
export type PartialObject = KubeObject;

/** A client-node type as it travels: raw JSON with metadata always there. */
export type Served<T> = Omit<Raw<T>, 'metadata' | 'apiVersion' | 'kind'> & KubeObject;

export type Pod = Served<V1Pod>;
export type Service = Served<V1Service>;
export type ConfigMap = Served<V1ConfigMap>;
export type Secret = Served<V1Secret>;
export type ServiceAccount = Served<V1ServiceAccount>;
export type Namespace = Served<V1Namespace>;
export type Node = Served<V1Node>;
export type EndpointSlice = Served<V1EndpointSlice>;
export type Deployment = Served<V1Deployment>;
export type ReplicaSet = Served<V1ReplicaSet>;
export type StatefulSet = Served<V1StatefulSet>;
export type DaemonSet = Served<V1DaemonSet>;
export type Job = Served<V1Job>;
export type CronJob = Served<V1CronJob>;
export type Lease = Served<V1Lease>;
export type CoreEvent = Served<CoreV1Event>;
export type KubeEvent = Served<EventsV1Event>;
export type MutatingWebhookConfiguration = Served<V1MutatingWebhookConfiguration>;
export type ValidatingWebhookConfiguration = Served<V1ValidatingWebhookConfiguration>;
export type CustomResourceDefinition = Served<V1CustomResourceDefinition>;

/** Where a kind of object lives in the API, and of which type its objects are. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** '' for core. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: carries the type. */
  readonly object?: T;
}

const define = <T extends KubeObject>(
  groupVersion: string,
  kind: string,
  options: { plural?: string; namespaced?: boolean } = {},
): Resource<T> => {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
  const { plural = `${kind.toLowerCase()}s`, namespaced = true } = options;
  return { group: group!, version: version!, plural, kind, namespaced };
};

/** Every kind that Weft reads or writes. */
export const resources = {
  namespaces: define<Namespace>('v1', 'Namespace', { namespaced: false }),
  nodes: define<Node>('v1', 'Node', { namespaced: false }),
  pods: define<Pod>('v1', 'Pod'),
  services: define<Service>('v1', 'Service'),
  configMaps: define<ConfigMap>('v1', 'ConfigMap'),
  secrets: define<Secret>('v1', 'Secret'),
  serviceAccounts: define<ServiceAccount>('v1', 'ServiceAccount'),
  coreEvents: define<CoreEvent>('v1', 'Event'),
  events: define<KubeEvent>('events.k8s.io/v1', 'Event'),
  deployments: define<Deployment>('apps/v1', 'Deployment'),
  replicaSets: define<ReplicaSet>('apps/v1', 'ReplicaSet'),
  statefulSets: define<StatefulSet>('apps/v1', 'StatefulSet'),
  daemonSets: define<DaemonSet>('apps/v1', 'DaemonSet'),
  jobs: define<Job>('batch/v1', 'Job'),
  cronJobs: define<CronJob>('batch/v1', 'CronJob'),
  endpointSlices: define<EndpointSlice>('discovery.k8s.io/v1', 'EndpointSlice'),
  leases: define<Lease>('coordination.k8s.io/v1', 'Lease'),
  mutatingWebhookConfigurations: define<MutatingWebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    { namespaced: false },
  ),
  validatingWebhookConfigurations: define<ValidatingWebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    { namespaced: false },
  ),
  customResourceDefinitions: define<CustomResourceDefinition>(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { namespaced: false },
  ),
  meshPolicies: define<MeshPolicy & KubeObject>(`${GROUP}/${VERSION}`, 'MeshPolicy', {
    plural: 'meshpolicies',
  }),
  meshConfigs: define<MeshConfig & KubeObject>(`${GROUP}/${VERSION}`, 'MeshConfig', { namespaced: false }),
} as const;

export const apiVersionOf = ({ group, version }: Pick<Resource, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

export interface Place {
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
}

/** `/apis/apps/v1/namespaces/shop/deployments/cart/status`; without a namespace, all of them. */
export function pathOf(resource: Resource, { namespace, name, subresource }: Place = {}): string {
  const parts =
    resource.group === '' ? ['api', resource.version] : ['apis', resource.group, resource.version];
  if (resource.namespaced && namespace !== undefined) parts.push('namespaces', namespace);
  parts.push(resource.plural);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** `namespace/name`; the name alone for what has no namespace. */
export const keyOf = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace ? `${namespace}/${name}` : name;

/** An owner reference to `object`, which must come from the API. Without blockOwnerDeletion: that needs a permission. */
export const ownerOf = (resource: Resource, object: KubeObject): OwnerReference => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  name: object.metadata.name,
  uid: object.metadata.uid ?? '',
});
