import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { differences } from './differences.ts';
import { PersistentMap } from './persistentMap.ts';

type Value = { readonly n: number };
const values = [0, 1, 2].map((n): Value => ({ n }));
const anyKey = fc.integer({ min: 0, max: 600 }).map((n) => `shop/cart-${n}`);
const anyChanges = fc.array(fc.tuple(anyKey, fc.constantFrom(undefined, ...values)), { maxLength: 60 });

const sorted = <V>(entries: Iterable<readonly [string, V]>) =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

it('is a map, each version of which stays as it was', () => {
  fc.assert(
    fc.property(fc.array(anyChanges), (steps) => {
      const plain = new Map<string, Value>();
      let map = PersistentMap.empty<Value>();
      for (const changes of steps) {
        const [before, was] = [map, sorted(map)];
        const plainBefore = new Map(plain);
        for (const [key, value] of changes) {
          if (value) plain.set(key, value);
          else plain.delete(key);
        }
        map = map.with(changes);
        expect(sorted(map)).toEqual(sorted(plain));
        expect([map.size, [...map.keys()].length, [...map.values()].length]).toEqual(
          Array(3).fill(plain.size),
        );
        expect([...plain].every(([key, value]) => map.get(key) === value && map.has(key))).toBe(true);
        expect(sorted(before)).toEqual(was);
        const byKey = (all: ReturnType<typeof differences<Value>>) =>
          sorted(all.map((each) => [each.key, each] as const));
        expect(byKey(differences(before, map))).toEqual(byKey(differences(plainBefore, plain)));
      }
    }),
  );
});

it('is the same value where nothing is other', () => {
  const map = PersistentMap.empty<Value>().with([['a', values[0]]]);
  expect(map.with([])).toBe(map);
  expect(
    map.with([
      ['a', values[0]],
      ['b', undefined],
    ]),
  ).toBe(map);
  expect(map.with([['a', values[1]]])).not.toBe(map);
  expect(map.has('b')).toBe(false);
});

it('names what came, went and changed', () => {
  const map = PersistentMap.empty<Value>().with([
    ['a', values[0]],
    ['b', values[1]],
  ]);
  const next = map.with([
    ['a', undefined],
    ['b', values[2]],
    ['c', values[0]],
  ]);
  expect(differences(map, next).sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual([
    { key: 'a', before: values[0], after: undefined },
    { key: 'b', before: values[1], after: values[2] },
    { key: 'c', before: undefined, after: values[0] },
  ]);
});
