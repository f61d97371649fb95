/** The operator's loopback pages: any replica knows what is wanted, the leader also what every proxy runs. */
import type { NotLeadingPage, ProxiesPage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { port } from '../../core/model/names.ts';
import { isForbidden, resources, type Pod } from '../../kube/index.ts';
import type { Cluster } from './cluster.ts';
import type { Page } from './get.ts';

const COMPONENT = 'app.kubernetes.io/component=operator';

export const isReady = ({ status }: Pod): boolean =>
  (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');

const unreachable = (message: string, cause?: unknown): WeftError =>
  new WeftError('OPERATOR_UNREACHABLE', message, {
    resource: 'operator',
    ...(cause === undefined ? {} : { cause }),
  });

const reasonOf = (error: unknown): string =>
  error instanceof WeftError ? error.toString() : String((error as Error).message ?? error);

export class OperatorPages {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  #replicas: Promise<string[]> | undefined;

  constructor(cluster: Cluster, systemNamespace: string) {
    this.#cluster = cluster;
    this.#namespace = systemNamespace;
  }

  /** A page of any replica. Throws WeftError OPERATOR_UNREACHABLE. */
  async any(path: string): Promise<Page> {
    const said: string[] = [];
    for (const replica of await this.#names()) {
      try {
        return await this.#of(replica, path);
      } catch (error) {
        said.push(`${replica}: ${reasonOf(error)}`);
      }
    }
    const none = `no pod with ${COMPONENT} is Ready in namespace ${this.#namespace}`;
    throw unreachable(said.length > 0 ? said.join('; ') : none);
  }

  /** All proxies, of one namespace or of the mesh. Throws WeftError OPERATOR_UNREACHABLE. */
  async proxies(namespace: string | undefined): Promise<ProxiesPage> {
    const path = (after?: string): string => {
      const query = new URLSearchParams({
        ...(namespace === undefined ? {} : { namespace }),
        ...(after === undefined ? {} : { after }),
      });
      return `/proxies?${query}`;
    };
    const first = await this.#ofLeader(path());
    const proxies = [...first.proxies];
    for (let { next } = first; next !== undefined;) {
      const page = (await this.#of(first.replica, path(next))).value as ProxiesPage | NotLeadingPage;
      if (!page.leads) throw unreachable(`${first.replica} has just ceased to lead`);
      proxies.push(...page.proxies);
      next = page.next;
    }
    const { leads, replica, at } = first;
    return { leads, replica, at, proxies };
  }

  async #ofLeader(path: string): Promise<ProxiesPage> {
    const page = (await this.any(path)).value as ProxiesPage | NotLeadingPage;
    if (page.leads) return page;
    if (!page.leader) throw unreachable('no replica leads at this moment');
    const second = (await this.#of(page.leader, path)).value as ProxiesPage | NotLeadingPage;
    if (!second.leads) throw unreachable(`neither ${page.replica} nor ${page.leader} leads at this moment`);
    return second;
  }

  async #of(replica: string, path: string): Promise<Page> {
    const page = await this.#cluster.page(
      { namespace: this.#namespace, pod: replica, port: port.admin },
      path,
    );
    if (page.status >= 500) throw unreachable(`${replica} answered with ${page.status}`);
    return page;
  }

  #names(): Promise<string[]> {
    this.#replicas ??= this.#list();
    return this.#replicas;
  }

  async #list(): Promise<string[]> {
    const namespace = this.#namespace;
    try {
      const { items } = await this.#cluster.client.list(resources.pods, {
        namespace,
        labelSelector: COMPONENT,
      });
      return items.filter(isReady).map(({ metadata }) => metadata.name);
    } catch (error) {
      const missing = `the permission to list pods of namespace ${namespace} is missing`;
      throw unreachable(isForbidden(error) ? missing : reasonOf(error), error);
    }
  }
}
