import { PersistentMap } from '../core/model/persistentMap.ts';

/** Values by key that are looked at again only where something marked them. Maps that were given out never change. */
export class Table<T extends object> {
  readonly #dirty = new Set<string>();
  readonly #make: (key: string) => T | undefined;
  #current = PersistentMap.empty<T>();

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
    const made = Array.from(this.#dirty, (key) => [key, this.#make(key)] as const);
    this.#dirty.clear();
    this.#current = this.#current.with(made);
    return this.#current;
  }
}
