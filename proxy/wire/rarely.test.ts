import { expect, it } from 'vitest';
import { rarely } from './rarely.ts';

it('rarely calls at most once in its interval, and tells how many were left out', () => {
  let now = 0;
  const sometimes = rarely(1000, () => now);
  const said: number[] = [];
  for (const time of [0, 1, 999, 1000, 1001, 5000]) {
    now = time;
    sometimes((skipped) => said.push(skipped));
  }
  expect(said).toEqual([0, 2, 1]);
});
