/**
 * Objects → Snapshot. What did not change keeps its identity from one snapshot to the next, values and whole maps,
 * so that whoever compiles can tell by `===` what there is to do; and one changed object costs no look at the others.
 */
import type { MeshPolicy } from '../core/api/index.ts';
import type { WeftError } from '../core/errors/index.ts';
import { Groups } from '../core/model/groups.ts';
import type { PodModel, Snapshot } from '../core/model/index.ts';
import { resolveWorkload, type LookupOwner } from '../core/model/workload.ts';
import {
  namespaceModel,
  podModel,
  SERVICE_NAME_LABEL,
  serviceAccountModel,
  serviceModel,
  zoneOf,
} from './models.ts';
import {
  rawKey,
  rawKinds,
  type RawEndpointSlice,
  type RawKind,
  type RawMesh,
  type RawObject,
  type RawObjects,
  type RawPod,
} from './objects.ts';
import { MeshResourceJudge, type MeshResources } from './policies.ts';
import { Table } from './table.ts';
import { visibilityProblem } from './visibility.ts';
import { controllerOf, WorkloadModels } from './workloads.ts';

export interface SnapshotSettings {
  systemNamespace: string;
  clusterDomain: string;
  /** Trust domain until there is a MeshConfig; absent: its default. */
  trustDomain?: string;
  /** Something about an object that is not of the mesh's own kinds and cannot be read; told once. */
  onProblem?: (problem: WeftError) => void;
}

type RawMaps = { readonly [K in RawKind]: Map<string, RawObjects[K][number]> };

const KINDS = Object.keys(rawKinds) as RawKind[];

const serviceOf = ({ metadata: { namespace = '', labels } }: RawEndpointSlice): string =>
  `${namespace}/${labels?.[SERVICE_NAME_LABEL] ?? ''}`;

/** Builds one snapshot after the other; keep one builder per source. */
export class SnapshotBuilder {
  readonly #settings: SnapshotSettings;
  readonly #raw = Object.fromEntries(KINDS.map((kind) => [kind, new Map()])) as unknown as RawMaps;
  readonly #slicesOf = new Groups<true>();
  /** By the ReplicaSet or Job that controls them. */
  readonly #podsOf = new Groups<true>();
  readonly #judge: MeshResourceJudge;
  readonly #workloads: WorkloadModels;
  readonly #namespaces = new Table((key) => this.#model('namespaces', key, namespaceModel));
  readonly #accounts = new Table((key) => this.#model('serviceAccounts', key, serviceAccountModel));
  readonly #services = new Table((key) => this.#model('services', key, (raw) => this.#service(key, raw)));
  readonly #pods: Table<PodModel> = new Table((key) => this.#pod(key));
  /** Undefined: to be judged again. */
  #mesh: MeshResources | undefined;
  #policies: readonly MeshPolicy[] = [];
  #lists: Partial<RawObjects> = {};

  constructor(settings: SnapshotSettings) {
    this.#settings = settings;
    this.#judge = new MeshResourceJudge(settings.trustDomain);
    this.#workloads = new WorkloadModels(this.#raw);
  }

  /** Takes an object, new or instead of the one that had its name. */
  put<K extends RawKind>(kind: K, object: RawObjects[K][number]): void {
    const map: Map<string, RawObject> = this.#raw[kind];
    const key = rawKey(object);
    const before = map.get(key);
    if (before === object) return;
    map.set(key, object);
    const problem = kind === 'services' ? visibilityProblem(object, before) : undefined;
    if (problem) this.#settings.onProblem?.(problem);
    this.#mark(kind, key, [before, object]);
  }

  /** `key`: rawKey. */
  remove(kind: RawKind, key: string): void {
    const before = this.#raw[kind].get(key);
    if (!before) return;
    this.#raw[kind].delete(key);
    this.#mark(kind, key, [before, undefined]);
  }

