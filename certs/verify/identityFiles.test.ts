import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createIntermediate, createRoot } from '../issue/index.ts';
import { x509 } from '../issue/x509.ts';
import { privateKeyPem } from '../request/index.ts';
import { oddAuthority, oddCertificate, uriName } from '../testing/odd.ts';
import { createTestMesh, testSource, type TestMesh } from '../testing/pki.ts';
import type { Authority } from '../issue/index.ts';
import { readIdentity, type IdentityFiles } from './identityFiles.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';
const HOUR = 3_600_000;

let mesh: TestMesh;
let cart: IdentityFiles;
beforeAll(async () => {
  mesh = await createTestMesh();
  cart = await mesh.workload('shop', 'cart');
});

const now = (): Date => new Date();

function problemOf(
  files: IdentityFiles,
  expected: Parameters<typeof readIdentity>[1] = { now: now() },
): string {
  const result = readIdentity(files, expected);
  return result.ok ? 'none' : `${result.error.code} ${result.error.field}: ${result.error.message}`;
}

const filesOf = (leaf: Authority, ...above: Authority[]): IdentityFiles => ({
  'tls.crt': [leaf, ...above].map(({ certificate }) => String(certificate)).join(''),
  'tls.key': privateKeyPem(leaf.key),
  'ca.crt': mesh.bundle,
});

