/**
 * Values by key that are looked at again only where something marked them. Maps that were given out never change: the
 * next one is a copy with what is other, or the very same one where nothing is.
 */
export class Table<T extends object> {
  readonly #dirty = new Set<string>();
  readonly #make: (key: string) => T | undefined;
  #current: ReadonlyMap<string, T> = new Map();

  /** `make` gives the value that a key has now; the same one as before where it says the same. */
  constructor(make: (key: string) => T | undefined) {
    this.#make = make;
  }

  /** As it was when last settled. */
  get(key: string): T | undefined {
    return this.#current.get(key);
  }

  mark(key: string): void {
    this.#dirty.add(key);
  }

  settle(): ReadonlyMap<string, T> {
    let next: Map<string, T> | undefined;
    for (const key of this.#dirty) {
      const value = this.#make(key);
      if (value === this.#current.get(key)) continue;
      next ??= new Map(this.#current);
      if (value) next.set(key, value);
      else next.delete(key);
    }
    this.#dirty.clear();
    if (next) this.#current = next;
    return this.#current;
  }
}
