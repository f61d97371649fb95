/**
 * Which workload a pod belongs to. The webhook asks it of a pod that is being created, the operator of pods that
 * run; both use this one function, for a pod mounts the ConfigMap that the one names and the other writes.
 */
import type { WorkloadRef } from './index.ts';

/** metav1.OwnerReference, as far as it is read. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly controller?: boolean;
}

/** The part of an object's metadata that says who owns it. */
export interface OwnedMeta {
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface PodMeta extends OwnedMeta {
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An object to be looked up in the pod's namespace. */
export type OwnerKey = Pick<OwnerReference, 'apiVersion' | 'kind' | 'name'>;

/** Metadata of an owner; `undefined` where it cannot be known (gone, not in the cache, API server away). */
export type LookupOwner = (owner: OwnerKey) => OwnedMeta | undefined;

/** Kinds that are only a step between a pod and its workload, with the group that they must be of. */
const STEPS: Readonly<Record<string, string>> = { ReplicaSet: 'apps', Job: 'batch' };

const BUILT_IN_GROUPS = new Set(['apps', 'batch']);

/**
 * A CronJob names its Jobs `<name>-<minutes since 1970>`. Until the year 2046 these are the eight-digit numbers
 * from 25000000 to 39999999, which no date such as 20260101 is among.
 */
const CRON_JOB_RUN = /^(.+)-(2[5-9]|3[0-9])[0-9]{6}$/;

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

/** `deployment` for a built-in kind, `rollout.argoproj.io` for any other, so that equal kinds of two groups differ. */
function kindOf({ apiVersion, kind }: OwnerKey): string {
  const group = groupOf(apiVersion);
  const name = kind.toLowerCase();
  return group === '' || BUILT_IN_GROUPS.has(group) ? name : `${name}.${group}`;
}

/** The controller among the owners. A Node (static pods) is none: it is of no namespace. */
function controllerOf(meta: OwnedMeta): OwnerReference | undefined {
  const owner = meta.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'Node' && groupOf(owner.apiVersion) === '' ? undefined : owner;
}

/**
 * The object whose metadata `resolveWorkload` will ask for, so that a caller whose lookup is asynchronous can
 * fetch it first. `undefined`: none is needed.
 */
export function ownerToLookUp(pod: OwnedMeta): OwnerReference | undefined {
  const owner = controllerOf(pod);
  return owner && STEPS[owner.kind] === groupOf(owner.apiVersion) ? owner : undefined;
}

/** What the names say where the owner's own metadata cannot be had. */
function guess(pod: PodMeta, step: OwnerKey): WorkloadRef {
  const { namespace } = pod;
  if (step.kind === 'ReplicaSet') {
    const suffix = `-${pod.labels?.['pod-template-hash'] ?? ''}`;
    if (suffix.length > 1 && step.name.length > suffix.length && step.name.endsWith(suffix)) {
      return { kind: 'deployment', namespace, name: step.name.slice(0, -suffix.length) };
    }
    return { kind: 'replicaset', namespace, name: step.name };
  }
  const cronJob = CRON_JOB_RUN.exec(step.name)?.[1];
  return cronJob === undefined
    ? { kind: 'job', namespace, name: step.name }
    : { kind: 'cronjob', namespace, name: cronJob };
}

/**
 * Follows a pod's controller: Deployment through its ReplicaSet, CronJob through its Job, any other controller
 * itself; a pod without a controller belongs to its ServiceAccount. Where a ReplicaSet or Job cannot be looked up,
 * `pod-template-hash` and the names decide. Never throws.
 */
export function resolveWorkload(pod: PodMeta, serviceAccount: string, lookupOwner: LookupOwner): WorkloadRef {
  const { namespace } = pod;
  const owner = controllerOf(pod);
  if (!owner) return { kind: 'serviceaccount', namespace, name: serviceAccount || 'default' };
  const step = ownerToLookUp(pod);
  if (!step) return { kind: kindOf(owner), namespace, name: owner.name };
  const meta = lookupOwner(step);
  if (!meta) return guess(pod, step);
  const above = controllerOf(meta) ?? owner;
  return { kind: kindOf(above), namespace, name: above.name };
}
