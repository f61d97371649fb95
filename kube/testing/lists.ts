import type { KubeObject, Resource } from '../resource.ts';
import { badRequest, StatusError } from './status.ts';
import type { Storage } from './storage.ts';

interface Page {
  items: KubeObject[];
  revision: number;
}

/** Lists in pages: every page shows the state of the first one, until the history is compacted. */
export class Lists {
  readonly #storage: Storage;
  readonly #pages = new Map<string, Page>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  list(
    resource: Resource,
    query: URLSearchParams,
    options: { matches: (object: KubeObject) => boolean; render: (object: KubeObject) => object },
  ): { metadata: object; items: object[] } {
    const token = query.get('continue');
    const limit = Number(query.get('limit') ?? 0);
    const { items, revision } = token
      ? this.#resumed(token)
      : { items: this.#storage.list(resource).filter(options.matches), revision: this.#storage.revision };
    const page = limit > 0 ? items.slice(0, limit) : items;
    const rest = items.slice(page.length);
    const metadata: Record<string, unknown> = { resourceVersion: String(revision) };
    if (rest.length > 0) {
      const next = Buffer.from(
        JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, n: this.#pages.size }),
      ).toString('base64');
      this.#pages.set(next, { items: rest, revision });
      metadata['continue'] = next;
      metadata['remainingItemCount'] = rest.length;
    }
    return { metadata, items: page.map(options.render).map(withoutKind) };
  }

  #resumed(token: string): Page {
    const page = this.#pages.get(token);
    if (!page) throw badRequest('continue key is not valid');
    if (page.revision < this.#storage.floor) {
      throw new StatusError(410, 'Expired', {
        message: 'The provided continue parameter is too old to display a consistent list result.',
      });
    }
    return page;
  }
}

/** Items of a list carry neither apiVersion nor kind. */
function withoutKind(object: object): object {
  const { apiVersion: _, kind: __, ...rest } = object as Record<string, unknown>;
  return rest;
}
