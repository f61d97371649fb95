/**
 * The newest snapshot by the questions that compiling asks of it, kept up to date from one snapshot to the next; and
 * what has to be looked at again because of what changed.
 */
import {
  selects,
  workloadKey,
  type PodModel,
  type ServiceModel,
  type Snapshot,
  type WorkloadModel,
} from '../model/index.ts';
import { differences, type Difference } from '../model/differences.ts';
import { Groups } from '../model/groups.ts';
import type { MeshFacts } from './inbound.ts';
import { PolicyBook, type LabelledPolicy } from './policyBook.ts';

/** What may have become other. Keys may be of what does not exist, or not any more. */
export interface Dirty {
  /** `namespace/name`. */
  readonly services: Set<string>;
  /** workloadKeys, for what their documents say of themselves. */
  readonly workloads: Set<string>;
  /** What held of some labels before, and does not any more. */
  readonly policies: ReadonlySet<LabelledPolicy>;
}

const isOver = ({ phase }: PodModel) => phase === 'Succeeded' || phase === 'Failed';

/** A pod with a proxy that runs or is about to. */
export const isInjected = (pod: PodModel): boolean => pod.proxy !== undefined && !isOver(pod);

/** An ExternalName is an alias in DNS: what it resolves to decides. */
const isAddressable = ({ externalName, ports }: ServiceModel): boolean => !externalName && ports.length > 0;

const addressable = (service: ServiceModel | undefined): ServiceModel | undefined =>
  service && isAddressable(service) ? service : undefined;

const isEqual = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/** Whether both declare the same ports of the same pods: endpoints come and go much more often. */
const declaresSame = (a: ServiceModel | undefined, b: ServiceModel | undefined): boolean =>
  isEqual(a?.selector, b?.selector) && isEqual(a?.ports, b?.ports);

type Maps = Pick<Snapshot, 'namespaces' | 'services' | 'pods' | 'workloads'>;
const nothing: Maps = { namespaces: new Map(), services: new Map(), pods: new Map(), workloads: new Map() };

const podsOfService = (service: ServiceModel | undefined): Set<string> =>
  new Set(service?.endpoints.flatMap(({ pod }) => pod ?? []));

export class MeshIndex {
  readonly book: PolicyBook;
  /** Services that have an address of their own or of their endpoints, by namespace and name. */
  readonly services = new Groups<ServiceModel>();
  /** Pods with a proxy that run or are about to, by workloadKey and `namespace/name`. */
  readonly injected = new Groups<PodModel>();
  /** All workloads, by namespace and workloadKey. */
  readonly workloads = new Groups<WorkloadModel>();
  /** Services by the pods that their endpoints name, which need not exist: by `namespace/name` of both. */
  readonly #servicesOf = new Groups<true>();
  #snapshot: Snapshot | undefined;

  constructor(facts: MeshFacts) {
    this.book = new PolicyBook(facts);
  }

  get snapshot(): Snapshot {
    if (!this.#snapshot) throw new Error('no snapshot yet');
    return this.#snapshot;
  }

  take(snapshot: Snapshot): Dirty {
    const before: Maps = this.#snapshot ?? nothing;
    this.#snapshot = snapshot;
    const dirty = {
      services: new Set<string>(),
      workloads: new Set<string>(),
      policies: this.book.update(snapshot.policies),
    };
    const { namespaces, services, pods, workloads } = snapshot;
    for (const change of differences(before.workloads, workloads)) this.#takeWorkload(change, dirty);
    for (const change of differences(before.pods, pods)) this.#takePod(change, dirty);
    for (const change of differences(before.services, services)) this.#takeService(change, dirty);
    for (const { key, before: was, after } of differences(before.namespaces, namespaces)) {
      if ((was?.enabled ?? false) !== (after?.enabled ?? false)) this.#markNamespace(key, dirty);
    }
    return dirty;
  }

  #takeWorkload({ key, before, after }: Difference<WorkloadModel>, dirty: Dirty): void {
    if (after) this.workloads.set(after.namespace, key, after);
    else this.workloads.delete(before!.namespace, key);
    dirty.workloads.add(key);
    if (isEqual(before?.template, after?.template)) return;
    // identities of pods to come
    const { namespace } = (after ?? before)!;
    for (const service of this.services.get(namespace)?.values() ?? []) {
      const concerned = [before, after].some(
        (model) => model?.template && selects(service.selector, model.template.labels),
      );
      if (concerned) dirty.services.add(`${namespace}/${service.name}`);
    }
  }

  #takePod({ key, before, after }: Difference<PodModel>, dirty: Dirty): void {
    for (const service of this.#servicesOf.get(key)?.keys() ?? []) dirty.services.add(service);
    const was = before && isInjected(before) ? before : undefined;
    const is = after && isInjected(after) ? after : undefined;
    const [from, to] = [was && workloadKey(was.workload), is && workloadKey(is.workload)];
    if (from !== undefined && from !== to) this.injected.delete(from, key);
    if (is) this.injected.set(to!, key, is);
    if (from === to && isEqual(was?.labels, is?.labels) && isEqual(was?.ports, is?.ports)) return;
    for (const workload of [from, to]) if (workload !== undefined) dirty.workloads.add(workload);
  }

  #takeService({ key, before, after }: Difference<ServiceModel>, dirty: Dirty): void {
    const [was, is] = [addressable(before), addressable(after)];
    const { namespace, name } = (after ?? before)!;
    if (is) this.services.set(namespace, name, is);
    else this.services.delete(namespace, name);
    const [podsBefore, podsNow] = [podsOfService(was), podsOfService(is)];
    for (const pod of podsBefore) if (!podsNow.has(pod)) this.#servicesOf.delete(pod, key);
    for (const pod of podsNow) if (!podsBefore.has(pod)) this.#servicesOf.set(pod, key, true);
    dirty.services.add(key);
    if (declaresSame(was, is)) return;
    for (const service of [was, is]) if (service) this.#markSelected(service, dirty);
  }

  /** Workloads with pods, now or to come, that the service selects: it may declare their ports. */
  #markSelected({ namespace, selector }: ServiceModel, { workloads }: Dirty): void {
    for (const [key, { template }] of this.workloads.get(namespace) ?? []) {
      if (workloads.has(key)) continue;
      const forms = [...(template ? [template] : []), ...(this.injected.get(key)?.values() ?? [])];
      if (forms.some(({ labels }) => selects(selector, labels))) workloads.add(key);
    }
  }

  #markNamespace(namespace: string, dirty: Dirty): void {
    for (const name of this.services.get(namespace)?.keys() ?? []) dirty.services.add(`${namespace}/${name}`);
    for (const key of this.workloads.get(namespace)?.keys() ?? []) dirty.workloads.add(key);
  }
}
