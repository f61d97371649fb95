import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Bulk } from './bulk.ts';

let clock: ManualClock;
let bulk: Bulk;
let begun: string[];
let end: Map<string, () => void>;
let go: Map<string, () => void>;

beforeEach(() => {
  clock = new ManualClock();
  bulk = new Bulk({ clock, slots: 2, holdMs: 1_000, stallMs: 100 });
  [begun, end, go] = [[], new Map(), new Map()];
});

const enter = (name: string): void =>
  bulk.enter(({ written, progressed }) => {
    begun.push(name);
    end.set(name, written);
    go.set(name, progressed);
  });

describe('large lines', () => {
  it('are written some at a time, in their order', () => {
    for (const name of ['a', 'b', 'c', 'd']) enter(name);
    expect(begun).toEqual(['a', 'b']);
    end.get('b')!();
    end.get('b')!();
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for connections that take nothing', () => {
    for (const name of ['a', 'b', 'c', 'd']) enter(name);
    clock.advance(60);
    go.get('a')!();
    clock.advance(60);
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for slow connections for long', () => {
    for (const name of ['a', 'b', 'c']) enter(name);
    for (let ms = 0; ms < 1_000; ms += 50) {
      expect(begun).toEqual(['a', 'b']);
      for (const name of ['a', 'b']) go.get(name)!();
      clock.advance(50);
    }
    expect(begun).toEqual(['a', 'b', 'c']);
    // what was given away is not given back twice
    end.get('a')!();
    for (const name of ['d', 'e']) enter(name);
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });
});
