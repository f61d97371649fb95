import { expect, it } from 'vitest';
import { leadershipOf } from './leadership.ts';

it.each([
  ['this pod', 'op-1/10.0.0.7:15010', true, { leading: true, pod: 'op-1', address: '10.0.0.7:15010' }],
  ['another', 'op-2/10.0.0.8:15010', false, { leading: false, pod: 'op-2', address: '10.0.0.8:15010' }],
  ['this pod, before it was started anew', 'op-1/10.0.0.7:15010', false, { leading: false }],
  ['nobody', undefined, false, { leading: false }],
] as const)('the lease is held by %s', (...[, holder, leading, expected]) => {
  expect(leadershipOf(holder, { pod: 'op-1', leading })).toEqual(expected);
});
