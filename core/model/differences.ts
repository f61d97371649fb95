import { PersistentMap } from './persistentMap.ts';

export interface Difference<V> {
  readonly key: string;
  /** Absent: it is new. */
  readonly before: V | undefined;
  /** Absent: it is gone. */
  readonly after: V | undefined;
}

type Values<V> = ReadonlyMap<string, V>;

/** What of a map is another value than before, by `===`. Of two versions of a PersistentMap only the news is looked at. */
export function differences<V extends object>(before: Values<V>, after: Values<V>): Difference<V>[] {
  if (before === after) return [];
  if (!(before instanceof PersistentMap && after instanceof PersistentMap)) return compare(before, after);
  const parts = (before as PersistentMap<V>).unshared(after as PersistentMap<V>);
  return [...parts].flatMap(([was, is]) => compare(was, is));
}

function compare<V extends object>(before: Values<V>, after: Values<V>): Difference<V>[] {
  const found: Difference<V>[] = [];
  let kept = 0;
  for (const [key, value] of after) {
    const was = before.get(key);
    if (was !== undefined) kept += 1;
    if (was !== value) found.push({ key, before: was, after: value });
  }
  if (kept === before.size) return found;
  for (const [key, value] of before) {
    if (!after.has(key)) found.push({ key, before: value, after: undefined });
  }
  return found;
}
