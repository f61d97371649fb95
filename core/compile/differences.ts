export interface Difference<V> {
  readonly key: string;
  /** Absent: it is new. */
  readonly before: V | undefined;
  /** Absent: it is gone. */
  readonly after: V | undefined;
}

/** What of a map is another value than before, by `===`. */
export function differences<V extends object>(
  before: ReadonlyMap<string, V>,
  after: ReadonlyMap<string, V>,
): Difference<V>[] {
  if (before === after) return [];
  const found: Difference<V>[] = [];
  const oldKeys = before.keys();
  const oldValues = before.values();
  // most changes leave all keys where they are: then no key need be looked up
  let aligned = true;
  for (const [key, value] of after) {
    aligned &&= oldKeys.next().value === key;
    const was = aligned ? oldValues.next().value : before.get(key);
    if (was !== value) found.push({ key, before: was, after: value });
  }
  if (aligned && before.size === after.size) return found;
  for (const [key, value] of before) {
    if (!after.has(key)) found.push({ key, before: value, after: undefined });
  }
  return found;
}
