/** Immutable maps in the order of their keys, by UTF-16 units: hashes of documents and directories depend on it. */
export function withChanges<V>(
  map: ReadonlyMap<string, V>,
  changed: Iterable<readonly [string, V]>,
  removed: Iterable<string> = [],
): Map<string, V> {
  const next = new Map(map);
  for (const key of removed) next.delete(key);
  let added = false;
  for (const [key, value] of changed) {
    added ||= !next.has(key);
    next.set(key, value);
  }
  return added ? new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1))) : next;
}

/** What `after` has that `before` has not, or another value of, and keys that it has no more. */
export function changesOf<V>(
  before: ReadonlyMap<string, V> | undefined,
  after: ReadonlyMap<string, V>,
): { changed: V[]; removed: string[] } {
  if (before === after) return { changed: [], removed: [] };
  const changed: V[] = [];
  for (const [key, value] of after) if (before?.get(key) !== value) changed.push(value);
  const removed = before ? [...before.keys()].filter((key) => !after.has(key)) : [];
  return { changed, removed };
}

/** Of several owners of one key the first by their order counts; most keys have one, which costs no list. */
export class Owners<Owner extends object> {
  private readonly map: Map<string, Owner | readonly Owner[]>;
  private readonly compare: (a: Owner, b: Owner) => number;

  constructor(compare: (a: Owner, b: Owner) => number, map = new Map<string, Owner | readonly Owner[]>()) {
    this.compare = compare;
    this.map = map;
  }

  /** Another one to be changed by itself; lists are never changed in place. */
  copy(): Owners<Owner> {
    return new Owners(this.compare, new Map(this.map));
  }

  first(key: string): Owner | undefined {
    const found = this.map.get(key);
    return isList(found) ? found[0] : found;
  }

  all(key: string): readonly Owner[] {
    const found = this.map.get(key);
    return isList(found) ? found : found === undefined ? [] : [found];
  }

  add(key: string, owner: Owner): void {
    const others = this.all(key);
    this.map.set(key, others.length === 0 ? owner : [...others, owner].sort(this.compare));
  }

  remove(key: string, owner: Owner): void {
    const left = this.all(key).filter((other) => other !== owner);
    if (left.length === 0) this.map.delete(key);
    else this.map.set(key, left.length === 1 ? left[0]! : left);
  }
}

const isList = <Owner extends object>(
  found: Owner | readonly Owner[] | undefined,
): found is readonly Owner[] => Array.isArray(found);
