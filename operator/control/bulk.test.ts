import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Bulk } from './bulk.ts';

let clock: ManualClock;
let bulk: Bulk;
let begun: string[];
let end: Map<string, () => void>;

beforeEach(() => {
  clock = new ManualClock();
  bulk = new Bulk({ clock, slots: 2, holdMs: 1_000 });
  [begun, end] = [[], new Map()];
});

const enter = (name: string): void =>
  bulk.enter((written) => {
    begun.push(name);
    end.set(name, written);
  });

describe('large lines', () => {
  it('are written some at a time, in their order', () => {
    for (const name of ['a', 'b', 'c', 'd']) enter(name);
    expect(begun).toEqual(['a', 'b']);
    end.get('b')!();
    end.get('b')!();
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for slow connections for long', () => {
    for (const name of ['a', 'b', 'c']) enter(name);
    clock.advance(1_000);
    expect(begun).toEqual(['a', 'b', 'c']);
    // what was given away is not given back twice
    end.get('a')!();
    for (const name of ['d', 'e']) enter(name);
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });
});
