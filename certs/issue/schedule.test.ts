import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestMesh, repeatedKeys, testSource } from '../testing/pki.ts';
import { readCertificates } from '../verify/index.ts';
import { issueLeaf } from './leaf.ts';
import { renewalTime, validityFor } from './schedule.ts';

const MINUTE = 60_000;
const now = new Date('2026-11-21T12:00:00Z');

describe('validityFor', () => {
  it.each([
    [24 * 60 * MINUTE, MINUTE],
    [4 * MINUTE, MINUTE],
    [2 * MINUTE, MINUTE / 2],
  ])('backdates a life of %i ms by %i ms', (lifetime, backdate) => {
    const { notBefore, notAfter } = validityFor(now, lifetime);
    expect(now.getTime() - notBefore.getTime()).toBe(backdate);
    expect(notAfter.getTime() - now.getTime()).toBe(lifetime);
  });

  it('never leaves the issuer behind, on either end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(1e8), fc.nat(1e8), (lifetime, before, after) => {
        const issuer = {
          notBefore: new Date(now.getTime() - before),
          notAfter: new Date(now.getTime() + after),
        };
        const validity = validityFor(now, lifetime, issuer);
        expect(validity.notBefore >= issuer.notBefore).toBe(true);
        expect(validity.notAfter <= issuer.notAfter).toBe(true);
        expect(validity.notBefore <= now).toBe(true);
      }),
    );
  });
});

describe('renewalTime', () => {
  it('lies around half of the life, differs between certificates and is always the same for one', async () => {
    const mesh = await createTestMesh({ now });
    const source = { ...testSource(now), generateKey: repeatedKeys() };
    const parts = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const leaf = await issueLeaf(source, {
        issuer: mesh.intermediate,
        spiffeId: 'spiffe://cluster.local/ns/shop/sa/cart',
        lifetimeMs: 2 * MINUTE,
      });
      const [certificate] = readCertificates(leaf.certificatePem, 'tls.crt');
      expect(renewalTime(certificate!)).toEqual(leaf.renewAt);
      const part =
        (leaf.renewAt.getTime() - leaf.notBefore.getTime()) /
        (leaf.notAfter.getTime() - leaf.notBefore.getTime());
      expect(part).toBeGreaterThanOrEqual(0.45);
      expect(part).toBeLessThanOrEqual(0.55);
      // With two minutes, four renewals within six minutes are certain.
      expect(leaf.renewAt.getTime() - now.getTime()).toBeLessThan(90_000);
      expect(leaf.renewAt.getTime() - now.getTime()).toBeGreaterThan(20_000);
      parts.add(part);
    }
    expect(parts.size).toBeGreaterThan(30);
  });
});
