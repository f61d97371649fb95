import { describe, expect, it } from 'vitest';
import { Coverage, GLOBAL_NAME } from './coverage.ts';
import { Fuzzer, type Finding } from './fuzzer.ts';
import { Growth } from './growth.ts';
import { transform } from './instrument.ts';
import { search } from './search.ts';
import type { Target } from './target.ts';

/** A parser with an error behind several steps, of which chance alone would find none. */
const PARSER = `
export function parse(bytes: Uint8Array): number {
  let depth = 0;
  if (bytes[0] === 0x77) { depth = 1;
    if (bytes[1] === 0x65) { depth = 2;
      if (bytes[2] === 0x66) { depth = bytes[3] === 0x74 ? 4 : 3; } } }
  if (depth === 4) throw new Error('planted');
  return depth;
}`;

async function planted(coverage: Coverage): Promise<Target['run']> {
  coverage.install();
  const source = transform(PARSER, 'planted.ts', coverage);
  const url = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
  const { parse } = (await import(/* @vite-ignore */ url)) as { parse: (bytes: Uint8Array) => number };
  return (data) => void parse(data);
}

async function find(
  seed: number,
  run?: Target['run'],
): Promise<{ finding: Finding | undefined; runs: number }> {
  const coverage = new Coverage();
  const instrumented = await planted(coverage);
  const fuzzer = new Fuzzer({
    target: { name: 't', seeds: ['x'], dictionary: [], run: run ?? instrumented, slowMs: 20, maxBytes: 64 },
    coverage,
    seed,
    corpus: [],
    running: () => {},
    kept: () => {},
    garbageCollect: () => {},
  });
  const finding = fuzzer.begin() ?? fuzzer.search(performance.now() + 15_000);
  return { finding, runs: fuzzer.runs };
}

describe('the search', () => {
  it('is led by coverage to an error that chance would not find, and by its seed on the same way', async () => {
    const first = await find(1);
    expect(first.finding).toMatchObject({ kind: 'crash', message: expect.stringContaining('planted') });
    expect(first.finding!.input.toString('latin1')).toMatch(/^weft/);
    const again = await find(1);
    expect([again.runs, again.finding!.input]).toEqual([first.runs, first.finding!.input]);
  });

  it('finds an input that takes too long each time', async () => {
    const { finding } = await find(1, (data) => {
      const until = performance.now() + (data.length > 8 ? 25 : 0);
      while (performance.now() < until);
    });
    expect(finding?.kind).toBe('slow');
  });

  it('tells of an input that never comes back', async () => {
    const order = { seconds: 1, seed: 1, corpus: [], hangMs: 1_000 };
    const file = new URL('./testing/hang.ts', import.meta.url).href;
    const { finding } = await search({ ...order, file }, () => {});
    expect(finding).toMatchObject({ kind: 'hang', input: Buffer.from('hang') });
  });
});

describe('counters', () => {
  it('stand on each way through a branch', () => {
    const coverage = new Coverage();
    const text = transform('export const f = (a: number) => (a > 1 ? a && 2 : 3);', 'f.ts', coverage);
    expect(coverage.branches).toBe(3);
    expect(text.match(new RegExp(`${GLOBAL_NAME}\\[\\d\\]\\+\\+`, 'g'))).toHaveLength(3);
    expect(text).not.toContain(': number');
  });

  it('show what is new once', () => {
    const coverage = new Coverage();
    const branch = coverage.allocate();
    coverage.counters[branch] = 1;
    expect([coverage.takeNew(), coverage.takeNew()]).toEqual([true, false]);
    coverage.counters[branch] = 5;
    expect([coverage.takeNew(), coverage.reached]).toEqual([true, 1]);
    coverage.reset();
    expect(coverage.counters[branch]).toBe(0);
  });
});

describe('the heap', () => {
  it('may be large, and may not grow', () => {
    const growth = new Growth(() => {});
    for (let look = 0; look < 6; look++) expect(growth.look(0)).toBeUndefined();
    const kept = Array.from({ length: 6 * 1024 * 1024 }, (_, index) => index + 0.5);
    // for a moment it may
    for (let look = 0; look < 2; look++) expect(growth.look(0)).toBeUndefined();
    expect(growth.look(0)).toMatch(/have grown from/);
    expect(kept).toHaveLength(6 * 1024 * 1024);
  });

  it('may leave buffers for the event loop to give back, within bounds', () => {
    const growth = new Growth(() => {});
    for (let look = 0; look < 6; look++) expect(growth.look(0)).toBeUndefined();
    const some = Buffer.alloc(80 * 1024 * 1024, 1);
    for (let look = 0; look < 4; look++) expect(growth.look(0)).toBeUndefined();
    const many = Buffer.alloc(300 * 1024 * 1024, 1);
    for (let look = 0; look < 2; look++) expect(growth.look(0)).toBeUndefined();
    expect(growth.look(0)).toMatch(/have grown from/);
    expect(growth.look(many.length + some.length)).toBeUndefined();
  });
});
