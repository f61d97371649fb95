/** Pods inside of manifests: where each kind keeps its template, and which workload its pods will belong to. */
import type { WorkloadRef } from '../core/model/index.ts';
import type { Pod } from '../webhook/inject/index.ts';

type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export interface Metadata {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
}

export interface Resource extends Json {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
}

const TEMPLATE = ['spec', 'template'];

/** By `group/kind`. A Pod is its own template. */
const PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/Pod', []],
  ['/ReplicationController', TEMPLATE],
  ['apps/Deployment', TEMPLATE],
  ['apps/ReplicaSet', TEMPLATE],
  ['apps/StatefulSet', TEMPLATE],
  ['apps/DaemonSet', TEMPLATE],
  ['batch/Job', TEMPLATE],
  ['batch/CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
]);

const groupOf = (apiVersion = ''): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((found, name) => (isObject(found) ? found[name] : undefined), value);
}

export interface Template {
  pod: Pod;
  /** Absent for a bare pod, whose owners and ServiceAccount say. */
  workload?: WorkloadRef;
  /** The resource with another pod in place of this one; the original stays as it is. */
  replaced(pod: Pod): Resource;
}

function replace(value: Json, path: readonly string[], replacement: Pod): Json {
  const [name, ...rest] = path;
  if (name === undefined) return replacement as unknown as Json;
  return { ...value, [name]: replace(value[name] as Json, rest, replacement) };
}

/** The pod template of a resource; `undefined` where it has none. */
export function templateOf(resource: Resource, namespace: string): Template | undefined {
  const { kind = '', metadata } = resource;
  const path = PATHS.get(`${groupOf(resource.apiVersion)}/${kind}`);
  const pod = path && at(resource, path);
  if (!path || !isObject(pod) || !isObject(pod['spec']) || !Array.isArray(pod['spec']['containers']))
    return undefined;
  const name = metadata?.name ?? '';
  return {
    pod: pod as unknown as Pod,
    ...(path.length === 0 ? {} : { workload: { kind: kind.toLowerCase(), namespace, name } }),
    replaced: (replacement) => replace(resource, path, replacement) as Resource,
  };
}
