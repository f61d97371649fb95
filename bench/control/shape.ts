/**
 * The mesh that is measured, as numbers and names: pure, so that whoever populates the cluster, changes it and plays its
 * proxies means the same objects. Services are dealt to the namespaces in turn, and so are proxies to the services:
 * with more of either, every namespace and every service gets its share.
 */

export interface MeshSize {
  readonly namespaces: number;
  readonly services: number;
  /** Of each service; one pod each. */
  readonly endpoints: number;
  /** Pods that have a proxy. */
  readonly proxies: number;
}

export const FULL: MeshSize = { namespaces: 50, services: 1000, endpoints: 10, proxies: 2000 };

export interface PodPlace {
  readonly namespace: string;
  /** Name of the Service, its Deployment and its ServiceAccount. */
  readonly service: string;
  readonly name: string;
  readonly address: string;
  readonly node: string;
  readonly hasProxy: boolean;
}

export interface ServicePlace {
  readonly namespace: string;
  readonly name: string;
  readonly pods: readonly PodPlace[];
}

/** Of the ReplicaSet of each Deployment, by which pods are known to belong to it. */
export const TEMPLATE_HASH = 'bench';
export const PORT = 8080;

const PODS_OF_A_NODE = 100;

const padded = (index: number, digits: number): string => String(index).padStart(digits, '0');

export const namespaceName = (index: number): string => `bench-${padded(index, 2)}`;

/** Of 100.64.0.0/10, which clusters do not give to pods: nobody is to be reached there. */
const addressOf = (pod: number): string => `100.${64 + (pod >> 16)}.${(pod >> 8) & 255}.${pod & 255}`;

function podPlace(size: MeshSize, service: number, replica: number): PodPlace {
  const name = serviceName(service);
  // a service keeps its addresses when there are more services
  const index = service * size.endpoints + replica;
  return {
    namespace: namespaceName(service % size.namespaces),
    service: name,
    name: `${name}-${TEMPLATE_HASH}-${replica}`,
    address: addressOf(index + 1),
    node: `bench-node-${padded(Math.floor(index / PODS_OF_A_NODE), 3)}`,
    hasProxy: replica * size.services + service < size.proxies,
  };
}

const serviceName = (index: number): string => `service-${padded(index, 4)}`;

/** In the order of their numbers. Throws where there are more proxies than pods. */
export function servicesOf(size: MeshSize): ServicePlace[] {
  if (size.proxies > size.services * size.endpoints)
    throw new Error(`${size.proxies} proxies need more than ${size.services * size.endpoints} pods`);
  return Array.from({ length: size.services }, (_, service) => ({
    namespace: namespaceName(service % size.namespaces),
    name: serviceName(service),
    pods: Array.from({ length: size.endpoints }, (__, replica) => podPlace(size, service, replica)),
  }));
}

export const namespacesOf = ({ namespaces, services }: MeshSize): string[] =>
  Array.from({ length: Math.min(namespaces, services) }, (_, index) => namespaceName(index));

/**
 * Services of other namespaces that the application of a service calls: its neighbours by number, which are in the
 * namespaces next to its own.
 */
export function usedBy(size: MeshSize, service: number, count: number): string[] {
  const used: string[] = [];
  for (let step = 1; step < size.services && used.length < count; step++) {
    const other = (service + step) % size.services;
    if (other % size.namespaces !== service % size.namespaces)
      used.push(`${namespaceName(other % size.namespaces)}/${serviceName(other)}`);
  }
  return used;
}