  /** `revision`: decimal, at least the highest resourceVersion among the objects, and never less than before. */
  snapshot(revision: string): Snapshot {
    const { systemNamespace, clusterDomain } = this.#settings;
    const mesh = (this.#mesh ??= this.#judgeMesh());
    const { meshConfigResource } = mesh;
    const pods = this.#pods.settle();
    return {
      revision,
      systemNamespace,
      clusterDomain,
      meshConfig: mesh.meshConfig,
      ...(meshConfigResource ? { meshConfigResource } : {}),
      namespaces: this.#namespaces.settle(),
      serviceAccounts: this.#accounts.settle(),
      services: this.#services.settle(),
      pods,
      workloads: this.#workloads.settle(),
      policies: mesh.policies,
      rejected: mesh.rejected,
    };
  }

  /** The snapshot of exactly these objects. Lists that are the same as last time are not looked at. */
  build(objects: RawObjects, revision: string): Snapshot {
    for (const kind of KINDS) {
      if (objects[kind] === this.#lists[kind]) continue;
      const keys = new Set(objects[kind].map(rawKey));
      for (const key of this.#raw[kind].keys()) if (!keys.has(key)) this.remove(kind, key);
      for (const object of objects[kind]) this.put(kind, object);
    }
    this.#lists = objects;
    return this.snapshot(revision);
  }

  /** Marks what is made from an object that has become another. */
  #mark(kind: RawKind, key: string, versions: readonly (RawObject | undefined)[]): void {
    this.#workloads.mark(kind, key);
    switch (kind) {
      case 'namespaces':
        return this.#namespaces.mark(key);
      case 'serviceAccounts':
        return this.#accounts.mark(key);
      case 'services':
        return this.#services.mark(key);
      case 'endpointSlices':
        return this.#markSlice(key, versions);
      case 'pods':
        return this.#markPod(key, versions);
      case 'replicaSets':
      case 'jobs':
        return this.#markAll(this.#podsOf.get(`${rawKinds[kind].kind}/${key}`)?.keys() ?? []);
      case 'nodes':
        return this.#markAll(this.#raw.pods.keys());
      case 'meshPolicies':
      case 'meshConfigs':
        this.#mesh = undefined;
    }
  }

  #markSlice(key: string, [before, after]: readonly (RawEndpointSlice | undefined)[]): void {
    const [from, to] = [before && serviceOf(before), after && serviceOf(after)];
    move(this.#slicesOf, key, [from, to]);
    for (const service of [from, to]) if (service !== undefined) this.#services.mark(service);
  }

  #markPod(key: string, [before, after]: readonly (RawPod | undefined)[]): void {
    move(this.#podsOf, key, [ownerOf(before), ownerOf(after)]);
    this.#pods.mark(key);
  }

  #markAll(pods: Iterable<string>): void {
    for (const key of pods) this.#pods.mark(key);
  }

  #model<K extends RawKind, T>(kind: K, key: string, make: (raw: RawObjects[K][number]) => T): T | undefined {
    const raw = this.#raw[kind].get(key);
    return raw && make(raw);
  }

  #service(key: string, raw: RawObjects['services'][number]) {
    const slices = [...(this.#slicesOf.get(key)?.keys() ?? [])].sort();
    return serviceModel(
      raw,
      slices.map((slice) => this.#raw.endpointSlices.get(slice)!),
    );
  }

  #pod(key: string): PodModel | undefined {
    const raw = this.#raw.pods.get(key);
    const before = this.#pods.get(key);
    const model = raw && this.#podOf(raw);
    this.#workloads.podChanged(key, before?.workload, model?.workload);
    return model;
  }

  #podOf(raw: RawPod): PodModel {
    const { metadata, spec } = raw;
    const { namespace = '' } = metadata;
    const owners = { ReplicaSet: this.#raw.replicaSets, Job: this.#raw.jobs } as const;
    const lookup: LookupOwner = ({ kind, name }) =>
      owners[kind as keyof typeof owners]?.get(`${namespace}/${name}`)?.metadata;
    const workload = resolveWorkload({ ...metadata, namespace }, spec?.serviceAccountName ?? '', lookup);
    const node = this.#raw.nodes.get(spec?.nodeName ?? '');
    return podModel(raw, this.#workloads.shared(workload), node && zoneOf(node));
  }

  #judgeMesh(): MeshResources {
    const list = (kind: 'meshPolicies' | 'meshConfigs'): RawMesh[] => [...this.#raw[kind].values()];
    const mesh = this.#judge.judge(list('meshPolicies'), list('meshConfigs'));
    if (!sameItems(mesh.policies, this.#policies)) this.#policies = mesh.policies;
    return { ...mesh, policies: this.#policies };
  }
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

type Move = readonly [from: string | undefined, to: string | undefined];

function move(groups: Groups<true>, key: string, [from, to]: Move): void {
  if (from === to) return;
  if (from !== undefined) groups.delete(from, key);
  if (to !== undefined) groups.set(to, key, true);
}

const ownerOf = (pod: RawPod | undefined): string | undefined => {
  const owner = pod && controllerOf(pod);
  return owner && `${owner.kind}/${pod.metadata.namespace ?? ''}/${owner.name}`;
};

const highestRevision = (objects: RawObjects): string =>
  Object.values(objects)
    .flat()
    .map(({ metadata }) =>
      BigInt(/^[0-9]+$/.test(metadata.resourceVersion ?? '') ? metadata.resourceVersion! : 0),
    )
    .reduce((a, b) => (a > b ? a : b), 0n)
    .toString();

/** One snapshot of one moment, for who needs no more than that. */
export const buildSnapshot = (objects: RawObjects, settings: SnapshotSettings): Snapshot =>
  new SnapshotBuilder(settings).build(objects, highestRevision(objects));
