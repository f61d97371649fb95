/** Longer ones are not shared: what the pool holds of objects that are gone has a bound. */
const MAX_TEXT = 2_048;

/** Equal values as one value: the pods of a template say mostly the same, and there are many of them. */
export class Pool {
  readonly #limit: number;
  #young = new Map<string, object>();
  /** What was not asked for since the young ones were empty. It goes when they are `limit`. */
  #old = new Map<string, object>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The first value that was equal to this one. Values that are shared must never change. */
  share<T extends object>(value: T): T {
    const text = JSON.stringify(value);
    if (text.length > MAX_TEXT) return value;
    const known = this.#young.get(text);
    if (known) return known as T;
    const shared = this.#old.get(text) ?? value;
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, shared);
    return shared as T;
  }
}
