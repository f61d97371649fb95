import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock, settle } from './testing/manualClock.ts';
import { WorkQueue } from './workQueue.ts';

const KEYS = ['a', 'b', 'c'] as const;
const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key }),
  fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.nat({ max: 500 }) }),
  fc.record({ do: fc.constant('finish' as const), key, ok: fc.boolean() }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.nat({ max: 300 }) }),
);

/**
 * A world of three keys: adding one is making its wish newer; working on it fulfils the wish as it was when the work
 * began. Whatever happens, no two workers have one key, and in the end no wish is unfulfilled.
 */
class World {
  readonly clock = new ManualClock();
  readonly wished = new Map<string, number>();
  readonly fulfilled = new Map<string, number>();
  readonly working = new Map<string, (ok: boolean) => void>();
  twice = false;
  mostAtOnce = 0;
  readonly queue: WorkQueue;

  constructor(concurrency: number) {
    this.queue = new WorkQueue({
      clock: this.clock,
      concurrency,
      random: () => 0.5,
      process: (name) => this.#work(name),
    });
  }

  wish(name: string): void {
    this.wished.set(name, (this.wished.get(name) ?? 0) + 1);
  }

  #work(name: string): Promise<void> {
    this.twice ||= this.working.has(name);
    const goal = this.wished.get(name) ?? 0;
    return new Promise((resolve, reject) => {
      this.working.set(name, (ok) => {
        this.working.delete(name);
        if (!ok) {
          reject(new Error('failed'));
          return;
        }
        this.fulfilled.set(name, goal);
        resolve();
      });
      this.mostAtOnce = Math.max(this.mostAtOnce, this.working.size);
    });
  }
}

describe('WorkQueue, whatever happens', () => {
  it('never gives one key to two workers and loses no wish', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, concurrency) => {
          const world = new World(concurrency);
          for (const action of steps) {
            if (action.do === 'add' || action.do === 'addAfter') {
              world.wish(action.key);
              if (action.do === 'add') world.queue.add(action.key);
              else world.queue.addAfter(action.key, action.ms);
            } else if (action.do === 'finish') world.working.get(action.key)?.(action.ok);
            else await world.clock.run(action.ms);
            await settle();
          }
          for (let turn = 0; turn < 50; turn++) {
            for (const finish of world.working.values()) finish(true);
            await world.clock.run(1000);
          }
          expect(world.twice).toBe(false);
          expect(world.mostAtOnce).toBeLessThanOrEqual(concurrency);
          expect(world.queue.isIdle).toBe(true);
          expect(world.fulfilled).toEqual(world.wished);
        },
      ),
      { numRuns: 150 },
    );
  });
});
