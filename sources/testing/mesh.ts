/** Meshes for tests: Kubernetes objects in few words, and snapshots of them. */
import { createHash } from 'node:crypto';
import { annotation, container, label } from '../../core/model/names.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { parseManifests, type Manifest } from '../manifests.ts';
import { noObjects, rawKinds, type RawKind, type RawObject, type RawObjects } from '../objects.ts';
import { buildSnapshot, type SnapshotSettings } from '../snapshot.ts';

export const settings: SnapshotSettings = { systemNamespace: 'weft-system', clusterDomain: 'cluster.local' };

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

export function objectsOf(manifests: readonly Manifest[]): RawObjects {
  const lists: Record<RawKind, RawObject[]> = structuredClone(noObjects) as never;
  for (const { kind, object } of manifests) lists[kind].push(object);
  return lists as RawObjects;
}

export const objectsOfYaml = (text: string): RawObjects =>
  objectsOf(parseManifests(text, 'mesh.yaml', 'shop'));

type Labels = Record<string, string>;

interface Meta {
  namespace?: string;
  labels?: Labels;
  uid?: string;
  created?: string;
  generation?: number;
  version?: number;
}

const make = (
  kind: RawKind,
  { name, ...rest }: { name: string; [field: string]: unknown },
  meta: Meta = {},
): Manifest => {
  const { namespace = 'shop', labels = {}, uid = `${kind}-${namespace}-${name}` } = meta;
  return {
    kind,
    object: {
      apiVersion: rawKinds[kind].apiVersion,
      kind: rawKinds[kind].kind,
      metadata: {
        name,
        ...(rawKinds[kind].namespaced ? { namespace } : {}),
        labels,
        uid,
        generation: meta.generation ?? 1,
        resourceVersion: `${meta.version ?? 1}`,
        creationTimestamp: meta.created ?? '2026-01-01T00:00:00Z',
      },
      ...rest,
    },
  };
};

export const namespace = (name: string, enabled = true): Manifest =>
  make('namespaces', { name }, { labels: enabled ? { [label.injection]: 'enabled' } : {} });

export const account = (name: string, namespace = 'shop'): Manifest =>
  make('serviceAccounts', { name }, { namespace });

interface PodOptions extends Meta {
  account?: string;
  ip?: string;
  /** Default: it has a proxy that speaks weft-tcp/1. */
  proxy?: boolean | { wires: string[]; started?: boolean };
  owner?: { apiVersion: string; kind: string; name: string };
  ports?: { name?: string; containerPort: number }[];
  phase?: string;
  deleted?: boolean;
}

export function pod(name: string, options: PodOptions = {}): Manifest {
  const {
    account = 'default',
    ip = '10.1.0.1',
    proxy = true,
    owner,
    ports = [],
    phase = 'Running',
  } = options;
  const { wires = ['weft-tcp/1'], started = true } = typeof proxy === 'object' ? proxy : {};
  const { kind, object } = make(
    'pods',
    {
      name,
      spec: {
        serviceAccountName: account,
        nodeName: 'node1',
        initContainers: proxy ? [{ name: container.proxy }] : [],
        containers: [{ name: 'app', ports }],
      },
      status: {
        phase,
        podIP: ip,
        podIPs: [{ ip }],
        initContainerStatuses: proxy ? [{ name: container.proxy, started }] : [],
      },
    },
    options,
  );
  return {
    kind,
    object: {
      ...object,
      metadata: {
        ...object.metadata,
        ...(options.deleted ? { deletionTimestamp: '2026-01-02T00:00:00Z' } : {}),
        annotations: proxy ? { [annotation.proxy]: JSON.stringify({ version: '0.1.0', wires }) } : {},
        ownerReferences: owner ? [{ ...owner, uid: `uid-${owner.name}`, controller: true }] : [],
      },
    },
  };
}

interface WorkloadOptions extends Meta {
  account?: string;
  ports?: { name?: string; containerPort: number }[];
  kind?: 'deployments' | 'statefulSets' | 'daemonSets' | 'jobs';
  status?: object;
}

/** `labels` are those of the template. */
export function workload(name: string, options: WorkloadOptions = {}): Manifest {
  const { kind = 'deployments', labels = {}, account = 'default', ports = [], status, ...meta } = options;
  const template = {
    metadata: { labels },
    spec: { serviceAccountName: account, containers: [{ name: 'app', ports }] },
  };
  return make(kind, { name, spec: { template }, ...(status ? { status } : {}) }, meta);
}

/** What belongs to a Deployment's pod. */
export const ofDeployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: `${name}-5d9`,
});

export const replicaSet = (deployment: string, namespace = 'shop'): Manifest => {
  const { kind, object } = make('replicaSets', { name: `${deployment}-5d9` }, { namespace });
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment, uid: 'd', controller: true };
  return { kind, object: { ...object, metadata: { ...object.metadata, ownerReferences: [owner] } } };
};

interface ServiceOptions extends Meta {
  ip?: string;
  selector?: Labels;
  ports?: {
    name?: string;
    port: number;
    targetPort?: number | string;
    appProtocol?: string;
    protocol?: string;
  }[];
  externalName?: string;
  visibleTo?: string;
}

export function service(name: string, options: ServiceOptions = {}): Manifest {
  const {
    ip = '10.96.0.1',
    selector = { app: name },
    ports = [{ name: 'http', port: 80 }],
    externalName,
    visibleTo,
  } = options;
  const spec = externalName
    ? { type: 'ExternalName', externalName }
    : { clusterIP: ip, clusterIPs: [ip], selector, ports };
  const { kind, object } = make('services', { name, spec }, options);
  if (visibleTo === undefined) return { kind, object };
  const annotations = { [annotation.visibleTo]: visibleTo };
  return { kind, object: { ...object, metadata: { ...object.metadata, annotations } } };
}

interface SliceEndpoint {
  address: string;
  pod?: string;
  podUid?: string;
  ready?: boolean;
  serving?: boolean;
  terminating?: boolean;
  zone?: string;
}

/** The slice `<service>-<suffix>` of a service, with ports by name. */
export function slice(
  service: string,
  endpoints: readonly SliceEndpoint[],
  options: { namespace?: string; ports?: Record<string, number>; suffix?: string } = {},
): Manifest {
  const { namespace = 'shop', ports = { http: 8080 }, suffix = 'a' } = options;
  return make(
    'endpointSlices',
    {
      name: `${service}-${suffix}`,
      addressType: 'IPv4',
      ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol: 'TCP' })),
      endpoints: endpoints.map(({ address, pod, podUid, zone, ready, serving, terminating }) => ({
        addresses: [address],
        conditions: {
          ...(ready === undefined ? {} : { ready }),
          ...(serving === undefined ? {} : { serving }),
          ...(terminating === undefined ? {} : { terminating }),
        },
        ...(zone ? { zone } : {}),
        ...(pod
          ? { targetRef: { kind: 'Pod', namespace, name: pod, uid: podUid ?? `pods-${namespace}-${pod}` } }
          : {}),
      })),
    },
    { namespace, labels: { 'kubernetes.io/service-name': service } },
  );
}

export const policy = (name: string, spec: object, meta: Meta = {}): Manifest =>
  make('meshPolicies', { name, spec }, meta);

export const meshConfig = (spec: object, meta: Meta = {}): Manifest =>
  make('meshConfigs', { name: 'default', spec }, meta);

export const snapshotOf = (...manifests: Manifest[]): Snapshot =>
  buildSnapshot(objectsOf(manifests), settings);
