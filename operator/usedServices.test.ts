import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Availability } from '../core/compile/index.ts';
import { MAX_USED } from '../core/control/index.ts';
import { UsedServices, type Asked } from './usedServices.ts';

const CART = 'deployment/shop/cart';
const many = (count: number, namespace = 'bank'): string[] =>
  Array.from({ length: count }, (_, index) => `${namespace}/s${index}`);
const available: Asked['availability'] = () => 'Available';
const ask = (used: UsedServices, services: string[], availability = available) =>
  Object.fromEntries(used.ask(CART, { namespace: 'shop', services, availability }));

it('takes what may be had, says why not of the rest, and remembers only other namespaces', () => {
  const used = new UsedServices();
  const states: Record<string, Availability> = { 'bank/hidden': 'Hidden', 'bank/none': 'Unknown' };
  const services = ['bank/ledger', 'bank/hidden', 'bank/none', 'shop/web'];
  const answers = used.ask(CART, {
    namespace: 'shop',
    services,
    availability: (_namespace, service) => states[service] ?? 'Available',
  });
  expect(Object.fromEntries(answers)).toEqual({
    'bank/ledger': 'Available',
    'bank/hidden': 'SERVICE_HIDDEN',
    'bank/none': 'SERVICE_UNKNOWN',
    'shop/web': 'Available',
  });
  expect([...used.of(CART)]).toEqual(['bank/ledger']);
});

it('is another set only where something is new', () => {
  const used = new UsedServices();
  ask(used, ['bank/ledger']);
  const before = used.of(CART);
  ask(used, ['bank/ledger', 'shop/web']);
  expect(used.of(CART)).toBe(before);
  expect(used.remember(CART, ['bank/ledger'])).toBe(false);
  expect(used.of(CART)).toBe(before);
  expect(used.remember(CART, ['bank/rates'])).toBe(true);
  expect([...used.of(CART)]).toEqual(['bank/ledger', 'bank/rates']);
});

it('takes no more than a workload may have, and what is gone makes room', () => {
  const used = new UsedServices();
  used.remember(CART, many(MAX_USED + 10));
  expect(used.of(CART).size).toBe(MAX_USED);
  expect(ask(used, ['bank/one-more', 'bank/s3'])).toEqual({
    'bank/one-more': 'ASK_LIMIT',
    'bank/s3': 'Available',
  });
  const gone = (_namespace: string, service: string): Availability =>
    service === 'bank/s7' ? 'Unknown' : 'Available';
  expect(ask(used, ['bank/one-more', 'bank/another'], gone)).toEqual({
    'bank/one-more': 'Available',
    'bank/another': 'ASK_LIMIT',
  });
  expect([used.of(CART).has('bank/s7'), used.of(CART).has('bank/one-more')]).toEqual([false, true]);
});

it('stays within its bound and keeps what it said is available, whatever is asked', () => {
  const service = fc.integer({ min: 0, max: 1_500 }).map((index) => `bank/s${index}`);
  const property = fc.property(fc.array(fc.array(service, { maxLength: 64 }), { maxLength: 60 }), (asks) => {
    const used = new UsedServices();
    used.remember(CART, many(MAX_USED - 20));
    return asks.every((services) => {
      const answers = ask(used, services);
      return (
        used.of(CART).size <= MAX_USED &&
        services.every((one) => used.of(CART).has(one) === (answers[one] === 'Available'))
      );
    });
  });
  expect(fc.check(property)).toMatchObject({ failed: false, counterexample: null });
});
