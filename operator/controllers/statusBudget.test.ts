import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Pace } from './pace.ts';
import { STATUS_RATE, StatusBudget } from './statusBudget.ts';

const keys = Array.from({ length: 500 }, (_, index) => `shop/p${index}`);
let clock: ManualClock;
let budget: StatusBudget;
let pace: Pace;

beforeEach(() => {
  clock = new ManualClock();
  budget = new StatusBudget(clock);
  pace = new Pace({ monotonic: () => clock.monotonic(), budget });
});

/** All of them are news all the time, and a look at one costs `tookMs`. */
function run(seconds: number, tookMs: number): { looks: string[]; writes: string[] } {
  const [looks, writes]: [string[], string[]] = [[], []];
  const end = clock.monotonic() + seconds * 1_000;
  while (clock.monotonic() < end) {
    for (const key of keys) {
      if (pace.lookMs(key) > 0) continue;
      const startedAt = clock.monotonic();
      clock.advance(tookMs);
      pace.looked(key, startedAt);
      looks.push(key);
      if (pace.writeMs(key, true) > 0) continue;
      pace.written(key);
      writes.push(key);
    }
    clock.advance(10);
  }
  return { looks, writes };
}

it('writes the status of many resources at one rate in all, each in its turn', () => {
  const { perSecond, burst } = STATUS_RATE;
  const { writes } = run(30, 0);
  expect(writes.length).toBeLessThanOrEqual(burst + 30 * perSecond + 1);
  expect(writes.length).toBeGreaterThan(burst + 29 * perSecond);
  // nobody twice before the others
  expect(new Set(writes).size).toBe(writes.length);
});

it('takes a share of the processor for all of them, though each alone would be cheap', () => {
  const { looks } = run(60, 20);
  expect(looks.length * 20).toBeLessThanOrEqual(60_000 * 0.35);
  expect(new Set(looks).size).toBeGreaterThan(400);
});

it('lets the status of the whole mesh wait for no other', () => {
  const first = new Pace({ monotonic: () => clock.monotonic(), budget, isFirst: true });
  run(1, 0);
  expect(pace.writeMs('shop/one-more', true)).toBeGreaterThan(1_000);
  expect([first.lookMs('default'), first.writeMs('default', true)]).toEqual([0, 0]);
});
