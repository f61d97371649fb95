import type { KubeObject } from '../resource.ts';
import { badRequest } from './status.ts';

type Matcher = (object: KubeObject) => boolean;

/** Label selectors: `a=b,a!=b,a in (b,c),a notin (b),a,!a`. */
function labelMatcher(selector: string): Matcher {
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  const tests = parts.map((part): ((labels: Record<string, string>) => boolean) => {
    const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
    if (set) {
      const values = set[3]!.split(',').map((value) => value.trim());
      return (labels) => values.includes(labels[set[1]!] ?? '\0') === (set[2] === 'in');
    }
    const unequal = /^([^!=\s]+)\s*!=\s*([\w.-]*)$/.exec(part);
    if (unequal) return (labels) => labels[unequal[1]!] !== unequal[2];
    const equal = /^([^!=\s]+)\s*==?\s*([\w.-]*)$/.exec(part);
    if (equal) return (labels) => labels[equal[1]!] === equal[2];
    if (/^![^\s=]+$/.test(part)) return (labels) => !(part.slice(1) in labels);
    if (/^[^!=\s]+$/.test(part)) return (labels) => part in labels;
    throw badRequest(`unable to parse requirement: ${part}`);
  });
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

/** Field selectors: any path of the object, where the real server knows a few for each kind. */
function fieldMatcher(selector: string): Matcher {
  const tests = selector.split(',').map((part): Matcher => {
    const found = /^([\w.]+)(!?==?)(.*)$/.exec(part);
    if (!found) throw badRequest(`invalid selector: ${part}`);
    const [, path, operator, wanted] = found;
    return (object) => {
      let value: unknown = object;
      for (const name of path!.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
      return (String(value ?? '') === wanted) === !operator!.startsWith('!');
    };
  });
  return (object) => tests.every((test) => test(object));
}

/** What a list or watch asks for. Throws StatusError 400. */
export function matcherOf(query: URLSearchParams, namespace: string | undefined): Matcher {
  const labels = query.get('labelSelector');
  const fields = query.get('fieldSelector');
  const tests: Matcher[] = [];
  if (namespace !== undefined) tests.push(({ metadata }) => metadata.namespace === namespace);
  if (labels) tests.push(labelMatcher(labels));
  if (fields) tests.push(fieldMatcher(fields));
  return (object) => tests.every((test) => test(object));
}
