import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { ASK_RATE, AskBudget, Asks, FLOOD } from './asks.ts';
import { TestSource } from './testing/source.ts';

const workload = 'deployment/shop/cart';
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `bank/s${index}`);
let clock: ManualClock;
let source: TestSource;
let asks: Asks;

beforeEach(() => {
  clock = new ManualClock();
  source = new TestSource();
  source.set('cart', {});
  asks = new Asks({ workload, source, budget: new AskBudget(clock) });
});

const outcomes = (services: string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const outcome of asks.ask(services)?.values() ?? []) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
};

describe('asks', () => {
  it('pass in a burst, then at a rate, and say so of the rest', () => {
    expect(outcomes(names(ASK_RATE.burst + 7))).toEqual({ Available: ASK_RATE.burst, ASK_LIMIT: 7 });
    clock.advance(1_000);
    expect(outcomes(names(64))).toEqual({
      Available: ASK_RATE.perSecond,
      ASK_LIMIT: 64 - ASK_RATE.perSecond,
    });
    clock.advance(60_000);
    expect(outcomes(names(64))).toEqual({ Available: 64 });
  });

  it('end the stream where refusals are not heeded, counted by the minute', () => {
    const flood = names(ASK_RATE.burst + FLOOD - 1);
    expect(outcomes(flood)['ASK_LIMIT']).toBe(FLOOD - 1);
    clock.advance(60_000);
    expect(outcomes(flood)['ASK_LIMIT']).toBe(FLOOD - 1);
    expect(() => asks.ask(['bank/more'])).toThrow(/beyond the limit/);
  });

  it('are not answered while the workload has no document', () => {
    const other = new Asks({ workload: 'deployment/shop/new', source, budget: new AskBudget(clock) });
    expect(other.ask(['bank/a'])).toBeUndefined();
    expect(source.usedBy('deployment/shop/new').size).toBe(0);
  });
});
