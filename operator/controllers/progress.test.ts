import { beforeEach, expect, it } from 'vitest';
import { duration, Progress } from './progress.ts';

const KEY = 'MeshPolicy/shop/payment';
const first = { uid: 'u', generation: 1 };
let now: number;
let progress: Progress;
const follow = (resource: typeof first | undefined, isNews = true): void =>
  progress.follow(new Map(resource ? [[KEY, resource]] : []), isNews);

beforeEach(() => {
  now = 1_000;
  progress = new Progress(() => now);
});

it('measures from when a generation was first seen to the last proxy that took it', () => {
  follow(first);
  now += 40;
  follow(first);
  progress.heard(KEY);
  now += 44;
  progress.heard(KEY);
  now += 500;
  expect(progress.complete(KEY, first)).toBe('84ms');
  progress.heard(KEY);
  expect(progress.complete(KEY, first)).toBe('84ms');
});

it('begins anew with each generation, and with another resource of the same name', () => {
  follow(first);
  progress.heard(KEY);
  for (const next of [
    { uid: 'u', generation: 2 },
    { uid: 'v', generation: 2 },
  ]) {
    now += 10_000;
    follow(next);
    now += 7;
    progress.heard(KEY);
    expect(progress.complete(KEY, next)).toBe('7ms');
    expect(progress.complete(KEY, first)).toBeUndefined();
  }
});

it('says nothing of what it found as it is, or of what is gone', () => {
  follow(first, false);
  expect(progress.complete(KEY, first)).toBeUndefined();
  follow({ uid: 'u', generation: 2 });
  follow(undefined);
  expect(progress.complete(KEY, { uid: 'u', generation: 2 })).toBeUndefined();
});

it.each([
  [0.4, '0ms'],
  [999.4, '999ms'],
  [1_250, '1.3s'],
  [125_400, '2m5s'],
])('writes %s ms as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
