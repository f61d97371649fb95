import { expect, test } from 'vitest';
import { Tracker, type Observation } from './tracker.ts';

/** Readiness of one endpoint of `shop/cart` in each proxy; undefined: it does not hold the service. */
function trackerOf(states: (boolean | undefined)[]) {
  const seen: Observation[] = [];
  const tracker = new Tracker(
    (proxy, service) => (service === 'shop/cart' ? states[proxy] : undefined),
    (observation) => seen.push(observation),
  );
  return { tracker, seen, states };
}
const change = { id: 1, service: 'shop/cart', address: '10.0.0.1', ready: false };

test('a change is over when every proxy that holds the service has it in force', () => {
  const { tracker, seen, states } = trackerOf([true, undefined, true]);
  expect(tracker.expect(change, 3)).toBe(2);
  tracker.swapped(0, 100);
  states[0] = false;
  tracker.swapped(0, 110);
  tracker.swapped(1, 120);
  tracker.swapped(0, 130);
  expect(seen).toEqual([]);
  states[2] = false;
  tracker.swapped(2, 140);
  expect(seen).toEqual([{ id: 1, expected: 2, at: [110, 140] }]);
});

test('what is given up is told as far as it was seen', () => {
  const { tracker, seen, states } = trackerOf([true, true]);
  tracker.expect(change, 2);
  states[1] = false;
  tracker.swapped(1, 100);
  tracker.forget(1);
  expect(seen).toEqual([{ id: 1, expected: 2, at: [100] }]);
  tracker.swapped(0, 200);
  expect(seen).toHaveLength(1);
});

test('nobody is waited for where nobody holds the service', () => {
  const { tracker, seen } = trackerOf([undefined]);
  expect(tracker.expect(change, 1)).toBe(0);
  tracker.forget(1);
  expect(seen).toEqual([]);
});
