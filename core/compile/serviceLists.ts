/** The services of documents: those of a namespace, the same list for all its documents, and what they use besides. */
import { hashOfServices, type Hash } from '../proxyConfig/index.ts';
import type { Part } from './compiled.ts';
import { Groups } from '../model/groups.ts';
import { order } from './order.ts';
import type { CompiledService } from './service.ts';
import type { ServiceChange } from './serviceParts.ts';

export interface ServiceList {
  /** By `namespace/name`, in that order. */
  readonly services: ReadonlyMap<string, Part>;
  /** Of all of them: hashOfServices. */
  readonly hash: string;
}

export class ServiceLists {
  readonly #hash: Hash;
  readonly #own = new Groups<Part>();
  readonly #lists = new Map<string, ServiceList>();

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** Returns the namespaces whose list is another one. */
  update(changed: ReadonlyMap<string, ServiceChange>): Set<string> {
    const namespaces = new Set<string>();
    for (const [key, { before, after }] of changed) {
      if (before?.local === after?.local) continue;
      const { namespace } = (after ?? before)!;
      if (after) this.#own.set(namespace, key, after.local);
      else this.#own.delete(namespace, key);
      this.#lists.delete(namespace);
      namespaces.add(namespace);
    }
    return namespaces;
  }

  /** The services of a namespace alone. */
  of(namespace: string): ServiceList {
    let list = this.#lists.get(namespace);
    if (!list) this.#lists.set(namespace, (list = this.#make(this.#own.get(namespace) ?? [])));
    return list;
  }

  /** The same with others beside them. */
  with(namespace: string, others: ReadonlyMap<string, CompiledService>): ServiceList {
    if (others.size === 0) return this.of(namespace);
    const foreign = Array.from(others, ([key, service]) => [key, service.foreign] as const);
    return this.#make([...this.of(namespace).services, ...foreign]);
  }

  #make(parts: Iterable<readonly [string, Part]>): ServiceList {
    const sorted = [...parts].sort(([a], [b]) => order(a, b));
    return {
      services: new Map(sorted),
      hash: hashOfServices(
        sorted.map(([, { hash }]) => hash),
        this.#hash,
      ),
    };
  }
}
