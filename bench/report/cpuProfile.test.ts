import { expect, test } from 'vitest';
import { callTree, locator, topSelfTimes, type CpuProfile, type ProfileNode } from './cpuProfile.ts';
import { flameGraph } from './flame.ts';

/** Line 0 of the bundle: from column 0 the first line of a.ts, from column 10 the first of b.ts. */
const MAP = JSON.stringify({
  version: 3,
  sources: ['../proxy/wire/a.ts', '../proxy/b.ts'],
  names: [],
  mappings: 'AAAA,UCAA',
});

const frame = (id: number, name: string, options: { url?: string; column?: number; children?: number[] } = {}): ProfileNode => ({
  id,
  callFrame: { functionName: name, url: options.url ?? '', lineNumber: 0, columnNumber: options.column ?? 0 },
  children: options.children ?? [],
}); // prettier-ignore

const profile: CpuProfile = {
  nodes: [
    frame(1, '(root)', { children: [2, 3, 6] }),
    frame(2, '(idle)'),
    frame(3, 'a', { url: 'file:///dist/proxy.mjs', column: 2, children: [4, 5] }),
    frame(4, 'b', { url: 'file:///dist/proxy.mjs', column: 15 }),
    frame(5, '', { url: 'node:net', column: 9 }),
    frame(6, 'b', { url: 'file:///dist/proxy.mjs', column: 15 }),
  ],
  samples: [2, 3, 4, 4, 5, 6],
  timeDeltas: [1000, 100, 200, 100, 50, 50],
};

test('idle time is left out, the rest is summed from below', () => {
  const root = callTree(profile, locator(MAP));
  expect(root.total).toBe(500);
  expect(root.children.map(({ name, self, total }) => [name, self, total])).toEqual([
    ['a proxy/wire/a.ts', 100, 450],
    ['b proxy/b.ts', 50, 50],
  ]);
});

test('own times are added up over all callers', () => {
  const top = topSelfTimes(callTree(profile, locator(MAP)), 2);
  expect(top).toEqual([
    { name: 'b proxy/b.ts', share: 0.7 },
    { name: 'a proxy/wire/a.ts', share: 0.2 },
  ]);
});

test('a flame graph tells the share of each frame', () => {
  const drawn = flameGraph(callTree(profile, locator(MAP)), 'mtls');
  expect(drawn).toContain('<title>a proxy/wire/a.ts: 90.00 %, itself 20.00 %</title>');
  expect(drawn).toContain('(anonymous) node:net');
});

test('without a source map the bundle is all that is known', () => {
  expect(callTree(profile, locator(undefined)).children.map(({ name }) => name)).toEqual([
    'a bundle',
    'b bundle',
  ]);
});
