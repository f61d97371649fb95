/**
 * Objects → Snapshot. What did not change keeps its identity from one snapshot to the next, values and whole maps,
 * so that whoever compiles can tell by `===` what there is to do.
 */
import type { MeshPolicy } from '../core/api/index.ts';
import {
  workloadKey,
  type PodModel,
  type ServiceModel,
  type Snapshot,
  type WorkloadModel,
} from '../core/model/index.ts';
import { resolveWorkload, type LookupOwner, type OwnerReference } from '../core/model/workload.ts';
import {
  bareWorkload,
  namespaceModel,
  podModel,
  SERVICE_NAME_LABEL,
  serviceAccountModel,
  serviceModel,
  templateWorkload,
  zoneOf,
} from './models.ts';
import {
  rawKey,
  type RawEndpointSlice,
  type RawJob,
  type RawObject,
  type RawObjects,
  type RawPod,
} from './objects.ts';
import { MeshResourceJudge } from './policies.ts';

export interface SnapshotSettings {
  systemNamespace: string;
  clusterDomain: string;
  /** Trust domain until there is a MeshConfig; absent: its default. */
  trustDomain?: string;
}

/** Gives the last result again where none of the inputs is another one, or where the result equals the last. */
class Kept<T> {
  #inputs: readonly unknown[] = [];
  #last: ReadonlyMap<string, T> | undefined;

