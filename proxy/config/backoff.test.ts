import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IdentityState, Log } from '../context.ts';
import { Backoff } from './backoff.ts';
import { ConfigCore } from './core.ts';
import { LiveValue } from './live.ts';
import { StreamClient } from './streamClient.ts';
import type { SessionEnd } from './streamSession.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const identity = new LiveValue<IdentityState>();
identity.set({} as IdentityState);

/** Each stream is taken at once; `taken` may end it. */
const clientOf = (taken: (session: { end: (end: SessionEnd) => void }) => void, random = 0) =>
  new StreamClient({
    address: { host: 'operator', port: 1 },
    identity,
    operatorId: 'x',
    core: new ConfigCore({ log }),
    report: () => ({}) as never,
    log,
    random: () => random,
    open: async ({ onOpen, onEnd }) => {
      const session = { peer: 'operator', send() {}, close() {} };
      setTimeout(() => {
        onOpen(session);
        taken({ end: (end) => onEnd(session, end) });
      });
      return session;
    },
  });

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

  it('grow where each stream ends right after it began, be it orderly', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    const attempts: number[] = [];
    const startedAt = performance.now();
    const client = clientOf((session) => {
      attempts.push(Math.round((performance.now() - startedAt) / 100) / 10);
      setTimeout(() => session.end({ orderly: true, problem: 'it goes' }), 1);
    });
    await vi.advanceTimersByTimeAsync(10_000);
    client.stop();
    expect(attempts).toEqual([0, 0.5, 1.5, 3.5, 6.5, 9.5]);
  });

  it('before a stream with a new certificate are spread, while that one before works', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    let streams = 0;
    const client = clientOf(() => (streams += 1), 0.5);
    await vi.advanceTimersByTimeAsync(1);
    identity.set({} as IdentityState);
    await vi.advanceTimersByTimeAsync(2400);
    expect([streams, client.state.connected]).toEqual([1, true]);
    await vi.advanceTimersByTimeAsync(200);
    expect([streams, client.state.connections]).toEqual([2, 2]);
    client.stop();
  });
});
