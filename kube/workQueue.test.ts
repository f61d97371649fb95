import { describe, expect, it } from 'vitest';
import { ManualClock, settle } from './testing/manualClock.ts';
import { WorkQueue, type Outcome, type WorkQueueOptions } from './workQueue.ts';

interface Run {
  key: string;
  finish: (outcome?: Outcome) => void;
  fail: (message: string) => void;
  signal: AbortSignal;
}

/** A queue whose work begins and ends as the test says. */
function harness(options: Partial<WorkQueueOptions> = {}) {
  const clock = new ManualClock();
  const runs: Run[] = [];
  const queue = new WorkQueue({
    clock,
    random: () => 1,
    process: (key, signal) =>
      new Promise<Outcome>((resolve, reject) => {
        runs.push({ key, signal, finish: resolve, fail: (message) => reject(new Error(message)) });
      }),
    ...options,
  });
  const keys = (): string[] => runs.map(({ key }) => key);
  return { clock, runs, queue, keys };
}

describe('WorkQueue', () => {
  it('works once on a key that was added many times before its turn', async () => {
    const { queue, keys } = harness();
    for (const key of ['a', 'a', 'b', 'a']) queue.add(key);
    expect(queue.depth).toBe(2);
    await settle();
    expect(keys()).toEqual(['a', 'b']);
    expect(queue.depth).toBe(0);
  });

  it('works once more on a key that was added while it was worked on, and not beside it', async () => {
    const { queue, runs, keys } = harness();
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('a');
    await settle();
    expect(keys()).toEqual(['a']);
    runs[0]!.finish();
    await settle();
    expect(keys()).toEqual(['a', 'a']);
    runs[1]!.finish();
    await settle();
    expect(keys()).toEqual(['a', 'a']);
    expect(queue.isIdle).toBe(true);
  });

  it('works on no more keys at a time than it may, in the order in which they came', async () => {
    const { queue, runs, keys } = harness({ concurrency: 2 });
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await settle();
    expect(keys()).toEqual(['a', 'b']);
    runs[1]!.finish();
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c']);
  });

  it('retries after growing delays, and from the shortest again after a success', async () => {
    const delays: number[] = [];
    const errors: string[] = [];
    const { queue, clock, runs } = harness({
      backoff: { baseMs: 100, maxMs: 400 },
      metrics: { retried: (_, ms) => delays.push(ms) },
      onError: (key, error) => errors.push(`${key} ${error.message}`),
    });
    queue.add('a');
    for (let n = 0; n < 4; n++) {
      await clock.run(400);
      runs.at(-1)!.fail('no');
    }
    await clock.run(400);
    expect(delays).toEqual([100, 200, 400, 400]);
    expect(errors).toEqual(Array(4).fill('a no'));
    runs.at(-1)!.finish();
    await clock.run(1000);
    expect(runs).toHaveLength(5);
    queue.add('a');
    await settle();
    runs.at(-1)!.fail('again');
    await settle();
    expect(delays.at(-1)).toBe(100);
  });

  it('spreads the retries of many keys by one budget', async () => {
    const delays: number[] = [];
    const { queue, clock } = harness({
      concurrency: 10,
      backoff: { baseMs: 2, maxMs: 2 },
      retryRate: { perSecond: 10, burst: 2 },
      metrics: { retried: (_, ms) => delays.push(ms) },
      process: () => Promise.reject(new Error('no')),
    });
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await clock.run(0);
    expect(delays).toEqual([2, 2, 100, 200]);
  });

  it('looks again after the time that the work asks for, and at the earliest of several', async () => {
    const { queue, clock, runs } = harness();
    queue.add('a');
    await settle();
    runs[0]!.finish({ requeueAfterMs: 1000 });
    await settle();
    queue.addAfter('a', 5000);
    queue.addAfter('a', 300);
    await clock.run(299);
    expect(runs).toHaveLength(1);
    await clock.run(1);
    expect(runs).toHaveLength(2);
    runs[1]!.finish();
    await clock.run(10_000);
    expect(runs).toHaveLength(2);
  });

  it('drains at shutdown: due work is done, delayed and new keys are not taken', async () => {
    const { queue, clock, runs, keys } = harness({ concurrency: 1 });
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    await settle();
    let down = false;
    const shutdown = queue.shutdown(1000).then(() => (down = true));
    queue.add('d');
    runs[0]!.fail('not retried');
    await clock.run(500);
    expect(keys()).toEqual(['a', 'b']);
    expect(down).toBe(false);
    runs[1]!.finish();
    await shutdown;
    expect(clock.pending).toBe(0);
    expect(keys()).toEqual(['a', 'b']);
  });

  it('aborts running work and drops the rest when a shutdown takes too long', async () => {
    const { queue, clock, runs, keys } = harness({ concurrency: 1 });
    queue.add('a');
    queue.add('b');
    await settle();
    const shutdown = queue.shutdown(1000);
    await clock.run(999);
    expect(runs[0]!.signal.aborted).toBe(false);
    await clock.run(1);
    expect(runs[0]!.signal.aborted).toBe(true);
    runs[0]!.fail('aborted');
    await shutdown;
    expect(keys()).toEqual(['a']);
  });

  it('survives a process that throws at once', async () => {
    const errors: string[] = [];
    const { queue, clock } = harness({
      process: () => {
        throw new Error('bug');
      },
      onError: (_, error) => errors.push(error.message),
    });
    queue.add('a');
    await clock.run(10);
    expect(errors).toEqual(['bug']);
  });

  it('tells how long keys waited and how long work took', async () => {
    const waited: number[] = [];
    const worked: [number, boolean][] = [];
    const depths: number[] = [];
    const { queue, clock, runs } = harness({
      concurrency: 1,
      metrics: {
        waited: (ms) => waited.push(ms),
        worked: (ms, ok) => worked.push([ms, ok]),
        depth: (depth) => depths.push(depth),
      },
    });
    queue.add('a');
    queue.add('b');
    await settle();
    await clock.run(30);
    runs[0]!.finish();
    await settle();
    await clock.run(5);
    runs[1]!.fail('no');
    await settle();
    expect(waited).toEqual([0, 30]);
    expect(worked).toEqual([
      [30, true],
      [5, false],
    ]);
    expect(depths).toEqual([1, 2, 1, 0]);
  });
});
