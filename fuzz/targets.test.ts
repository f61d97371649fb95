import { describe, expect, it } from 'vitest';
import { regressions } from './engine/store.ts';
import { bytesOf, type Target } from './engine/target.ts';
import { targetFiles } from './targets/index.ts';

describe.each(Object.entries(targetFiles))('%s', (name, file) => {
  it('takes its seeds, and what once broke it', async () => {
    const { target } = (await import(/* @vite-ignore */ file)) as { target: Target };
    expect(target.name).toBe(name);
    expect(target.seeds.length).toBeGreaterThan(0);
    for (const seed of target.seeds) target.run(bytesOf(seed));
    for (const { input } of regressions(name)) target.run(input);
  });
});
