import { readFile } from 'node:fs/promises';
import { run, tryRun, type Outcome, type RunOptions } from './run.ts';

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
  };
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  /** `containerd://…`. */
  containerID?: string;
}

export interface Pod extends KubernetesObject {
  spec: { serviceAccountName: string; nodeName: string; initContainers?: { name: string }[] };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface MeshPolicyObject extends KubernetesObject {
  status?: {
    observedGeneration?: number;
    applied?: string;
    appliedIn?: string;
    late?: string[];
    conditions?: {
      type: string;
      status: string;
      reason: string;
      message: string;
      observedGeneration: number;
    }[];
  };
}

export const kubectl = (args: string[], options?: RunOptions): Promise<string> =>
  run('kubectl', args, options);

/** As kubectl, but a failure is an Outcome: for what is meant to be refused. */
export const tryKubectl = (args: string[], options?: RunOptions): Promise<Outcome> =>
  tryRun('kubectl', args, options);

export const helm = (args: string[], options?: RunOptions): Promise<string> => run('helm', args, options);

export async function get<T extends KubernetesObject>(args: string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T;
}

export async function list<T extends KubernetesObject>(args: string[]): Promise<T[]> {
  return (JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as { items: T[] }).items;
}

/** Applies manifests given as text, or objects. */
export async function apply(manifest: string | object, options: string[] = []): Promise<void> {
  const input = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  await kubectl(['apply', ...options, '-f', '-'], { input });
}

/** Applies a file after `edit` had its way with the text. */
export async function applyFile(
  path: string,
  edit: (text: string) => string = (text) => text,
): Promise<void> {
  await apply(edit(await readFile(path, 'utf8')));
}

export async function ensureNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

export async function deleteNamespace(name: string): Promise<void> {
  await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout=120s'], {
    timeoutMs: 130_000,
  });
}

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');

/** What a test expects of a pod: `{pod, ready: true, restarts: [0]}`. */
export const healthOf = (pod: Pod) => ({
  pod: pod.metadata.name,
  ready: isReady(pod),
  restarts: (pod.status.containerStatuses ?? []).map(({ restartCount }) => restartCount),
});

/** Pods that are not on their way out. */
export async function livingPods(namespace: string, selector = ''): Promise<Pod[]> {
  const pods = await list<Pod>(['pods', '-n', namespace, ...(selector ? ['-l', selector] : [])]);
  return pods.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded',
  );
}

/** Runs a command in a container and gives its outcome. */
export function exec(
  target: { namespace: string; pod: string; container: string },
  command: string[],
  options?: RunOptions,
): Promise<Outcome> {
  const { namespace, pod, container } = target;
  return tryKubectl(['exec', '-n', namespace, pod, '-c', container, '--', ...command], options);
}

/** Condition of a resource, of the generation that it has now; undefined while the operator has not seen that one. */
export function conditionOf(policy: MeshPolicyObject, type: string) {
  return (policy.status?.conditions ?? []).find(
    (condition) => condition.type === type && condition.observedGeneration === policy.metadata.generation,
  );
}

/** Rows of a table that `kubectl get` printed, by the names of its columns; an empty cell is ''. */
export function rowsOf(table: string): Record<string, string>[] {
  const [head = '', ...lines] = table.trimEnd().split('\n');
  const columns = [...head.matchAll(/\S+/g)].map(({ 0: name, index }) => ({ name, start: index }));
  return lines.map((line) =>
    Object.fromEntries(
      columns.map(({ name, start }, i) => [name, line.slice(start, columns[i + 1]?.start).trim()]),
    ),
  );
}
