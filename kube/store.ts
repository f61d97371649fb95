/** A change of a store, after it has happened. `key` is `namespace/name`, or the name of what has no namespace. */
export type Change<S> =
  | { type: 'Added'; key: string; object: S }
  | { type: 'Updated'; key: string; object: S; previous: S }
  | { type: 'Deleted'; key: string; object: S };

/** What is kept of one object beside its (perhaps transformed) content. */
export interface Entry<S> {
  uid: string;
  resourceVersion: string;
  object: S;
}

/** The objects of a reflector, as they were when last heard of. */
export interface Store<S> {
  get(key: string): S | undefined;
  has(key: string): boolean;
  keys(): IterableIterator<string>;
  values(): S[];
  entries(): IterableIterator<[string, S]>;
  readonly size: number;
}

/** The writable side, for the reflector alone. Answers with the changes that its owner announces. */
export class ObjectStore<S> implements Store<S> {
  readonly #entries = new Map<string, Entry<S>>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): S | undefined {
    return this.#entries.get(key)?.object;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  values(): S[] {
    return Array.from(this.#entries.values(), ({ object }) => object);
  }

  *entries(): Generator<[string, S], undefined, unknown> {
    for (const [key, { object }] of this.#entries) yield [key, object];
  }

  /** Stores what was added or modified. A new uid under a known name means that a deletion was missed. */
  put(key: string, entry: Entry<S>): Change<S>[] {
    const old = this.#entries.get(key);
    this.#entries.set(key, entry);
    const { object } = entry;
    if (old === undefined) return [{ type: 'Added', key, object }];
    if (old.uid !== entry.uid) {
      return [
        { type: 'Deleted', key, object: old.object },
        { type: 'Added', key, object },
      ];
    }
    if (old.resourceVersion === entry.resourceVersion) return [];
    return [{ type: 'Updated', key, object, previous: old.object }];
  }

  /** What is stored, to keep it where something newer cannot be used. */
  entry(key: string): Entry<S> | undefined {
    return this.#entries.get(key);
  }

  /** Forgets the object if it is still the one of that uid. */
  remove(key: string, uid: string): Change<S>[] {
    const old = this.#entries.get(key);
    if (old === undefined || old.uid !== uid) return [];
    this.#entries.delete(key);
    return [{ type: 'Deleted', key, object: old.object }];
  }

  /** Makes the content that of a complete list; deletions come first. */
  replace(listed: ReadonlyMap<string, Entry<S>>): Change<S>[] {
    const changes: Change<S>[] = [];
    for (const [key, { uid }] of this.#entries) {
      if (!listed.has(key)) changes.push(...this.remove(key, uid));
    }
    for (const [key, entry] of listed) changes.push(...this.put(key, entry));
    return changes;
  }
}
