/** A list of patterns, prepared: exact values in a set, so that long lists of callers cost one look-up. */
export interface Patterns {
  readonly exact: ReadonlySet<string>;
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  /** `*`: any non-empty value. */
  readonly any: boolean;
}

/** Reads `exact`, `prefix*`, `*suffix` and `*`. A `*` anywhere else stands for itself. */
export function compilePatterns(
  values: readonly string[],
  normalize: (value: string) => string = (value) => value,
): Patterns {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  const suffixes: string[] = [];
  let any = false;
  for (const value of values) {
    if (value === '*') any = true;
    else if (value.endsWith('*')) prefixes.push(normalize(value.slice(0, -1)));
    else if (value.startsWith('*')) suffixes.push(normalize(value.slice(1)));
    else exact.add(normalize(value));
  }
  return { exact, prefixes, suffixes, any };
}

export function matchesPattern(patterns: Patterns, value: string): boolean {
  if (patterns.any && value !== '') return true;
  if (patterns.exact.has(value)) return true;
  for (let i = 0; i < patterns.prefixes.length; i++) {
    if (value.startsWith(patterns.prefixes[i]!)) return true;
  }
  for (let i = 0; i < patterns.suffixes.length; i++) {
    if (value.endsWith(patterns.suffixes[i]!)) return true;
  }
  return false;
}
