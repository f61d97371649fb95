import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RemoteDemand } from './demand.ts';
import type { FromWorker } from './messages.ts';

let told: FromWorker[];
let demand: RemoteDemand;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  told = [];
  demand = new RemoteDemand((message) => void told.push(message));
});
afterEach(() => {
  vi.useRealTimers();
});

const wants = (count: number) => Array.from({ length: count }, () => ({ type: 'want', service: 'a/a' }));

it('says once what several calls wait for', async () => {
  const waiting = demand.want('a/a');
  expect(demand.want('a/a')).toBe(waiting);
  demand.settled({ service: 'a/a', quietMs: 0 });
  await waiting;
  expect(told).toEqual(wants(1));
  expect(demand.want('a/a')).toBeDefined();
});

it('does not say again what does not come, for as long as it is told', async () => {
  void demand.want('a/a');
  demand.settled({ service: 'a/a', quietMs: 1000 });
  await vi.advanceTimersByTimeAsync(999);
  expect(demand.want('a/a')).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(demand.want('a/a')).toBeDefined();
  expect(told).toEqual(wants(2));
});

it('does not wait for a main thread that does not answer, nor ask it more', async () => {
  const waiting = demand.want('a/a');
  await vi.advanceTimersByTimeAsync(1200);
  await waiting;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(demand.want('a/a')).toBeUndefined();
  demand.settled({ service: 'a/a', quietMs: 0 });
  expect(demand.want('a/a')).toBeDefined();
  expect(told).toEqual(wants(2));
});

it('remembers a bounded number', () => {
  for (let n = 0; n < 2001; n++) {
    void demand.want(`a/${n}`);
    demand.settled({ service: `a/${n}`, quietMs: 1000 });
  }
  expect(demand.want('a/2000')).toBeUndefined();
  expect(demand.want('a/0')).toBeDefined();
});
