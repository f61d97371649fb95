import { beforeEach, expect, it } from 'vitest';
import { duration, Progress } from './progress.ts';

const KEY = 'MeshPolicy/shop/payment';
const first = { uid: 'u', generation: 1 };
let now: number;
let progress: Progress;

beforeEach(() => {
  now = 1_000;
  progress = new Progress(() => now);
});

it('measures from when a generation was first seen to the last proxy that took it', () => {
  progress.see(KEY, first);
  now += 40;
  progress.see(KEY, first);
  progress.heard(KEY);
  now += 44;
  progress.heard(KEY);
  now += 500;
  expect(progress.complete(KEY, first)).toBe('84ms');
  progress.heard(KEY);
  expect(progress.complete(KEY, first)).toBe('84ms');
});

it('begins anew with each generation, and with another resource of the same name', () => {
  progress.see(KEY, first);
  progress.heard(KEY);
  for (const next of [
    { uid: 'u', generation: 2 },
    { uid: 'v', generation: 2 },
  ]) {
    now += 10_000;
    progress.see(KEY, next);
    now += 7;
    progress.heard(KEY);
    expect(progress.complete(KEY, next)).toBe('7ms');
    expect(progress.complete(KEY, first)).toBeUndefined();
  }
});

it('says nothing of what it found as it is, or of what is gone', () => {
  progress.see(KEY, first, false);
  expect(progress.complete(KEY, first)).toBeUndefined();
  progress.see(KEY, { uid: 'u', generation: 2 });
  progress.forget(KEY);
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
