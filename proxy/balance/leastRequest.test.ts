import { describe, expect, it } from 'vitest';
import { leastRequest } from './leastRequest.ts';

const candidate = (name: string, change: { active?: number; full?: boolean; downUntil?: number } = {}) => ({
  name,
  active: 0,
  full: false,
  downUntil: 0,
  ...change,
});

/** Numbers from 0 to 1 that are the same in every run. */
function sequence() {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const balancer = (now = 0) => leastRequest(sequence(), () => now);

function shares<T extends { name: string }>(
  pick: () => T | undefined,
  count = 1000,
): Map<string | undefined, number> {
  const seen = new Map<string | undefined, number>();
  for (let round = 0; round < count; round++) {
    const name = pick()?.name;
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  return seen;
}

describe('least request', () => {
  it('takes the one with the fewest requests, and equals equally often', () => {
    const few = [candidate('a', { active: 2 }), candidate('b', { active: 1 }), candidate('c', { active: 1 })];
    const one = balancer();
    const seen = shares(() => one.pick(few, []));
    expect([...seen.keys()].toSorted()).toEqual(['b', 'c']);
    expect(seen.get('b')).toBeGreaterThan(350);
  });

  it('of many prefers the less busy without ever herding to one', () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      candidate(String(index), { active: index < 50 ? 10 : 0 }),
    );
    const one = balancer();
    const seen = shares(() => one.pick(many, []), 5000);
    const busy = [...seen].filter(([name]) => Number(name) < 50).reduce((sum, [, count]) => sum + count, 0);
    // both random choices must fall on the busy half
    expect(busy / 5000).toBeGreaterThan(0.2);
    expect(busy / 5000).toBeLessThan(0.3);
    expect(Math.max(...seen.values())).toBeLessThan(150);
  });

  it('spreads requests that stay as evenly as they can be', () => {
    const open = Array.from({ length: 5 }, (_, index) => candidate(String(index)));
    const one = balancer();
    for (let round = 0; round < 50; round++) one.pick(open, [])!.active++;
    expect(open.map(({ active }) => active)).toEqual([10, 10, 10, 10, 10]);
  });

  it('avoids what could not be reached, but takes the first to be tried again rather than none', () => {
    const one = balancer(1000);
    const down = candidate('down', { downUntil: 2000 });
    const longer = candidate('longer', { downUntil: 3000 });
    const recovered = candidate('recovered', { downUntil: 900, active: 5 });
    expect(one.pick([down, recovered], [])?.name).toBe('recovered');
    expect(one.pick([longer, down], [])?.name).toBe('down');
    const many = [
      ...Array.from({ length: 20 }, (_, index) => candidate(`down${index}`, { downUntil: 2000 })),
      candidate('up'),
    ];
    expect([...shares(() => one.pick(many, [])).keys()]).toEqual(['up']);
  });

  it('never takes what is full or was tried', () => {
    const one = balancer();
    const full = candidate('full', { full: true });
    const tried = candidate('tried');
    const busy = candidate('busy', { active: 100 });
    expect(one.pick([full, tried, busy], [tried])?.name).toBe('busy');
    expect(one.pick([full, tried], [tried])).toBeUndefined();
    expect(one.pick([], [])).toBeUndefined();
    const many = [
      ...Array.from({ length: 20 }, (_, index) => candidate(`full${index}`, { full: true })),
      candidate('free'),
    ];
    expect([...shares(() => one.pick(many, [])).keys()]).toEqual(['free']);
  });
});
