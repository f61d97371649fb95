import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { keyOf, type KubeObject, type Resource } from '../resource.ts';

export interface StoredEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  revision: number;
  id: string;
  object: KubeObject;
  /** Before the change. */
  previous?: KubeObject;
}

export const resourceId = ({ group, plural }: Pick<Resource, 'group' | 'plural'>): string =>
  `${plural}.${group}`;

/** Objects and their history, with one counter for all of them, as etcd has. */
export class Storage {
  revision = 1000;
  /** History before this is compacted away. */
  floor = 1000;
  readonly history: StoredEvent[] = [];
  readonly listeners = new Set<(event: StoredEvent) => void>();
  readonly #tables = new Map<string, Map<string, KubeObject>>();

  get(resource: Resource, key: string): KubeObject | undefined {
    return this.#tables.get(resourceId(resource))?.get(key);
  }

  /** In the order of their keys, as the API lists them. */
  list(resource: Resource): KubeObject[] {
    const table = this.#tables.get(resourceId(resource)) ?? new Map<string, KubeObject>();
    return [...table].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  all(): { id: string; object: KubeObject }[] {
    return [...this.#tables].flatMap(([id, table]) => [...table.values()].map((object) => ({ id, object })));
  }

  /** Stores an object as a new one or a new version, unless nothing changed. The answer is what is stored. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const id = resourceId(resource);
    const table = this.#tables.get(id) ?? new Map<string, KubeObject>();
    this.#tables.set(id, table);
    const key = keyOf(object);
    const previous = table.get(key);
    const next = structuredClone(object);
    const { metadata } = next;
    metadata.uid = previous?.metadata.uid ?? randomUUID();
    metadata.creationTimestamp =
      previous?.metadata.creationTimestamp ?? `${new Date().toISOString().slice(0, 19)}Z`;
    if (previous) metadata.resourceVersion = previous.metadata.resourceVersion!;
    if (previous && isDeepStrictEqual(previous, next)) return previous;
    metadata.resourceVersion = String(++this.revision);
    table.set(key, next);
    this.#record({
      type: previous ? 'MODIFIED' : 'ADDED',
      id,
      object: next,
      ...(previous ? { previous } : {}),
    });
    return next;
  }

  remove(resource: Pick<Resource, 'group' | 'plural'>, key: string): KubeObject | undefined {
    const id = resourceId(resource);
    const previous = this.#tables.get(id)?.get(key);
    if (!previous) return undefined;
    this.#tables.get(id)?.delete(key);
    this.revision += 1;
    const metadata = { ...previous.metadata, resourceVersion: String(this.revision) };
    this.#record({ type: 'DELETED', id, object: { ...previous, metadata }, previous });
    return previous;
  }

  /** Removes everything in a namespace. */
  empty(namespace: string): void {
    for (const [id, table] of this.#tables) {
      const [plural = '', ...group] = id.split('.');
      for (const [key, { metadata }] of table) {
        if (metadata.namespace === namespace) this.remove({ plural, group: group.join('.') }, key);
      }
    }
  }

  /** Forgets the history: watches and pages from before now are answered 410. */
  compact(): void {
    // The counter moves on, as it does in a busy cluster, so that even the newest version known to a client is old.
    this.revision += 1;
    this.floor = this.revision;
    this.history.length = 0;
  }

  #record(event: Omit<StoredEvent, 'revision'>): void {
    const stored: StoredEvent = { ...event, revision: this.revision };
    this.history.push(stored);
    for (const listener of this.listeners) listener(stored);
  }
}
