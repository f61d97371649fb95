/** One Kubernetes object → one value of the model. Pure; a value is made once per object and then re-used. */
import {
  workloadKey,
  type EndpointModel,
  type NamespaceModel,
  type PodModel,
  type ServiceAccountModel,
  type ServiceModel,
  type WorkloadModel,
  type WorkloadRef,
} from '../core/model/index.ts';
import { annotation, container, label } from '../core/model/names.ts';
import { Pool } from './pool.ts';
import { visibleToOf } from './visibility.ts';
import type { RawEndpointSlice, RawObject, RawPod, RawPodSpec, RawService, RawTemplate } from './objects.ts';

/** The label that the API puts on an EndpointSlice. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** Calls `make` once per object: a changed object is another one. */
function once<K extends object, V>(make: (object: K) => V): (object: K) => V {
  const made = new WeakMap<K, V>();
  return (object) => {
    let value = made.get(object);
    if (value === undefined) made.set(object, (value = make(object)));
    return value;
  };
}

export const namespaceModel = once(({ metadata }: RawObject): NamespaceModel => ({
  name: metadata.name,
  labels: metadata.labels ?? {},
  enabled: metadata.labels?.[label.injection] === 'enabled',
}));

export const serviceAccountModel = once(({ metadata }: RawObject): ServiceAccountModel => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  uid: metadata.uid ?? '',
}));

const isTcp = ({ protocol }: { protocol?: string }) => protocol === undefined || protocol === 'TCP';

/** For what most pods have in common. */
const pool = new Pool(1_000);

function portsOf(spec: RawPodSpec | undefined): PodModel['ports'] {
  const ports = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
    .flatMap(({ ports }) => ports ?? [])
    .filter(isTcp)
    .map(({ name, containerPort }) => ({ ...(name ? { name } : {}), port: containerPort }));
  return pool.share(ports);
}

function templateModel(template: RawTemplate | undefined): NonNullable<WorkloadModel['template']> {
  return {
    labels: template?.metadata?.labels ?? {},
    annotations: template?.metadata?.annotations ?? {},
    serviceAccount: template?.spec?.serviceAccountName || 'default',
    ports: portsOf(template?.spec),
  };
}

/** A workload with a pod template, of the kind that the API calls `kindName`. */
export function templateWorkload(
  apiVersion: string,
  kindName: string,
): (object: RawObject, template: RawTemplate | undefined) => WorkloadModel {
  const made = new WeakMap<RawObject, WorkloadModel>();
  return (object, template) => {
    let model = made.get(object);
    if (!model) {
      model = {
        ...bareWorkload(object, { apiVersion, kind: kindName }),
        template: templateModel(template),
      };
      made.set(object, model);
    }
    return model;
  };
}

/** A workload that is known by its metadata alone. */
export const bareWorkload = (
  { metadata }: RawObject,
  { apiVersion, kind }: { apiVersion: string; kind: string },
): WorkloadModel => ({
  kind: kind.toLowerCase(),
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  apiVersion,
  kindName: kind,
  uid: metadata.uid ?? '',
});

/** What the webhook stamped on the pod, provided that it really got a proxy; anything else is no proxy. */
function proxyOf({ metadata, spec, status }: RawPod): PodModel['proxy'] {
  const stamp = metadata.annotations?.[annotation.proxy];
  if (stamp === undefined || !spec?.initContainers?.some(({ name }) => name === container.proxy))
    return undefined;
  let value: unknown;
  try {
    value = JSON.parse(stamp);
  } catch {
    return undefined;
  }
  const wires = (value as { wires?: unknown } | null)?.wires;
  if (!Array.isArray(wires) || !wires.every((wire) => typeof wire === 'string')) return undefined;
  const seen = status?.initContainerStatuses?.find(({ name }) => name === container.proxy);
  return pool.share({ wires, started: seen?.started === true || seen?.ready === true });
}

const podsMade = new WeakMap<RawPod, PodModel>();

