/** Calls between pods, made by the script that the shop's image carries. */
import { namespaces } from './environment.ts';
import { apply, exec, isReady, kubectl, livingPods, type Pod } from './kubectl.ts';
import { waitFor } from './waitFor.ts';
import { appsVolume, container } from './workloads.ts';

export interface CallResult {
  /** 0 where no answer came; then `error` says why. */
  status: number;
  headers: Record<string, string>;
  body: unknown;
  error?: string;
  elapsedMs: number;
}

export interface From {
  namespace: string;
  pod: string;
  container: string;
}

/** A Ready pod of one of the shop's services, as the origin of calls. */
export async function shopPod(app: string): Promise<From> {
  const pod = await waitFor(`a Ready pod of ${app}`, async () =>
    (await livingPods(namespaces.shop, `app=${app}`)).find(isReady),
  );
  return { namespace: namespaces.shop, pod: pod.metadata.name, container: app };
}

/** The pod of a namespace that exists to make calls. */
export async function caller(namespace: string): Promise<From> {
  await kubectl(['wait', '-n', namespace, 'pod/caller', '--for=condition=Ready', '--timeout=60s']);
  return { namespace, pod: 'caller', container: 'caller' };
}

export interface CallOptions {
  method?: string;
  /** Finds the exchange again in access logs (header x-request-id). */
  id?: string;
  /** `name: value`. */
  headers?: string[];
}

export async function call(from: From, url: string, options: CallOptions = {}): Promise<CallResult> {
  const { method = 'GET', id, headers = [] } = options;
  const lines = id === undefined ? headers : [...headers, `x-request-id: ${id}`];
  const command = ['node', 'call.ts', url, method, ...lines];
  const { code, stdout, stderr } = await exec(from, command);
  if (code !== 0) throw new Error(`call.ts in ${from.namespace}/${from.pod} exited with ${code}: ${stderr}`);
  return JSON.parse(stdout) as CallResult;
}

export interface RunPod {
  namespace: string;
  name: string;
  command: string[];
  labels?: Record<string, string>;
  serviceAccount?: string;
  /** The scripts of e2e/apps at /apps. */
  apps?: boolean;
}

/** Starts a pod of the shop's image that runs one command to its end. */
export async function startPod({
  namespace,
  name,
  command,
  labels,
  serviceAccount,
  apps,
}: RunPod): Promise<void> {
  await kubectl(['delete', 'pod', name, '-n', namespace, '--ignore-not-found', '--grace-period=1']);
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name, ...labels } },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 2,
      ...(serviceAccount ? { serviceAccountName: serviceAccount } : {}),
      ...(apps ? { volumes: [appsVolume] } : {}),
      containers: [container(name, command, apps ? {} : { volumeMounts: [] })],
    },
  });
}

/** What the container of a pod printed, once it has ended. */
export async function outputOf(
  { namespace, name }: Pick<RunPod, 'namespace' | 'name'>,
  seconds: number,
): Promise<string> {
  await waitFor(
    `the end of pod ${namespace}/${name}`,
    async () => {
      const text = await kubectl(['get', 'pod', name, '-n', namespace, '-o', 'json']);
      const status = (JSON.parse(text) as Pod).status;
      const own = status.containerStatuses?.find((container) => container.name === name) as
        { state?: { terminated?: object } } | undefined;
      return own?.state?.terminated !== undefined;
    },
    seconds * 1000,
  );
  return await kubectl(['logs', '-n', namespace, name, '-c', name]);
}
