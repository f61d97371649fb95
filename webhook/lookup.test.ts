import { expect, test } from 'vitest';
import { Lookup } from './lookup.ts';

function lookup(answers: (key: string) => Promise<string | undefined>) {
  const asked: string[] = [];
  const clock = { now: 0 };
  const made = new Lookup<string>({
    max: 3,
    maxPending: 2,
    ttlMs: 100,
    now: () => clock.now,
    load: (key) => {
      asked.push(key);
      return answers(key);
    },
  });
  return { made, asked, clock };
}

test('remembers for its time, and asks once for simultaneous questions', async () => {
  const { made, asked, clock } = lookup(async (key) => key.toUpperCase());
  expect(await Promise.all([made.get('a'), made.get('a')])).toEqual(['A', 'A']);
  clock.now = 99;
  await made.get('a');
  expect(asked).toEqual(['a']);
  clock.now = 100;
  await made.get('a');
  expect(asked).toEqual(['a', 'a']);
});

test('is bounded: what was used longest ago makes room', async () => {
  const { made, asked } = lookup(async (key) => key);
  for (const key of ['a', 'b', 'c', 'a', 'd']) await made.get(key);
  expect(made.size).toBe(3);
  await made.get('a');
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
  await made.get('b');
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'b']);
});

test('neither failures nor unknowns are remembered', async () => {
  const { made, asked } = lookup((key) =>
    key === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve(undefined),
  );
  await expect(made.get('bad')).rejects.toThrow('no');
  await expect(made.get('bad')).rejects.toThrow('no');
  expect(await made.get('none')).toBeUndefined();
  expect(await made.get('none')).toBeUndefined();
  expect(asked).toEqual(['bad', 'bad', 'none', 'none']);
  expect(made.size).toBe(0);
});

test('refuses more open questions than allowed, and goes on when one is answered', async () => {
  const first = Promise.withResolvers<string>();
  const { made, asked } = lookup((key) => (key === 'a' ? first.promise : new Promise(() => undefined)));
  const a = made.get('a');
  void made.get('b');
  await expect(made.get('c')).rejects.toMatchObject({ code: 'OVERLOADED' });
  first.resolve('A');
  expect(await a).toBe('A');
  void made.get('c');
  expect(asked).toEqual(['a', 'b', 'c']);
});
