import { beforeAll, describe, expect, it } from 'vitest';
import { oddCertificate, uriName } from '../testing/odd.ts';
import { createTestMesh, type TestMesh } from '../testing/pki.ts';
import type { x509 } from '../issue/x509.ts';
import { inTrustDomain, peerIdentity, spiffeIdOf } from './identity.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await createTestMesh();
});

async function identityOf(names?: x509.JsonGeneralNames, subject = ''): Promise<string> {
  const { certificate } = await oddCertificate({
    issuer: mesh.intermediate,
    subject,
    ...(names ? { names } : {}),
  });
  const result = spiffeIdOf(certificate);
  return result.ok ? result.value : `${result.error.code} ${result.error.message}`;
}

describe('spiffeIdOf', () => {
  it('gives the one URI name', async () => {
    expect(await identityOf([uriName(CART)])).toBe(CART);
  });

  it.each<[string, x509.JsonGeneralNames | undefined]>([
    ['no subjectAltName', undefined],
    ['an empty subjectAltName', []],
    ['two URIs', [uriName(CART), uriName('spiffe://cluster.local/ns/shop/sa/web')]],
    ['the same URI twice', [uriName(CART), uriName(CART)]],
    ['a DNS name beside the URI', [uriName(CART), { type: 'dns', value: 'cart.shop' }]],
    ['an address beside the URI', [uriName(CART), { type: 'ip', value: '10.0.0.1' }]],
    ['a mail name beside the URI', [{ type: 'email', value: 'a@b.c' }, uriName(CART)]],
    ['only a DNS name', [{ type: 'dns', value: CART }]],
    ['a URI that is not a SPIFFE ID', [uriName('https://cluster.local/ns/shop/sa/cart')]],
    ['a URI that looks like a list of names', [uriName(`${CART}, DNS:cart.shop`)]],
    ['a quoted URI', [uriName(`"${CART}"`)]],
    ['a URI with a zero byte', [uriName(`${CART}\0.evil`)]],
  ])('refuses %s', async (_what, names) => {
    expect(await identityOf(names)).toMatch(/^IDENTITY_REFUSED /);
  });

  it('takes nothing from the subject', async () => {
    expect(await identityOf(undefined, `CN=${CART}`)).toMatch(/^IDENTITY_REFUSED .*no subjectAltName/);
  });

  it('answers to broken bytes with a refusal, not an exception', async () => {
    const { certificate } = await oddCertificate({ issuer: mesh.intermediate, names: [uriName(CART)] });
    for (let length = 0; length < certificate.raw.length; length += 7)
      expect(spiffeIdOf(new Uint8Array(certificate.raw.subarray(0, length))).ok).toBe(false);
    for (let at = 0; at < certificate.raw.length; at += 3) {
      const changed = new Uint8Array(certificate.raw);
      changed[at] = changed[at]! ^ 0xff;
      expect(() => spiffeIdOf(changed)).not.toThrow();
    }
  });
});

describe('peerIdentity', () => {
  it('refuses a connection whose chain OpenSSL did not accept', async () => {
    const { certificate } = await oddCertificate({ issuer: mesh.intermediate, names: [uriName(CART)] });
    const socket = {
      authorized: false,
      authorizationError: new Error('self-signed certificate'),
      getPeerX509Certificate: () => certificate,
    };
    const result = peerIdentity(socket);
    expect(!result.ok && result.error.message).toContain('self-signed certificate');
    expect(peerIdentity({ ...socket, authorized: true }, 'cluster.local')).toEqual({ ok: true, value: CART });
    const foreign = peerIdentity({ ...socket, authorized: true }, 'other.domain');
    expect(!foreign.ok && foreign.error.code).toBe('IDENTITY_REFUSED');
  });

  it('refuses a peer without a certificate', () => {
    const result = peerIdentity({ authorized: true, getPeerX509Certificate: () => undefined });
    expect(!result.ok && result.error.message).toContain('no certificate');
  });
});

describe('inTrustDomain', () => {
  it('is not fooled by a common beginning', () => {
    expect(inTrustDomain('spiffe://cluster.local/x', 'cluster.local')).toBe(true);
    expect(inTrustDomain('spiffe://cluster.local.evil/x', 'cluster.local')).toBe(false);
    expect(inTrustDomain('spiffe://cluster.local', 'cluster.local')).toBe(true);
  });
});
