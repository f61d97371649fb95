/** A cluster for tests of commands: pods in a double of the API server, and pages as functions. */
import { WeftError } from '../../core/errors/index.ts';
import { resources } from '../../kube/index.ts';
import type { ApiServer } from '../../kube/testing/apiServer.ts';
import type { Cluster, ClusterFlags } from '../cluster/cluster.ts';
import type { Page } from '../cluster/get.ts';

/** What is behind `namespace/pod`; a number is the status of an empty page. */
export type Behind = (path: string) => unknown;

export class TestCluster {
  /** By `namespace/pod`. */
  readonly behind = new Map<string, Behind>();
  /** Paths asked for, as `namespace/pod path`. */
  readonly asked: string[] = [];
  flags: ClusterFlags | undefined;
  readonly #server: ApiServer;

  constructor(server: ApiServer) {
    this.#server = server;
  }

  readonly connect = (flags: ClusterFlags): Promise<Cluster> => {
    this.flags = flags;
    return Promise.resolve({
      client: this.#server.client(),
      namespace: 'shop',
      page: (target, path) => this.#page(target, path),
      close: () => undefined,
    });
  };

  #page(
    { namespace, pod, port }: { namespace: string; pod: string; port: number },
    path: string,
  ): Promise<Page> {
    const name = `${namespace}/${pod}`;
    this.asked.push(`${name} ${path}`);
    const behind = this.behind.get(name);
    if (!behind)
      return Promise.reject(
        new WeftError('PORT_FORWARD_FAILED', `nobody listens at ${port}`, { resource: `Pod ${name}` }),
      );
    const value = behind(path);
    return Promise.resolve(
      typeof value === 'number'
        ? { status: value, value: {} }
        : { status: 200, value: structuredClone(value) },
    );
  }

  /** A pod with a proxy that runs; without pages nobody listens in it. */
  proxy(namespace: string, name: string, behind?: Behind): void {
    this.#server.objects.put(resources.pods, {
      metadata: { namespace, name },
      spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'weft-proxy' }] },
      status: { phase: 'Running' },
    });
    if (behind) this.behind.set(`${namespace}/${name}`, behind);
  }

  /** A Ready replica of the operator. */
  operator(name: string, behind?: Behind): void {
    this.#server.objects.put(resources.pods, {
      metadata: { namespace: 'weft-system', name, labels: { 'app.kubernetes.io/component': 'operator' } },
      spec: { containers: [{ name: 'operator' }] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
    if (behind) this.behind.set(`weft-system/${name}`, behind);
  }
}
