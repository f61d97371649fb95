/** Values by group and key; a group without values takes no room. */
export class Groups<V> {
  readonly #groups = new Map<string, Map<string, V>>();

  get(group: string): ReadonlyMap<string, V> | undefined {
    return this.#groups.get(group);
  }

  names(): IterableIterator<string> {
    return this.#groups.keys();
  }

  set(group: string, key: string, value: V): void {
    const values = this.#groups.get(group);
    if (values) values.set(key, value);
    else this.#groups.set(group, new Map([[key, value]]));
  }

  delete(group: string, key: string): void {
    const values = this.#groups.get(group);
    if (values?.delete(key) && values.size === 0) this.#groups.delete(group);
  }
}
