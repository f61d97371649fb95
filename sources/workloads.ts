/** Workloads: those that have an object of their own, and those that only their pods tell of. */
import { workloadKey, type WorkloadModel, type WorkloadRef } from '../core/model/index.ts';
import { Groups } from '../core/model/groups.ts';
import type { OwnerReference } from '../core/model/workload.ts';
import { bareWorkload, templateWorkload } from './models.ts';
import {
  type RawCronJob,
  type RawJob,
  type RawKind,
  type RawObject,
  type RawObjects,
  type RawPod,
  type RawWorkload,
} from './objects.ts';
import { Table } from './table.ts';

type Raw = { readonly [K in RawKind]: ReadonlyMap<string, RawObjects[K][number]> };

export const controllerOf = ({ metadata }: RawObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

const finished = ({ status }: RawJob): boolean =>
  (status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );

const deployment = templateWorkload('apps/v1', 'Deployment');
const statefulSet = templateWorkload('apps/v1', 'StatefulSet');
const daemonSet = templateWorkload('apps/v1', 'DaemonSet');
const job = templateWorkload('batch/v1', 'Job');
const cronJob = templateWorkload('batch/v1', 'CronJob');

const ofTemplate =
  (make: ReturnType<typeof templateWorkload>) =>
  (raw: RawWorkload): WorkloadModel =>
    make(raw, raw.spec?.template);

/** The list that a workload's object is in, by its kind, and what is made of it. */
const owned: Readonly<
  Record<string, { list: RawKind; make: (raw: RawObject) => WorkloadModel | undefined }>
> = {
  deployment: { list: 'deployments', make: ofTemplate(deployment) },
  statefulset: { list: 'statefulSets', make: ofTemplate(statefulSet) },
  daemonset: { list: 'daemonSets', make: ofTemplate(daemonSet) },
  cronjob: {
    list: 'cronJobs',
    make: (raw) => cronJob(raw, (raw as RawCronJob).spec?.jobTemplate?.spec?.template),
  },
  job: {
    list: 'jobs',
    // a CronJob's Jobs are its runs; a finished Job has no pods to come
    make: (raw) => (controllerOf(raw) || finished(raw) ? undefined : ofTemplate(job)(raw)),
  },
};
const kindOf = new Map(Object.entries(owned).map(([kind, { list }]) => [list, kind]));

const isSame = (a: WorkloadModel | undefined, b: WorkloadModel): boolean =>
  a !== undefined &&
  !a.template &&
  a.uid === b.uid &&
  a.apiVersion === b.apiVersion &&
  a.kindName === b.kindName;

export class WorkloadModels {
  readonly #raw: Raw;
  /** By workloadKey. */
  readonly #podsOf = new Groups<true>();
  readonly #refs = new Map<string, WorkloadRef>();
  readonly #table: Table<WorkloadModel> = new Table((key) => this.#make(key));

  constructor(raw: Raw) {
    this.#raw = raw;
  }

  settle(): ReadonlyMap<string, WorkloadModel> {
    return this.#table.settle();
  }

  /** An object is another one. */
  mark(kind: RawKind, key: string): void {
    const workload = kind === 'serviceAccounts' ? 'serviceaccount' : kindOf.get(kind);
    if (workload !== undefined) this.#table.mark(`${workload}/${key}`);
  }

  /** The same value for the same workload, so that its pods share it. */
  shared(ref: WorkloadRef): WorkloadRef {
    return this.#refs.get(workloadKey(ref)) ?? ref;
  }

  /** A pod, or what decides of its workload, is another one. */
  podChanged(pod: string, before: WorkloadRef | undefined, after: WorkloadRef | undefined): void {
    const [from, to] = [before && workloadKey(before), after && workloadKey(after)];
    if (from !== undefined) this.#table.mark(from);
    if (to !== undefined) this.#table.mark(to);
    if (from !== undefined && from !== to) {
      this.#podsOf.delete(from, pod);
      if (!this.#podsOf.get(from)) this.#refs.delete(from);
    }
    if (to !== undefined) {
      this.#podsOf.set(to, pod, true);
      this.#refs.set(to, after!);
    }
  }

  #make(key: string): WorkloadModel | undefined {
    const slash = key.indexOf('/');
    const [kind, name] = [key.slice(0, slash), key.slice(slash + 1)];
    const own = Object.hasOwn(owned, kind) ? owned[kind] : undefined;
    const raw = own && this.#raw[own.list].get(name);
    return (raw && own.make(raw)) ?? this.#derive(key, kind === 'serviceaccount' ? name : undefined);
  }

  /** ServiceAccounts with bare pods, custom kinds, lone ReplicaSets. */
  #derive(key: string, account: string | undefined): WorkloadModel | undefined {
    const ref = this.#refs.get(key);
    if (!ref) return undefined;
    const raw = account === undefined ? undefined : this.#raw.serviceAccounts.get(account);
    const owner = account === undefined ? this.#ownerOf(key) : undefined;
    const model: WorkloadModel = raw
      ? bareWorkload(raw, { apiVersion: 'v1', kind: 'ServiceAccount' })
      : {
          ...ref,
          apiVersion: owner?.apiVersion ?? '',
          kindName: owner?.kind ?? '',
          // without a uid nothing can be owned by it: its ServiceAccount or controller is not known (yet, or any more)
          uid: owner?.uid ?? '',
        };
    const last = this.#table.get(key);
    return isSame(last, model) ? last : model;
  }

  /** What the youngest pod is controlled by: one of the same name may have been made anew. */
  #ownerOf(workload: string): OwnerReference | undefined {
    let youngest: RawPod | undefined;
    for (const key of this.#podsOf.get(workload)?.keys() ?? []) {
      const pod = this.#raw.pods.get(key);
      if (pod && (!youngest || isYounger(pod, youngest))) youngest = pod;
    }
    return youngest && this.#controllerOf(youngest);
  }

  /** The pod's controller or, where that is a ReplicaSet with a controller of its own, that one. */
  #controllerOf(pod: RawPod): OwnerReference | undefined {
    const owner = controllerOf(pod);
    const between = owner && this.#raw.replicaSets.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    return owner?.kind === 'ReplicaSet' && between ? (controllerOf(between) ?? owner) : owner;
  }
}

function isYounger({ metadata: a }: RawPod, { metadata: b }: RawPod): boolean {
  const [at, bt] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return at === bt ? a.name > b.name : at > bt;
}
