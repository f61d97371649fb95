import { describe, expect, it } from 'vitest';
import { meshPolicy, podModel } from '../testing/model.ts';
import { mtlsConflicts } from './conflicts.ts';

describe('policies that contradict each other', () => {
  const older = meshPolicy('a', { mtls: { mode: 'Strict' } });
  const younger = meshPolicy(
    'b',
    { mtls: { mode: 'Permissive' } },
    { creationTimestamp: '2026-02-01T00:00:00Z' },
  );
  const pods = [podModel('cart-1')];
  const conflicts = (policies: Parameters<typeof mtlsConflicts>[0]) =>
    Object.fromEntries(mtlsConflicts(policies, pods, 'weft-system'));

  it('the older of two equals wins, in whatever order they come', () => {
    const expected = { 'shop/b': 'mTLS mode: MeshPolicy shop/a is older and decides Strict' };
    expect(conflicts([older, younger])).toEqual(expected);
    expect(conflicts([younger, older])).toEqual(expected);
  });

  it.each([
    ['they agree', meshPolicy('b', { mtls: { mode: 'Strict' } })],
    [
      'one is more specific',
      meshPolicy('b', { mtls: { mode: 'Permissive' }, selector: { matchLabels: { app: 'cart' } } }),
    ],
    ['one is inert', meshPolicy('b', { mtls: { mode: 'Permissive' }, mode: 'Shadow' })],
    ['one says nothing of mTLS', meshPolicy('b', { authorization: { default: 'Deny' } })],
    ['they speak of different ports', meshPolicy('b', { mtls: { ports: { '9000': 'Permissive' } } })],
  ])('not where %s', (_what, other) => {
    expect(conflicts([older, other])).toEqual({});
  });

  it('by port too', () => {
    const ports = (name: string, mode: 'Strict' | 'Permissive') =>
      meshPolicy(name, { mtls: { ports: { '9000': mode } } });
    expect(conflicts([ports('a', 'Strict'), ports('b', 'Permissive')])).toEqual({
      'shop/b': 'mTLS mode of port 9000: MeshPolicy shop/a is older and decides Strict',
    });
  });
});
