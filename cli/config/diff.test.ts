import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../core/proxyConfig/index.ts';
import { diffText, fieldChanges, type FieldChange } from './diff.ts';

const value = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>('a', 'b', 1, true),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('x', 'y', 'z'), tie('node'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).node;

/** Writes the wanted side of each change into a copy of what is in force. */
function applied(inForce: unknown, changes: readonly FieldChange[]): unknown {
  const root = { value: structuredClone(inForce) } as Record<string, unknown>;
  // from the end, so that an element that goes does not move those that are named later
  for (const change of changes.toReversed()) {
    const path = ['value', ...(change.field.match(/[^.[\]]+/g) ?? [])];
    const last = path.pop()!;
    const holder = path.reduce((at, name) => at[name] as Record<string, unknown>, root);
    if ('wanted' in change) holder[last] = change.wanted;
    else if (Array.isArray(holder)) holder.splice(Number(last), 1);
    else delete holder[last];
  }
  return root['value'];
}

test('the changes of two values are what makes one of them the other', () => {
  fc.assert(
    fc.property(value, value, (inForce, wanted) => {
      const changes = fieldChanges(inForce, wanted);
      expect(changes.length === 0).toBe(canonicalJson(inForce) === canonicalJson(wanted));
      expect(canonicalJson(applied(inForce, changes))).toBe(canonicalJson(wanted));
    }),
  );
});

test('what is shown is bounded', () => {
  const list = Array.from({ length: 60 }, (_, at) => ({
    field: `f${at}`,
    inForce: 'x'.repeat(1000),
    wanted: 1,
  }));
  const text = diffText([{ part: 'policy', kind: 'Changed', fields: list }]);
  expect(text).toContain('  … and 10 more fields\n');
  expect(text.length).toBeLessThan(20_000);
});
