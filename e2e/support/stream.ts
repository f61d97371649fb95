/** Callers and servers for the tests of the configuration stream. */
import { resources, type KubeClient } from '../../kube/index.ts';
import { container, appsVolume, applyAll, provideApps } from './workloads.ts';
import { outputOf, startPod } from './calls.ts';
import { namespaces } from './environment.ts';
import { rolledOut } from './install.ts';
import { ensureNamespace, exec, isReady, kubectl, livingPods, type Pod } from './kubectl.ts';
import { waitFor } from './waitFor.ts';

const { stream } = namespaces;
export const PORT = 8080;

const selectedBy = (app: string, name: string, annotations: Record<string, string> = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, annotations },
  spec: { selector: { app }, ports: [{ name: 'http', port: PORT, appProtocol: 'http' }] },
});

/** A Service of the pods of `app`. */
export const serviceOf = selectedBy;

/** A Deployment of whoServer.ts. */
export const whoServer = (name: string, replicas = 1): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 10,
        volumes: [appsVolume],
        containers: [
          container(name, ['node', '/apps/whoServer.ts', String(PORT)], {
            ports: [{ name: 'http', containerPort: PORT }],
            startupProbe: { tcpSocket: { port: PORT }, periodSeconds: 1, failureThreshold: 90 },
            // eight pods that start on two cores must not make a server that runs seem to be gone
            readinessProbe: { tcpSocket: { port: PORT }, timeoutSeconds: 5, failureThreshold: 6 },
          }),
        ],
      },
    },
  },
});

const clientPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client', labels: { app: 'client' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    volumes: [appsVolume],
    containers: [container('client', ['node', '-e', 'setInterval(() => {}, 1e6)'])],
  },
};

/** The namespace of the callers, with these objects; resolves when all run. */
export async function provideStream(...objects: object[]): Promise<void> {
  await ensureNamespace(stream, { 'weft.dev/injection': 'enabled' });
  await provideApps(stream);
  await applyAll(stream, [...objects, clientPod]);
  await rolledOut(stream);
  await kubectl(['wait', '-n', stream, 'pod/client', '--for=condition=Ready', '--timeout=90s']);
}

/** What a script of e2e/apps prints as JSON, in the pod of the client. */
export async function inStream<T>(script: string, args: string[], seconds = 60): Promise<T> {
  const target = { namespace: stream, pod: 'client', container: 'client' };
  const { code, stdout, stderr } = await exec(target, ['node', `/apps/${script}`, ...args], {
    timeoutMs: seconds * 1000,
  });
  if (code !== 0) throw new Error(`${script} exited with ${code}: ${stderr} ${stdout}`);
  return JSON.parse(stdout) as T;
}

export interface Background {
  /** Waits until it has printed so many lines: a pod that is Ready has only begun to start its script. */
  said(lines: number): Promise<void>;
  /** Ends it, and gives the lines that it printed. */
  stop(): Promise<unknown[]>;
}

/** A script of e2e/apps in a pod of its own, until it is stopped. */
export async function startScript(
  place: { namespace: string; name: string; serviceAccount?: string },
  command: string[],
): Promise<Background> {
  const { namespace, name } = place;
  await provideApps(namespace);
  await startPod({ ...place, command: ['node', ...command], apps: true });
  await kubectl(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=60s']);
  const printed = () => kubectl(['logs', '-n', namespace, name, '-c', name]);
  return {
    async said(lines) {
      await waitFor(`${lines} lines of ${name}`, async () => (await printed()).split('\n').length > lines);
    },
    async stop() {
      await exec({ namespace, pod: name, container: name }, ['node', '-e', 'process.kill(1, "SIGTERM")']);
      const text = await outputOf({ namespace, name }, 60);
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
    },
  };
}

/** The pods of `app` that are Ready, as many as there should be. */
export const readyPods = (namespace: string, app: string, count: number): Promise<Pod[]> =>
  waitFor(`${count} Ready pods of ${app}`, async () => {
    const pods = await livingPods(namespace, `app=${app}`);
    return pods.length === count && pods.every(isReady) ? pods : undefined;
  });

/** When each pod left the Ready endpoints of a Service, as an own watch of its EndpointSlices saw it. */
export class Departures {
  /** By the pod's name, in milliseconds since the epoch. */
  readonly left = new Map<string, number>();
  /** Pods that were not Ready for a while: what comes of that is not what these tests are about. */
  readonly returned: string[] = [];
  #ready = new Set<string>();
  readonly #ending = new AbortController();
  readonly #watching: Promise<void>;

  private constructor(client: KubeClient, place: { namespace: string; service: string }, from: string) {
    this.#watching = this.#watch(client, place, from);
  }

  static async start(client: KubeClient, place: { namespace: string; service: string }): Promise<Departures> {
    const labelSelector = `kubernetes.io/service-name=${place.service}`;
    const { items, metadata } = await client.list(resources.endpointSlices, { ...place, labelSelector });
    const departures = new Departures(client, place, metadata.resourceVersion);
    for (const slice of items) departures.#take(slice);
    return departures;
  }

  get ready(): ReadonlySet<string> {
    return this.#ready;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
  }

  /** One slice holds all: a Service of these tests has at most eight endpoints. */
  #take({ endpoints }: Slice): void {
    const now = Date.now();
    const ready = new Set(
      (endpoints ?? []).flatMap(({ conditions, targetRef }) =>
        conditions?.ready !== false && targetRef?.name ? [targetRef.name] : [],
      ),
    );
    for (const pod of this.#ready) if (!ready.has(pod)) this.left.set(pod, now);
    for (const pod of ready) if (this.left.delete(pod)) this.returned.push(pod);
    this.#ready = ready;
  }

  async #watch(
    client: KubeClient,
    { namespace, service }: { namespace: string; service: string },
    resourceVersion: string,
  ): Promise<void> {
    const { signal } = this.#ending;
    try {
      const lines = client.watch(resources.endpointSlices, {
        namespace,
        labelSelector: `kubernetes.io/service-name=${service}`,
        resourceVersion,
        signal,
      });
      for await (const line of lines) {
        const { type, object } = JSON.parse(line) as { type: string; object: Slice };
        if (type === 'ADDED' || type === 'MODIFIED') this.#take(object);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

interface Slice {
  endpoints?: { conditions?: { ready?: boolean }; targetRef?: { name?: string } }[] | null;
}
