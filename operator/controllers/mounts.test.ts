import { expect, it } from 'vitest';
import { podModel } from '../testing/model.ts';
import { mounts } from './refresh.ts';

it.each([
  ['runs', {}, true],
  ['waits for its files', { phase: 'Pending', proxy: { wires: [], started: false } }, true],
  ['is on its way out', { terminating: true }, false],
  ['has ended', { phase: 'Succeeded' }, false],
])('a pod that %s', (_what, fields, expected) => {
  expect(mounts(podModel('a', fields))).toBe(expected);
});

it('a pod that has no node, or no proxy, mounts nothing', () => {
  const { node: _node, ...unscheduled } = podModel('a');
  const { proxy: _proxy, ...bare } = podModel('a');
  expect([mounts(unscheduled), mounts(bare)]).toEqual([false, false]);
});
