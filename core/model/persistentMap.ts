/**
 * A map that never changes, and whose next version shares with it all but what is other: one change among ten thousand
 * values costs neither a copy of all of them nor, for who compares the two, a look at them. Its order says nothing.
 */

const BUCKETS = 256;
type Bucket<V> = ReadonlyMap<string, V>;

/** FNV-1a, as far as it is needed. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
}

export class PersistentMap<V extends object> implements ReadonlyMap<string, V> {
  readonly size: number;
  readonly #buckets: readonly Bucket<V>[];

  private constructor(buckets: readonly Bucket<V>[]) {
    this.#buckets = buckets;
    this.size = buckets.reduce((sum, { size }) => sum + size, 0);
  }

  static empty<V extends object>(): PersistentMap<V> {
    const none: Bucket<V> = new Map();
    return new PersistentMap(Array.from({ length: BUCKETS }, () => none));
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]!.get(key);
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]!.has(key);
  }

  /** The next version, in which these keys have these values, or none. The very same where they have them already. */
  with(changes: Iterable<readonly [string, V | undefined]>): PersistentMap<V> {
    const copies = new Map<number, Map<string, V>>();
    for (const [key, value] of changes) {
      const at = bucketOf(key);
      const bucket = copies.get(at) ?? this.#buckets[at]!;
      if (bucket.get(key) === value) continue;
      const copy = copies.get(at) ?? new Map(bucket);
      copies.set(at, copy);
      if (value) copy.set(key, value);
      else copy.delete(key);
    }
    if (copies.size === 0) return this;
    return new PersistentMap(this.#buckets.map((bucket, at) => copies.get(at) ?? bucket));
  }

  /** The parts of both that are not shared: all differences are in them. */
  *unshared(other: PersistentMap<V>): Generator<readonly [Bucket<V>, Bucket<V>], undefined> {
    for (const [at, bucket] of this.#buckets.entries()) {
      const theirs = other.#buckets[at]!;
      if (bucket !== theirs) yield [bucket, theirs];
    }
  }

  *entries(): Generator<[string, V], undefined> {
    for (const bucket of this.#buckets) yield* bucket.entries();
  }

  *keys(): Generator<string, undefined> {
    for (const bucket of this.#buckets) yield* bucket.keys();
  }

  *values(): Generator<V, undefined> {
    for (const bucket of this.#buckets) yield* bucket.values();
  }

  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.entries();
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }
}
