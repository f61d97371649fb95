import { keyOf, resources, type KubeObject, type Resource } from '../resource.ts';
import { isCustom } from './rules.ts';
import type { Storage } from './storage.ts';
import { isDeepStrictEqual } from 'node:util';

/** What a test writes: the least that makes an object. */
export type Draft<T extends KubeObject> = Partial<Omit<T, 'metadata'>> & {
  metadata: Partial<KubeObject['metadata']> & { name: string };
};

/** The content of the double, at hand for tests: no request, no rules, status included. */
export class Objects {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Creates or replaces; the namespace is made where there is none. `generation` grows with the content. */
  put<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): T {
    const { namespace } = draft.metadata;
    if (namespace && !this.get(resources.namespaces, { name: namespace })) this.namespace(namespace);
    const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
    const object = {
      ...draft,
      apiVersion,
      kind: resource.kind,
      metadata: { ...draft.metadata },
    } as unknown as T;
    const old = this.#storage.get(resource, keyOf(object));
    if (old || isCustom(resource) || resource.group === 'apps' || resource.group === 'batch') {
      const changed = !isDeepStrictEqual(
        (old as { spec?: object })?.spec,
        (object as { spec?: object }).spec,
      );
      const before = old?.metadata.generation;
      object.metadata.generation ??= (before ?? 0) + Number(changed || before === undefined);
    }
    return structuredClone(this.#storage.put(resource, object)) as T;
  }

  namespace(name: string, labels: Record<string, string> = {}): void {
    this.put(resources.namespaces, {
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
      status: { phase: 'Active' },
    });
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: { namespace?: string; name: string }): T | undefined {
    const found = this.#storage.get(resource, ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name);
    return structuredClone(found) as T | undefined;
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): T[] {
    const all = this.#storage.list(resource) as T[];
    const wanted = all.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
    return structuredClone(wanted);
  }

  /** Removes at once, whatever finalizers it has; false where there is none. */
  delete(resource: Resource, ref: { namespace?: string; name: string }): boolean {
    return (
      this.#storage.remove(resource, ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name) !== undefined
    );
  }

  /** What the garbage collector does: removes objects all of whose owners are gone. Answers how many. */
  collectGarbage(known: Iterable<Resource>): number {
    const uids = new Set(this.#storage.all().map(({ object }) => object.metadata.uid));
    let removed = 0;
    for (const resource of known) {
      for (const object of this.#storage.list(resource)) {
        const owners = object.metadata.ownerReferences ?? [];
        if (owners.length === 0 || owners.some(({ uid }) => uids.has(uid))) continue;
        this.#storage.remove(resource, keyOf(object));
        removed += 1;
      }
    }
    return removed === 0 ? 0 : removed + this.collectGarbage(known);
  }
}
