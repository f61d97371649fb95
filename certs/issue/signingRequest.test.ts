import { createPublicKey } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSigningRequest, generateKey, publicKeyDer } from '../request/index.ts';
import { createTestMesh, testSource } from '../testing/pki.ts';
import { readCertificates, spiffeIdOf } from '../verify/index.ts';
import { signLeaf } from './leaf.ts';
import { readSigningRequest } from './signingRequest.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';

describe('signing requests', () => {
  it('lead to a certificate for the key of the asker', async () => {
    const key = await generateKey('P-256');
    const request = await readSigningRequest(createSigningRequest(key, CART));
    if (!request.ok) throw request.error;
    expect(request.value.spiffeId).toBe(CART);
    expect(Buffer.from(request.value.publicKey)).toEqual(Buffer.from(publicKeyDer(key)));
    const { intermediate } = await createTestMesh();
    const leaf = await signLeaf(testSource(), { issuer: intermediate, lifetimeMs: 60_000, ...request.value });
    const [certificate] = readCertificates(leaf.certificatePem, 'tls.crt');
    expect(certificate!.checkPrivateKey(key)).toBe(true);
    expect(certificate!.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(spiffeIdOf(certificate!)).toEqual({ ok: true, value: CART });
  });

  it('are refused with another key than the one that signed', async () => {
    const [own, other] = [await generateKey('P-256'), await generateKey('P-256')];
    const der = Buffer.from(createSigningRequest(own, CART).replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const at = der.indexOf(Buffer.from(publicKeyDer(own)));
    expect(at).toBeGreaterThan(0);
    Buffer.from(publicKeyDer(other)).copy(der, at);
    const result = await readSigningRequest(
      `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
    );
    expect(!result.ok && result.error.message).toMatch(/signature does not fit/);
  });

  it('are refused for another curve or another kind of name', async () => {
    const large = await readSigningRequest(createSigningRequest(await generateKey('P-384'), CART));
    expect(!large.ok && large.error.message).toMatch(/not P-256/);
    const named = await readSigningRequest(
      createSigningRequest(await generateKey('P-256'), 'https://cart.shop/'),
    );
    expect(!named.ok && named.error.code).toBe('IDENTITY_REFUSED');
  });

  it('are answered with a refusal whatever they contain', async () => {
    const good = createSigningRequest(await generateKey('P-256'), CART);
    await fc.assert(
      fc.asyncProperty(fc.nat(600), fc.string({ maxLength: 4 }), async (at, insert) => {
        const result = await readSigningRequest(good.slice(0, at) + insert + good.slice(at + 5));
        expect(result.ok || result.error.code).toBeOneOf([true, 'IDENTITY_REFUSED']);
      }),
      { numRuns: 100 },
    );
    expect((await readSigningRequest('x'.repeat(20_000))).ok).toBe(false);
  });
});
