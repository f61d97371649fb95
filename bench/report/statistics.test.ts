import { expect, test } from 'vitest';
import { estimate, median, paired, quantile } from './statistics.ts';

test('quantile interpolates between neighbours, in any order of the values', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([10, 20], 0.25)).toBe(12.5);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test('a ratio is taken within each round before the median, so that a slow round does not count', () => {
  const ours = [{ cpuUs: 10 }, { cpuUs: 100 }, { cpuUs: 12 }];
  const theirs = [{ cpuUs: 10 }, { cpuUs: 100 }, { cpuUs: 10 }];
  expect(paired(ours, theirs, { measure: 'cpuUs', by: 'ratio' }).value).toBe(1);
  expect(median(ours.map(({ cpuUs }) => cpuUs)) / median(theirs.map(({ cpuUs }) => cpuUs))).toBe(1.2);
});

test('a difference is ours less theirs', () => {
  const { value, low, high } = paired([{ p99Ms: 2 }, { p99Ms: 3 }], [{ p99Ms: 1.5 }, { p99Ms: 3.5 }], {
    measure: 'p99Ms',
    by: 'difference',
  });
  expect([value, low, high]).toEqual([0, -0.5, 0.5]);
});

test('what was not measured compares to nothing', () => {
  expect(paired([{ cpuUs: 1 }], [], { measure: 'cpuUs', by: 'ratio' }).value).toBeNaN();
  expect(paired([{ cpuUs: 1 }], [{ p99Ms: 1 }], { measure: 'cpuUs', by: 'ratio' }).value).toBeNaN();
});

test('the interval holds the median, lies within the values, and is the same each time', () => {
  const values = [1.1, 0.9, 1.4, 1, 1.2, 0.95, 1.05];
  const first = estimate(values);
  expect(first.value).toBe(1.05);
  expect(first.low).toBeGreaterThanOrEqual(0.9);
  expect(first.low).toBeLessThanOrEqual(first.value);
  expect(first.high).toBeGreaterThanOrEqual(first.value);
  expect(first.high).toBeLessThanOrEqual(1.4);
  expect(estimate(values)).toEqual(first);
});

test('equal rounds have an interval of no width', () => {
  expect(estimate([2, 2, 2])).toEqual({ value: 2, low: 2, high: 2 });
});