  map(inputs: readonly unknown[], make: () => ReadonlyMap<string, T>): ReadonlyMap<string, T> {
    const last = this.#last;
    if (last && sameItems(inputs, this.#inputs)) return last;
    this.#inputs = inputs;
    const next = make();
    if (last && last.size === next.size && [...next].every(([key, value]) => last.get(key) === value))
      return last;
    this.#last = next;
    return next;
  }
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

const byName = <R extends RawObject, M>(list: readonly R[], make: (raw: R) => M): Map<string, M> =>
  new Map(list.map((raw) => [rawKey(raw), make(raw)]));

const deployment = templateWorkload('apps/v1', 'Deployment');
const statefulSet = templateWorkload('apps/v1', 'StatefulSet');
const daemonSet = templateWorkload('apps/v1', 'DaemonSet');
const job = templateWorkload('batch/v1', 'Job');
const cronJob = templateWorkload('batch/v1', 'CronJob');

const controllerOf = ({ metadata }: RawObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

const finished = ({ status }: RawJob): boolean =>
  (status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );

/** Builds one snapshot after the other; keep one builder per source. */
export class SnapshotBuilder {
  readonly #settings: SnapshotSettings;
  readonly #mesh: MeshResourceJudge;
  readonly #kept = {
    namespaces: new Kept<ReturnType<typeof namespaceModel>>(),
    serviceAccounts: new Kept<ReturnType<typeof serviceAccountModel>>(),
    services: new Kept<ServiceModel>(),
    pods: new Kept<PodModel>(),
    workloads: new Kept<WorkloadModel>(),
  };
  #policies: readonly MeshPolicy[] = [];
  /** Of workloads that only their pods or ServiceAccounts tell of, by key and uid. */
  #derived = new Map<string, WorkloadModel>();

  constructor(settings: SnapshotSettings) {
    this.#settings = settings;
    this.#mesh = new MeshResourceJudge(settings.trustDomain);
  }

  /** `revision`: decimal, at least the highest resourceVersion among the objects, and never less than before. */
  build(objects: RawObjects, revision: string): Snapshot {
    const kept = this.#kept;
    const mesh = this.#mesh.judge(objects.meshPolicies, objects.meshConfigs);
    if (!sameItems(mesh.policies, this.#policies)) this.#policies = mesh.policies;
    const pods = this.#pods(objects);
    return {
      revision,
      systemNamespace: this.#settings.systemNamespace,
      clusterDomain: this.#settings.clusterDomain,
      meshConfig: mesh.meshConfig,
      ...(mesh.meshConfigResource ? { meshConfigResource: mesh.meshConfigResource } : {}),
      namespaces: kept.namespaces.map([objects.namespaces], () => byName(objects.namespaces, namespaceModel)),
      serviceAccounts: kept.serviceAccounts.map([objects.serviceAccounts], () =>
        byName(objects.serviceAccounts, serviceAccountModel),
      ),
      services: this.#services(objects),
      pods,
      workloads: this.#workloads(objects, pods),
      policies: this.#policies,
      rejected: mesh.rejected,
    };
  }

  #services({ services, endpointSlices }: RawObjects): ReadonlyMap<string, ServiceModel> {
    return this.#kept.services.map([services, endpointSlices], () => {
      const slices = new Map<string, RawEndpointSlice[]>();
      for (const slice of endpointSlices) {
        const { namespace = '', labels } = slice.metadata;
        const key = `${namespace}/${labels?.[SERVICE_NAME_LABEL] ?? ''}`;
        const list = slices.get(key);
        if (list) list.push(slice);
        else slices.set(key, [slice]);
      }
      return byName(services, (raw) => serviceModel(raw, slices.get(rawKey(raw)) ?? []));
    });
  }

  #pods({ pods, replicaSets, jobs, nodes }: RawObjects): ReadonlyMap<string, PodModel> {
    return this.#kept.pods.map([pods, replicaSets, jobs, nodes], () => {
      const owners = {
        ReplicaSet: new Map(replicaSets.map((raw) => [rawKey(raw), raw])),
        Job: new Map(jobs.map((raw) => [rawKey(raw), raw])),
      };
      const zones = new Map(nodes.map((raw) => [raw.metadata.name, zoneOf(raw)]));
      return byName(pods, (raw: RawPod) => {
        const { namespace = '' } = raw.metadata;
        const lookup: LookupOwner = ({ kind, name }) =>
          owners[kind as keyof typeof owners]?.get(`${namespace}/${name}`)?.metadata;
        const workload = resolveWorkload(
          { ...raw.metadata, namespace },
          raw.spec?.serviceAccountName ?? '',
          lookup,
        );
        return podModel(raw, workload, zones.get(raw.spec?.nodeName ?? ''));
      });
    });
  }

  #workloads(objects: RawObjects, pods: ReadonlyMap<string, PodModel>): ReadonlyMap<string, WorkloadModel> {
    const { deployments, statefulSets, daemonSets, jobs, cronJobs, replicaSets, serviceAccounts } = objects;
    const inputs = [
      deployments,
      statefulSets,
      daemonSets,
      jobs,
      cronJobs,
      replicaSets,
      serviceAccounts,
      pods,
    ];
    return this.#kept.workloads.map(inputs, () => {
      const models = [
        ...deployments.map((raw) => deployment(raw, raw.spec?.template)),
        ...statefulSets.map((raw) => statefulSet(raw, raw.spec?.template)),
        ...daemonSets.map((raw) => daemonSet(raw, raw.spec?.template)),
        ...cronJobs.map((raw) => cronJob(raw, raw.spec?.jobTemplate?.spec?.template)),
        // a CronJob's Jobs are its runs; a finished Job has no pods to come
        ...jobs
          .filter((raw) => !controllerOf(raw) && !finished(raw))
          .map((raw) => job(raw, raw.spec?.template)),
      ];
      const known = new Map(models.map((model) => [workloadKey(model), model]));
      for (const model of this.#derive(objects, [pods, known])) known.set(workloadKey(model), model);
      return known;
    });
  }

  /** Workloads without an object of their own here: ServiceAccounts with bare pods, custom kinds, lone ReplicaSets. */
  #derive(
    objects: RawObjects,
    [pods, known]: [ReadonlyMap<string, PodModel>, ReadonlyMap<string, WorkloadModel>],
  ): WorkloadModel[] {
    const accounts = new Map(objects.serviceAccounts.map((raw) => [rawKey(raw), raw]));
    const replicaSets = new Map(objects.replicaSets.map((raw) => [rawKey(raw), raw]));
    const next = new Map<string, WorkloadModel>();
    for (const raw of objects.pods) {
      const workload = pods.get(rawKey(raw))?.workload;
      if (!workload || known.has(workloadKey(workload))) continue;
      const account =
        workload.kind === 'serviceaccount'
          ? accounts.get(`${workload.namespace}/${workload.name}`)
          : undefined;
      const owner = account ? undefined : ownerReferenceOf(raw, replicaSets);
      const model = derivedModel(workload, account ?? owner);
      const key = `${workloadKey(model)} ${model.uid}`;
      next.set(key, this.#derived.get(key) ?? model);
    }
    this.#derived = next;
    return [...next.values()];
  }
}

/** The pod's controller or, where that is a ReplicaSet with a controller of its own, that one. */
function ownerReferenceOf(
  pod: RawPod,
  replicaSets: ReadonlyMap<string, RawObject>,
): OwnerReference | undefined {
  const owner = controllerOf(pod);
  const between = owner && replicaSets.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  return owner?.kind === 'ReplicaSet' && between ? (controllerOf(between) ?? owner) : owner;
}

function derivedModel(
  workload: WorkloadModel | PodModel['workload'],
  owner: RawObject | OwnerReference | undefined,
) {
  if (owner && 'metadata' in owner) return bareWorkload(owner, { apiVersion: 'v1', kind: 'ServiceAccount' });
  return {
    ...workload,
    apiVersion: owner?.apiVersion ?? '',
    kindName: owner?.kind ?? '',
    // without a uid nothing can be owned by it: its ServiceAccount or controller is not known (yet, or any more)
    uid: owner?.uid ?? '',
  };
}

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
