import { expect, it } from 'vitest';
import { Allowance } from './allowance.ts';

it('an allowance is used up, says how many there were too many, and comes back', () => {
  let now = 0;
  const allowance = new Allowance({ burst: 2, perSecond: 10 }, () => now);
  expect([1, 2, 3, 4].map(() => allowance.take())).toEqual([0, 0, -1, -1]);
  now = 99;
  expect(allowance.take()).toBe(-1);
  now = 101;
  expect(allowance.take()).toBe(3);
  expect(allowance.take()).toBe(-1);
  now = 1_000_000;
  expect([1, 2, 3].map(() => allowance.take())).toEqual([1, 0, -1]);
});
