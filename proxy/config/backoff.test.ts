import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IdentityState, Log } from '../context.ts';
import { Backoff } from './backoff.ts';
import { ConfigCore } from './core.ts';
import { LiveValue } from './live.ts';
import { StreamClient } from './streamClient.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('pauses between attempts', () => {
  it.each([0.5, 1])('grow to a bound and are never the same for all, with %s left to chance', (jitter) => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 12 }), (randoms) => {
        let i = 0;
        const random = () => randoms[i++ % randoms.length]!;
        const backoff = new Backoff({ minMs: 200, maxMs: 15_000, random, jitter });
        for (let n = 0; n < 40; n++) {
          const full = Math.min(15_000, 200 * 2 ** n);
          const pause = backoff.next();
          expect(pause).toBeGreaterThanOrEqual(full * (1 - jitter));
          expect(pause).toBeLessThanOrEqual(full);
        }
        expect(backoff.next(100)).toBeLessThanOrEqual(100);
        backoff.reset();
        expect(backoff.next()).toBeLessThanOrEqual(200);
      }),
    );
  });

  it('of the stream are short for a while after it was lost, since an operator that restarts is back soon', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
    const identity = new LiveValue<IdentityState>();
    identity.set({} as IdentityState);
    const attempts: number[] = [];
    const startedAt = performance.now();
    const client = new StreamClient({
      address: { host: 'operator', port: 1 },
      identity,
      operatorId: 'x',
      core: new ConfigCore({ log }),
      report: () => ({}) as never,
      log,
      random: () => 0,
      open: () => {
        attempts.push(Math.round((performance.now() - startedAt) / 100) / 10);
        return Promise.reject(new Error('nobody is there'));
      },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    client.stop();
    expect(attempts).toEqual([0, 0.5, 1.5, 3.5, 6.5, 9.5, 12.5, 15.5, 30.5, 45.5]);
  });
});