describe('readIdentity', () => {
  it('accepts what the authority issues, and says what is in it', () => {
    const result = readIdentity(cart, { now: now(), trustDomain: 'cluster.local', spiffeId: CART });
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    expect(result.value.spiffeId).toBe(CART);
    expect(result.value.chain).toHaveLength(2);
    expect(result.value.notAfter.getTime()).toBeGreaterThan(Date.now() + HOUR - 10_000);
    expect(result.value.serial).toMatch(/^[0-9a-f]{20,32}$/);
  });

  it('accepts a bundle of several roots in any order', async () => {
    const other = await createRoot(testSource(), 'cluster.local');
    for (const bundle of [mesh.bundle + String(other.certificate), String(other.certificate) + mesh.bundle])
      expect(problemOf({ ...cart, 'ca.crt': bundle })).toBe('none');
  });

  it.each<[string, Partial<IdentityFiles>, RegExp]>([
    ['an empty certificate', { 'tls.crt': '' }, /^IDENTITY_INVALID tls.crt: .*no PEM certificate/],
    ['half a certificate', { 'tls.crt': '-----BEGIN CERTIFICATE-----\nMIIB' }, /^IDENTITY_INVALID tls.crt/],
    [
      'nonsense in a certificate',
      { 'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      /^IDENTITY_INVALID tls.crt: .*certificate 1 cannot be parsed/,
    ],
    ['no bundle', { 'ca.crt': '' }, /^IDENTITY_INVALID ca.crt/],
    ['no key', { 'tls.key': '' }, /^IDENTITY_INVALID tls.key/],
    ['a huge file', { 'ca.crt': 'x'.repeat(600_000) }, /^IDENTITY_INVALID ca.crt: .*longer than/],
  ])('refuses %s', (_what, change, problem) => {
    expect(problemOf({ ...cart, ...change })).toMatch(problem);
  });

  it('refuses the key of another certificate, and never shows a key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKeyPem(privateKey);
    expect(problemOf({ ...cart, 'tls.key': pem })).toMatch(/^IDENTITY_INVALID tls.key: .*not the key/);
    const broken = pem.replace(/[A-Za-z]{4}\n/, '!!!!\n');
    const result = readIdentity({ ...cart, 'tls.key': broken }, { now: now() });
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result) + String(!result.ok && result.error.stack)).not.toContain(
      pem.slice(60, 90),
    );
  });

  it('refuses what is not valid at the time, leaf and intermediate alike', async () => {
    expect(problemOf(cart, { now: new Date(Date.now() + 2 * HOUR) })).toMatch(/^CERTIFICATE_EXPIRED tls.crt/);
    expect(problemOf(cart, { now: new Date(Date.now() - 2 * HOUR) })).toMatch(/^CERTIFICATE_EXPIRED tls.crt/);
    const intermediate = await createIntermediate(testSource(), {
      trustDomain: 'cluster.local',
      root: mesh.root,
      lifetimeMs: HOUR,
    });
    // issue/ would never let a leaf outlive its issuer; another authority might.
    const leaf = await oddCertificate({
      issuer: intermediate,
      names: [uriName(CART)],
      notAfter: new Date(Date.now() + 9 * HOUR),
    });
    const files = filesOf(leaf, intermediate);
    expect(problemOf(files)).toBe('none');
    expect(problemOf(files, { now: new Date(Date.now() + 2 * HOUR) })).toMatch(
      /^CERTIFICATE_EXPIRED tls.crt \(certificate 2\)/,
    );
  });

  it('refuses a chain that does not lead to the bundle', async () => {
    const other = await createTestMesh();
    expect(problemOf({ ...cart, 'ca.crt': other.bundle })).toMatch(/tls.crt: .*does not chain to a root/);
    const [leaf] = cart['tls.crt'].split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(problemOf({ ...cart, 'tls.crt': leaf! })).toMatch(/does not chain/);
    const mixed = leaf! + String(other.intermediate.certificate);
    expect(problemOf({ ...cart, 'tls.crt': mixed })).toMatch(/certificate 1 is not issued by certificate 2/);
  });

  it('refuses another identity than the expected, and another trust domain', () => {
    const web = { now: now(), spiffeId: 'spiffe://cluster.local/ns/shop/sa/web' };
    expect(problemOf(cart, web)).toMatch(/^IDENTITY_REFUSED tls.crt: .*where .*web belongs/);
    expect(problemOf(cart, { now: now(), trustDomain: 'other' })).toMatch(/^IDENTITY_REFUSED tls.crt/);
  });

  it('refuses a name outside the constraints of the intermediate', async () => {
    const leaf = await oddCertificate({
      issuer: mesh.intermediate,
      names: [uriName('spiffe://other.domain/ns/shop/sa/cart')],
    });
    expect(problemOf(filesOf(leaf, mesh.intermediate))).toMatch(/other.domain is not among the permitted/);
  });

  it('refuses an authority where a leaf belongs, and a leaf where an authority belongs', async () => {
    const self = await oddCertificate({
      issuer: mesh.intermediate,
      bare: true,
      names: [uriName(CART)],
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    expect(problemOf(filesOf(self, mesh.intermediate))).toMatch(/is a certificate authority/);
    const leaf = await oddCertificate({ issuer: mesh.intermediate, names: [uriName(CART)], subject: 'CN=x' });
    const below = await oddCertificate({ issuer: leaf, names: [uriName(CART)] });
    expect(problemOf(filesOf(below, leaf, mesh.intermediate))).toMatch(
      /is not (issued by|a certificate authority)/,
    );
  });

  it('refuses an intermediate below an intermediate', async () => {
    const deeper = await oddAuthority(mesh.intermediate);
    const leaf = await oddCertificate({ issuer: deeper, names: [uriName(CART)] });
    expect(problemOf(filesOf(leaf, deeper, mesh.intermediate))).toMatch(/permits 0 authorities below it/);
  });

  it('refuses a leaf for one side of TLS only, or with a critical extension that nobody knows', async () => {
    const half = await oddCertificate({
      issuer: mesh.intermediate,
      names: [uriName(CART)],
      extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])],
    });
    expect(problemOf(filesOf(half, mesh.intermediate))).toMatch(/not for both sides/);
    const unknown = await oddCertificate({
      issuer: mesh.intermediate,
      names: [uriName(CART)],
      extensions: [new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0))],
    });
    expect(problemOf(filesOf(unknown, mesh.intermediate))).toMatch(/critical extension 1.2.3.4/);
  });

  it('answers to any damage with a coded error', () => {
    const fields = ['tls.crt', 'tls.key', 'ca.crt'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...fields),
        fc.nat(2000),
        fc.string({ maxLength: 3 }),
        (field, at, insert) => {
          const text = cart[field];
          const damaged = text.slice(0, at % text.length) + insert + text.slice((at % text.length) + 2);
          expect(() => readIdentity({ ...cart, [field]: damaged }, { now: now() })).not.toThrow();
        },
      ),
      { numRuns: 300 },
    );
  });
});
