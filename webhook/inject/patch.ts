/** The operations that turn a pod into an injected one: only what is missing, so that a second run adds nothing. */
import { annotation, container as own } from '../../core/model/names.ts';
import { WEFT_VERSION, WIRES } from '../../core/proxyConfig/index.ts';
import { pointer } from './pointer.ts';
import { PROBES_VARIABLE } from './probes.ts';
import type { Container, EnvVar, Operation, Pod, Volume } from './types.ts';

export interface Desired {
  init: Container;
  proxy: Container;
  volumes: Volume[];
  /** WEFT_PROBES, for a proxy that is there already. */
  probes: EnvVar | undefined;
}

const has = (list: readonly { name: string }[] | undefined, name: string): boolean =>
  list?.some((item) => item.name === name) ?? false;

/** Appends to a list that may not be there. */
function append<T>(list: readonly T[] | undefined, path: string, items: T[]): Operation[] {
  if (items.length === 0) return [];
  if (!list) return [{ op: 'add', path, value: items }];
  return items.map((value) => ({ op: 'add', path: `${path}/-`, value }));
}

/** Ours go before every init container of the user, so that these have the mesh too: weft-init, then weft-proxy. */
function addContainers(pod: Pod, { init, proxy }: Desired): Operation[] {
  const path = '/spec/initContainers';
  const list = pod.spec.initContainers;
  if (!list) return [{ op: 'add', path, value: [init, proxy] }];
  const operations: Operation[] = [];
  const at = list.findIndex(({ name }) => name === own.init);
  if (!has(list, proxy.name)) operations.push({ op: 'add', path: `${path}/${at + 1}`, value: proxy });
  if (at === -1) operations.push({ op: 'add', path: `${path}/0`, value: init });
  return operations;
}

/** Brings WEFT_PROBES of an injected proxy up to date; its place counts from the pod as it came. */
function updateProbes(pod: Pod, probes: EnvVar | undefined): Operation[] {
  const at = pod.spec.initContainers?.findIndex(({ name }) => name === own.proxy) ?? -1;
  if (at === -1) return [];
  const { env } = pod.spec.initContainers![at]!;
  const path = pointer('spec', 'initContainers', at, 'env');
  const index = env?.findIndex(({ name }) => name === PROBES_VARIABLE) ?? -1;
  if (index === -1) return probes ? append(env, path, [probes]) : [];
  if (!probes) return [{ op: 'remove', path: `${path}/${index}` }];
  if (env![index]!.value === probes.value) return [];
  return [{ op: 'replace', path: `${path}/${index}/value`, value: probes.value }];
}

function annotations(pod: Pod): Operation[] {
  const current = pod.metadata?.annotations;
  const value = JSON.stringify({ version: WEFT_VERSION, wires: WIRES });
  if (current?.[annotation.proxy] !== undefined) return [];
  if (!pod.metadata)
    return [{ op: 'add', path: '/metadata', value: { annotations: { [annotation.proxy]: value } } }];
  if (!current) return [{ op: 'add', path: '/metadata/annotations', value: { [annotation.proxy]: value } }];
  return [{ op: 'add', path: pointer('metadata', 'annotations', annotation.proxy), value }];
}

/**
 * Operations (RFC 6902) in the order in which they must be applied; empty for a pod that has everything.
 * `probeOperations` come first, since their paths count from the pod as it came.
 */
export function patchOf(pod: Pod, desired: Desired, probeOperations: Operation[]): Operation[] {
  const { volumes } = pod.spec;
  const missing = desired.volumes.filter(({ name }) => !has(volumes, name));
  return [
    ...probeOperations,
    ...updateProbes(pod, desired.probes),
    ...addContainers(pod, desired),
    ...append(volumes, '/spec/volumes', missing),
    ...annotations(pod),
  ];
}
