import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { CutList } from './cutList.ts';

type Cut = [kind: number, start: number, end: number];

const cutsOf = ({ count, kinds, starts, ends }: CutList): Cut[] =>
  Array.from({ length: count }, (_, at) => [kinds[at]!, starts[at]!, ends[at]!]);

it('keeps what is inserted in its place, and a line that is there as it is', () => {
  const list = new CutList();
  list.add(1, 10, 20);
  list.add(2, 40, 50);
  list.insert(4, 20, 40);
  list.insert(4, 0, 10);
  list.insert(4, 90, 95);
  list.insert(4, 40, 50);
  expect(cutsOf(list)).toEqual([
    [4, 0, 10],
    [1, 10, 20],
    [4, 20, 40],
    [2, 40, 50],
    [4, 90, 95],
  ]);
});

it('knows which kinds it has, not those of earlier heads', () => {
  const list = new CutList();
  list.add(1, 0, 10);
  list.add(4, 10, 20);
  expect([1, 2, 4, 6, 8].filter((kinds) => list.has(kinds))).toEqual([1, 4, 6]);
  list.clear();
  expect(list.has(15)).toBe(false);
  list.add(8, 0, 10);
  expect([1, 2, 4, 8].filter((kinds) => list.has(kinds))).toEqual([8]);
});

it('keeps no room for many lines', () => {
  const list = new CutList();
  for (let at = 0; at < 100; at++) list.add(1, at, at + 1);
  expect(cutsOf(list)).toHaveLength(100);
  list.clear();
  expect([list.count, list.kinds.length, list.starts.length, list.ends.length]).toEqual([0, 0, 0, 0]);
});

it('is a list in order without doubles, head after head', () => {
  const line = fc.record({ kind: fc.constantFrom(1, 2, 4, 8), place: fc.nat({ max: 40 }) });
  const head = fc.record({
    added: fc.uniqueArray(line, { selector: ({ place }) => place, maxLength: 25 }),
    inserted: fc.array(line, { maxLength: 25 }),
  });
  fc.assert(
    fc.property(fc.array(head, { minLength: 1, maxLength: 4 }), (heads) => {
      const list = new CutList();
      for (const { added, inserted } of heads) {
        list.clear();
        const expected = new Map<number, Cut>();
        for (const { kind, place } of added.toSorted((one, other) => one.place - other.place)) {
          list.add(kind, place, place + 1);
          expected.set(place, [kind, place, place + 1]);
        }
        for (const { kind, place } of inserted) {
          list.insert(kind, place, place + 1);
          if (!expected.has(place)) expected.set(place, [kind, place, place + 1]);
        }
        expect(cutsOf(list)).toEqual([...expected.values()].toSorted((one, other) => one[1] - other[1]));
        expect(list.has(2)).toBe([...expected.values()].some(([kind]) => kind === 2));
      }
    }),
    { numRuns: 300 },
  );
});
