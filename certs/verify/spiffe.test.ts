import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpiffeId, workloadOf } from './spiffe.ts';

describe('parseSpiffeId', () => {
  it.each([
    ['spiffe://cluster.local/ns/shop/sa/cart', 'cluster.local', '/ns/shop/sa/cart'],
    ['spiffe://a', 'a', ''],
    ['spiffe://a_b.c-d1/X.y_z-0', 'a_b.c-d1', '/X.y_z-0'],
    [`spiffe://${'a'.repeat(255)}/x`, 'a'.repeat(255), '/x'],
  ])('takes %s', (text, trustDomain, path) => {
    expect(parseSpiffeId(text)).toEqual({ ok: true, value: { id: text, trustDomain, path } });
  });

  it.each([
    ['', 'does not start'],
    ['https://cluster.local/x', 'does not start'],
    ['SPIFFE://cluster.local/x', 'does not start'],
    [' spiffe://cluster.local/x', 'does not start'],
    ['spiffe:///x', 'trust domain'],
    ['spiffe://Cluster.local/x', 'trust domain'],
    ['spiffe://user@cluster.local/x', 'trust domain'],
    ['spiffe://cluster.local:8443/x', 'trust domain'],
    [`spiffe://${'a'.repeat(256)}/x`, 'trust domain'],
    ['spiffe://cluster.local/', 'empty segment'],
    ['spiffe://cluster.local/ns//sa', 'empty segment'],
    ['spiffe://cluster.local/ns/shop/', 'empty segment'],
    ['spiffe://cluster.local/ns/../sa', 'dot segment'],
    ['spiffe://cluster.local/./x', 'dot segment'],
    ['spiffe://cluster.local/%6es/shop', 'other than'],
    ['spiffe://cluster.local/ns?x=1', 'other than'],
    ['spiffe://cluster.local/ns#x', 'other than'],
    ['spiffe://cluster.local/ns/caf\u00e9', 'other than'],
    ['spiffe://cluster.local/ns/a\u0000', 'other than'],
    ['spiffe://cluster.local/ns/a\n', 'other than'],
    ['spiffe://cluster.local/ns/a, URI:spiffe://cluster.local/b', 'other than'],
    [`spiffe://cluster.local/${'a'.repeat(2048)}`, 'longer than'],
  ])('refuses %j', (text, reason) => {
    const result = parseSpiffeId(text);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.error.code).toBe('IDENTITY_REFUSED');
    expect(result.error.message).toContain(reason);
    expect(result.error.message.length).toBeLessThan(400);
  });

  it('puts together again what it took apart, and takes nothing with two spellings', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (rest) => {
        const parsed = parseSpiffeId(`spiffe://${rest}`);
        if (!parsed.ok) return;
        const { trustDomain, path, id } = parsed.value;
        expect(`spiffe://${trustDomain}${path}`).toBe(id);
        expect(new URL(id).pathname).toBe(path); // A URL parser changes nothing either.
      }),
      { numRuns: 2000 },
    );
  });
});

describe('workloadOf', () => {
  it('reads namespace and ServiceAccount', () => {
    expect(workloadOf('spiffe://cluster.local/ns/shop/sa/cart.v1')).toEqual({
      trustDomain: 'cluster.local',
      namespace: 'shop',
      serviceAccount: 'cart.v1',
    });
  });

  it.each([
    'spiffe://cluster.local',
    'spiffe://cluster.local/ns/shop',
    'spiffe://cluster.local/ns/shop/sa/cart/more',
    'spiffe://cluster.local/sa/cart/ns/shop',
    'spiffe://cluster.local/x/ns/shop/sa/cart',
    'not an identity',
  ])('knows no workload in %s', (id) => {
    expect(workloadOf(id)).toBeUndefined();
  });
});
