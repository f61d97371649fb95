import { expect, it } from 'vitest';
import { Pool } from './pool.ts';

it('gives equal values as one', () => {
  const pool = new Pool(10);
  const first = pool.share({ app: 'cart' });
  expect(pool.share({ app: 'cart' })).toBe(first);
  expect(pool.share({ app: 'web' })).not.toBe(first);
});

it('does not hold long values', () => {
  const pool = new Pool(10);
  const long = { app: 'x'.repeat(3_000) };
  expect(pool.share(long)).toBe(long);
  expect(pool.share({ ...long })).not.toBe(long);
});

it('holds no more than twice its limit, and forgets what was not asked for', () => {
  const pool = new Pool(10);
  const [kept, left] = [pool.share({ app: 'kept' }), pool.share({ app: 'left' })];
  for (let index = 0; index < 100; index += 1) {
    pool.share({ index });
    expect(pool.share({ app: 'kept' })).toBe(kept);
  }
  expect(pool.share({ app: 'left' })).not.toBe(left);
});
