/**
 * Makes the cluster hold the mesh: what is there already stays, what is not of it goes. Twenty-five thousand writes
 * the first time, next to none the second.
 */
import { SYSTEM_NAMESPACE } from '../../core/model/names.ts';
import {
  apply,
  keyOf,
  ownerOf,
  resources,
  type EndpointSlice,
  type KubeClient,
  type KubeObject,
  type OwnerReference,
  type Pod,
  type Resource,
} from '../../kube/index.ts';
import { each } from './each.ts';
import {
  accountObject,
  deploymentObject,
  formOf,
  MARK_SELECTOR,
  namespaceObject,
  podObject,
  podStatus,
  policyObject,
  PROXY_LABEL,
  replicaSetName,
  replicaSetObject,
  serviceObject,
  sliceObject,
} from './objects.ts';
import { namespacesOf, servicesOf, type MeshSize, type PodPlace, type ServicePlace } from './shape.ts';

const PAGE = 500;

export interface Population {
  readonly services: readonly ServicePlace[];
  /** By `namespace/name`, of pods. */
  readonly uids: ReadonlyMap<string, string>;
}

type Say = (text: string) => void;

/** All of the mesh that bears the mark, by key; `full`: not only the metadata. */
async function marked<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  full = false,
): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  let next: string | undefined;
  do {
    const options = { labelSelector: MARK_SELECTOR, limit: PAGE, metadataOnly: !full, continue: next };
    const { items, metadata } = await client.list(resource, options);
    for (const item of items) if (item.metadata.namespace !== SYSTEM_NAMESPACE) found.set(keyOf(item), item);
    next = metadata.continue;
  } while (next);
  return found;
}

interface Wish<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly objects: readonly T[];
}

/** Makes those that are missing, removes those that are too many; gives all, by key. */
async function ensure<T extends KubeObject>(
  client: KubeClient,
  { resource, objects }: Wish<T>,
): Promise<Map<string, T>> {
  const existing = await marked(client, resource);
  const wanted = new Map(objects.map((object) => [keyOf(object), object]));
  await each([...existing.keys()], async (key) => {
    if (wanted.has(key)) return;
    await client.delete(resource, existing.get(key)!.metadata, { propagationPolicy: 'Background' });
    existing.delete(key);
  });
  await each([...wanted], async ([key, object]) => {
    if (!existing.has(key)) existing.set(key, await client.create(resource, object));
  });
  return existing;
}

const fits = (pod: Pod | undefined, place: PodPlace): pod is Pod =>
  pod?.metadata.labels?.[PROXY_LABEL] === formOf(place) && pod.metadata.deletionTimestamp === undefined;

/** Pods as they are wanted and running; gives their uids. */
async function ensurePods(
  client: KubeClient,
  places: readonly PodPlace[],
  ownerOfPod: (place: PodPlace) => OwnerReference,
): Promise<Map<string, string>> {
  const { pods } = resources;
  const existing = await marked(client, pods, true);
  const wanted = new Set(places.map(keyOfPlace));
  const away = async (key: string): Promise<void> => {
    await client.delete(pods, existing.get(key)!.metadata, { gracePeriodSeconds: 0 });
    existing.delete(key);
  };
  await each([...existing.keys()], (key) => (wanted.has(key) ? undefined : away(key)));
  const uids = new Map<string, string>();
  await each(places, async (place) => {
    const key = keyOfPlace(place);
    let pod = existing.get(key);
    if (pod && !fits(pod, place)) {
      await away(key);
      pod = undefined;
    }
    pod ??= await client.create(pods, podObject(place, ownerOfPod(place)));
    uids.set(key, pod.metadata.uid!);
    if (pod.status?.phase === 'Running') return;
    const body = { status: podStatus(place, new Date()) };
    await client.patch(pods, place, { type: 'merge', body, subresource: 'status', metadataOnly: true });
  });
  return uids;
}

const keyOfPlace = ({ namespace, name }: { namespace: string; name: string }): string =>
  `${namespace}/${name}`;

const sameEndpoints = (a: EndpointSlice | undefined, b: EndpointSlice): boolean => {
  const told = (slice: EndpointSlice) =>
    JSON.stringify(
      slice.endpoints?.map(({ addresses, conditions, targetRef }) => [
        addresses,
        conditions?.ready,
        targetRef?.uid,
      ]),
    );
  return a !== undefined && told(a) === told(b);
};

async function ensureSlices(client: KubeClient, { services, uids }: Population): Promise<void> {
  const { endpointSlices } = resources;
  const existing = await marked(client, endpointSlices, true);
  const wanted = services.map((service) => {
    const own = service.pods.map((pod) => [pod.name, uids.get(keyOfPlace(pod))!] as const);
    return sliceObject(service, new Map(own));
  });
  const keys = new Set(wanted.map(keyOf));
  await each([...existing], ([key, slice]) =>
    keys.has(key) ? undefined : client.delete(endpointSlices, slice.metadata),
  );
  await each(wanted, async (slice) => {
    const now = existing.get(keyOf(slice));
    const body = { endpoints: slice.endpoints };
    if (!now) await client.create(endpointSlices, slice);
    else if (!sameEndpoints(now, slice))
      await client.patch(endpointSlices, slice.metadata, { type: 'merge', body });
  });
}

/** Deployments and what is between them and their pods; gives the owner of each service's pods. */
async function ensureOwners(
  client: KubeClient,
  services: readonly ServicePlace[],
): Promise<(place: PodPlace) => OwnerReference> {
  const { deployments, replicaSets } = resources;
  const above = await ensure(client, { resource: deployments, objects: services.map(deploymentObject) });
  const sets = await ensure(client, {
    resource: replicaSets,
    objects: services.map((service) =>
      replicaSetObject(service, ownerOf(deployments, above.get(keyOfPlace(service))!)),
    ),
  });
  const owners = services.map((service) => {
    const set = sets.get(`${service.namespace}/${replicaSetName(service)}`)!;
    return [keyOfPlace(service), ownerOf(replicaSets, set)] as const;
  });
  const byService = new Map(owners);
  return ({ namespace, service }) => byService.get(`${namespace}/${service}`)!;
}

/** Into a cluster that knows the mesh's kinds (install.ts). */
export async function populate(client: KubeClient, size: MeshSize, say: Say): Promise<Population> {
  const begun = performance.now();
  const services = servicesOf(size);
  await each(namespacesOf(size).map(namespaceObject), (object) =>
    apply(client, { resource: resources.namespaces, object }, { fieldManager: 'bench' }),
  );
  await ensure(client, { resource: resources.serviceAccounts, objects: services.map(accountObject) });
  const owner = await ensureOwners(client, services);
  await ensure(client, { resource: resources.services, objects: services.map(serviceObject) });
  const places = services.flatMap(({ pods }) => pods);
  const uids = await ensurePods(client, places, owner);
  await ensureSlices(client, { services, uids });
  const objects = namespacesOf(size).map(policyObject);
  await ensure<KubeObject>(client, { resource: resources.meshPolicies, objects });
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  say(`${services.length} services, ${places.length} pods, ${size.proxies} with a proxy (${seconds} s)`);
  return { services, uids };
}
