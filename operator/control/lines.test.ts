import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledDirectory } from '../../core/compile/index.ts';
import type { DirectoryMessage, UpdateMessage } from '../../core/control/index.ts';
import { baseOf, updateLine } from './compose.ts';
import { MAX_STEPS } from './directoryHistory.ts';
import { LineCache } from './lineCache.ts';
import { Lines } from './lines.ts';
import { SimulatedProxy } from './testing/simulatedProxy.ts';
import { directoryOf, documentOf, TestSource } from './testing/source.ts';

const read = <T>(line: Buffer): T => {
  const text = line.toString('utf8');
  expect(text.indexOf('\n')).toBe(text.length - 1);
  return JSON.parse(text) as T;
};
const position = { epoch: 2, revision: '17' };

describe('an update', () => {
  const before = documentOf('cart', { services: { 'shop/a': '1', 'shop/b': '1', 'shop/c': '1' } });
  const after = documentOf('cart', {
    parts: { trust: 'other' },
    services: { 'shop/a': '1', 'shop/b': '2', 'shop/d': '1' },
  });

  it('holds what differs, the names of what is gone, and where it stands', () => {
    expect(read(updateLine(before, after, position))).toEqual({
      type: 'update',
      epoch: 2,
      revision: '17',
      hash: after.hash,
      parts: { trust: { name: 'trust', of: 'cart', is: 'other' } },
      services: [
        { name: 'shop/b', is: '2' },
        { name: 'shop/d', is: '1' },
      ],
      removed: ['shop/c'],
    });
  });

  it('is whole for a proxy that has nothing, and says so', () => {
    const message = read<UpdateMessage>(updateLine(baseOf({ parts: {}, services: {} }), after, position));
    expect(message).toMatchObject({ whole: true, removed: [] });
    expect(Object.keys(message.parts)).toEqual(['policy', 'trust', 'telemetry', 'settings']);
    expect(message.services).toHaveLength(3);
  });

  it('is made once for all who have the same, and never by what a proxy claims', () => {
    const lines = new Lines(new TestSource());
    const from = { ...before, key: before.hash };
    const line = lines.update(from, after, position);
    expect(lines.update({ ...from }, after, position)).toBe(line);
    expect(lines.update(from, after, { epoch: 2, revision: '18' })).not.toBe(line);
    const claimed = { ...baseOf({ parts: {}, services: {} }), key: undefined };
    expect(lines.update(claimed, after, position)).not.toBe(lines.update(claimed, after, position));
  });
});

describe('a directory', () => {
  const names = fc.constantFrom('a/a', 'a/b', 'a/c', 'b/d', 'b/e');
  const entries = fc.dictionary(names, fc.constantFrom('1', '2'), { maxKeys: 5 });
  const directories = fc
    .record({ services: entries, outside: fc.option(entries, { nil: undefined }) })
    .map(({ services, outside }) => directoryOf(services, outside));

  const taken = (proxy: SimulatedProxy, line: Buffer): string | undefined => {
    expect(proxy.take(read<DirectoryMessage>(line))).toEqual([]);
    return proxy.directory?.hash;
  };

  it('is brought from any earlier one to the newest, by what differs', () => {
    fc.assert(
      fc.property(fc.array(directories, { minLength: 1, maxLength: 12 }), fc.nat(), (chain, at) => {
        const source = new TestSource();
        const lines = new Lines(source);
        const proxy = new SimulatedProxy();
        const move = (directory: CompiledDirectory): void => {
          source.setDirectory('shop', directory);
          lines.observe('shop');
        };
        const first = at % chain.length;
        chain.slice(0, first + 1).forEach(move);
        taken(proxy, lines.directory('shop', chain[first]!, undefined));
        chain.slice(first + 1).forEach(move);
        const last = chain.at(-1)!;
        const line = lines.directory('shop', last, chain[first]!.hash);
        const moves = chain.filter(({ hash }, index) => hash !== chain[index - 1]?.hash);
        const start = moves.slice(0, -1).findLastIndex(({ hash }) => hash === chain[first]!.hash);
        const listed = moves.slice(start).every(({ outside }) => outside) || !last.outside;
        expect(read<DirectoryMessage>(line).base).toBe(
          start !== -1 && listed ? chain[first]!.hash : undefined,
        );
        expect(taken(proxy, line)).toBe(last.hash);
      }),
      { numRuns: 300 },
    );
  });

  it('comes whole to a proxy that is further behind than is remembered', () => {
    const source = new TestSource();
    const lines = new Lines(source);
    const hashes = Array.from({ length: MAX_STEPS + 2 }, (_, index) => {
      const directory = directoryOf({ 'a/a': String(index) });
      source.setDirectory('shop', directory);
      lines.observe('shop');
      return directory.hash;
    });
    const current = source.directory('shop')!;
    const base = (known: string | undefined) =>
      read<DirectoryMessage>(lines.directory('shop', current, known)).base;
    expect([base(hashes[0]), base(hashes[1]), base('other'), base(undefined)]).toEqual([
      undefined,
      hashes[1],
      undefined,
      undefined,
    ]);
  });
});

describe('the cache of lines', () => {
  const text = (bytes: number) => () => Buffer.alloc(bytes);

  it('is bounded in number and in bytes, and lets go of the oldest', () => {
    const cache = new LineCache({ maxLines: 3, maxBytes: 100 });
    const first = cache.get('a', text(10));
    for (const key of ['b', 'c']) cache.get(key, text(10));
    expect(cache.get('a', text(10))).toBe(first);
    cache.get('d', text(10));
    expect(cache.get('a', text(10))).not.toBe(first);
    cache.get('large', text(95));
    expect(cache.bytes).toBe(95);
    expect(cache.get('too large', text(101))).toHaveLength(101);
    expect(cache.bytes).toBe(95);
  });
});