/** The same value as last time where neither the pod nor what it depends on changed. */
export function podModel(raw: RawPod, workload: WorkloadRef, nodeZone: string | undefined): PodModel {
  const { metadata, spec, status } = raw;
  const zone = metadata.labels?.[ZONE_LABEL] ?? nodeZone;
  const last = podsMade.get(raw);
  if (last && last.zone === zone && workloadKey(last.workload) === workloadKey(workload)) return last;
  const proxy = proxyOf(raw);
  const ips = (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  const model: PodModel = {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    ips: ips.length > 0 || !status?.podIP ? ips : [status.podIP],
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    serviceAccount: spec?.serviceAccountName || 'default',
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
    phase: status?.phase ?? 'Pending',
    terminating: metadata.deletionTimestamp !== undefined,
    ...(spec?.hostNetwork ? { hostNetwork: true } : {}),
    workload,
    ...(proxy ? { proxy } : {}),
    ports: portsOf(spec),
  };
  podsMade.set(raw, model);
  return model;
}

export const zoneOf = ({ metadata }: RawObject): string | undefined => metadata.labels?.[ZONE_LABEL];

const endpointsOf = once((slice: RawEndpointSlice): EndpointModel[] => {
  // an FQDN slice has names, and nothing dials names here
  if (slice.addressType !== undefined && !['IPv4', 'IPv6'].includes(slice.addressType)) return [];
  const ports = Object.fromEntries(
    (slice.ports ?? []).filter(isTcp).flatMap(({ name, port }) => (port ? [[name ?? '', port]] : [])),
  ) as Record<string, number>;
  return (slice.endpoints ?? []).flatMap(({ addresses, conditions, hostname, nodeName, zone, targetRef }) => {
    // "consumers must only use the first" (EndpointSlice v1); absent conditions mean ready
    const address = addresses?.[0];
    if (!address) return [];
    const ready = conditions?.ready ?? true;
    const isPod = targetRef?.kind === 'Pod' && targetRef.name;
    return [
      {
        address,
        ports,
        ready,
        serving: conditions?.serving ?? ready,
        terminating: conditions?.terminating ?? false,
        ...(hostname ? { hostname } : {}),
        ...(nodeName ? { node: nodeName } : {}),
        ...(zone ? { zone } : {}),
        ...(isPod
          ? { pod: `${targetRef.namespace ?? slice.metadata.namespace ?? ''}/${targetRef.name}` }
          : {}),
        ...(isPod && targetRef.uid ? { podUid: targetRef.uid } : {}),
      },
    ];
  });
});

const usability = ({ ready, serving, terminating }: EndpointModel): number =>
  Number(ready) * 4 + Number(serving) * 2 + Number(!terminating);

/** An address may be in two slices while the API rearranges them: the more usable form counts. */
function mergeEndpoints(slices: readonly RawEndpointSlice[]): EndpointModel[] {
  const merged = new Map<string, EndpointModel>();
  for (const endpoint of slices.flatMap(endpointsOf)) {
    const key = `${endpoint.address} ${endpoint.podUid ?? ''} ${JSON.stringify(Object.entries(endpoint.ports).sort())}`;
    const known = merged.get(key);
    if (!known || usability(endpoint) > usability(known)) merged.set(key, endpoint);
  }
  return [...merged.values()];
}

const servicesMade = new WeakMap<RawService, { slices: readonly RawEndpointSlice[]; model: ServiceModel }>();

/** The same value as last time where neither the Service nor one of its slices changed. */
export function serviceModel(raw: RawService, slices: readonly RawEndpointSlice[]): ServiceModel {
  const last = servicesMade.get(raw);
  if (last && last.slices.length === slices.length && last.slices.every((slice, i) => slice === slices[i])) {
    return last.model;
  }
  const { metadata, spec = {} } = raw;
  const visibleTo = visibleToOf(raw);
  const addresses = (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((ip) => ip !== '' && ip !== 'None');
  const model: ServiceModel = {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    addresses,
    headless: spec.clusterIP === 'None' || (spec.clusterIPs ?? []).includes('None'),
    ...(spec.type === 'ExternalName' && spec.externalName ? { externalName: spec.externalName } : {}),
    ports: (spec.ports ?? []).filter(isTcp).map(({ name, port, appProtocol, targetPort }) => ({
      ...(name ? { name } : {}),
      port,
      ...(appProtocol ? { appProtocol } : {}),
      ...(targetPort !== undefined && targetPort !== 0 && targetPort !== '' ? { targetPort } : {}),
    })),
    selector: spec.selector ?? {},
    ...(visibleTo === undefined ? {} : { visibleTo }),
    endpoints: mergeEndpoints(slices),
  };
  servicesMade.set(raw, { slices, model });
  return model;
}
