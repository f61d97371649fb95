/**
 * What the operator knows, for a person or a tool on the pod's loopback: reached by `kubectl port-forward`, which the
 * cluster's RBAC guards. Read-only, and without key material: documents hold none.
 *
 *   /proxies                                                every proxy: what it runs, whether it is late
 *   /documents/<kind>/<namespace>/<name>                    what a workload should run: its parts' hashes
 *   /documents/<kind>/<namespace>/<name>/policy             one part
 *   /documents/<kind>/<namespace>/<name>/services/<ns>/<n>  one service
 */
import type { NotLeadingPage, ProxiesPage } from '../../core/control/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import type { ConfigSource } from '../control/types.ts';
import type { Answer } from '../http.ts';
import { documentPage, partText } from './documents.ts';
import { MAX_ROWS, proxiesPage, type KnownProxy } from './proxies.ts';
import { WantedDocuments } from './wanted.ts';

export interface PagesOptions {
  /** Pod of this replica. */
  readonly replica: string;
  readonly source: ConfigSource;
  readonly snapshot: () => Snapshot | undefined;
  /** By pod uid. */
  readonly known: (uid: string) => KnownProxy | undefined;
  /** `pod` leads, where that is known. */
  readonly leadership: () => { readonly leading: boolean; readonly pod?: string };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const index = {
  '/proxies': 'every proxy of the mesh; ?namespace=, ?after= and ?limit= take a part',
  '/documents/<kind>/<namespace>/<name>': 'what the proxies of a workload should run',
};

const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json',
  text: `${JSON.stringify(value)}\n`,
});

const notFound = (message: string): Answer => json({ message }, 404);

export class AdminPages {
  readonly #options: PagesOptions;
  readonly #wanted: WantedDocuments;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#wanted = new WantedDocuments(options.source, options.now);
  }

  /** `target`: path and query of a request. */
  answer(target: string): Answer {
    const url = URL.parse(target, 'http://localhost');
    if (!url) return notFound('not found; see /');
    const { pathname, searchParams } = url;
    if (pathname === '/') return json(index);
    if (pathname === '/proxies') return this.#proxies(searchParams);
    const [, workload, part] = /^\/documents\/([^/]+\/[^/]+\/[^/]+)(?:\/(.+))?$/.exec(pathname) ?? [];
    return workload === undefined ? notFound('not found; see /') : this.#document(workload, part);
  }

  stop(): void {
    this.#wanted.stop();
  }

  #proxies(query: URLSearchParams): Answer {
    const { replica, known, now, snapshot } = this.#options;
    const { leading, pod } = this.#options.leadership();
    if (!leading) {
      const page: NotLeadingPage = { leads: false, replica, ...(pod ? { leader: pod } : {}) };
      return json(page);
    }
    const limit = Number(query.get('limit') ?? MAX_ROWS);
    if (!Number.isInteger(limit) || limit < 1) return json({ message: 'limit: a number of at least 1' }, 400);
    const at = now();
    const page: ProxiesPage = {
      leads: true,
      replica,
      at: new Date(at).toISOString(),
      ...proxiesPage(
        {
          namespace: query.get('namespace') ?? undefined,
          after: query.get('after') ?? undefined,
          limit: Math.min(limit, MAX_ROWS),
        },
        { snapshot: snapshot(), known, wanted: (workload) => this.#wanted.of(workload), now: at },
      ),
    };
    return json(page);
  }

  #document(workload: string, part: string | undefined): Answer {
    const document = this.#options.source.document(workload);
    if (!document) return notFound(`no document of ${workload}`);
    if (part === undefined) return json(documentPage(this.#options.source, workload));
    const text = partText(document, part);
    return text === undefined
      ? notFound(`no ${part} in the document of ${workload}`)
      : { status: 200, type: 'application/json', text: `${text}\n` };
  }
}
