import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, testSource, type TestMesh } from '../testing/pki.ts';
import { oddCertificate, uriName } from '../testing/odd.ts';
import { extension, extensionsOf, readCertificates, subjectKeyId } from '../verify/index.ts';
import { createRoot, createServingAuthority, type Authority } from './authority.ts';
import { bundleId, bundlePem } from './bundle.ts';
import { issueLeaf, issueServing } from './leaf.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';
const HOOK = 'weft-webhook.weft-system.svc';

let mesh: TestMesh;
let serving: Authority;
let directory: string;
beforeAll(async () => {
  mesh = await createTestMesh();
  serving = await createServingAuthority(testSource(), [HOOK]);
  directory = mkdtempSync(join(tmpdir(), 'weft-certs-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const leafOf = async (id = CART): Promise<X509Certificate> => {
  const leaf = await issueLeaf(testSource(), { issuer: mesh.intermediate, spiffeId: id, lifetimeMs: 60_000 });
  return readCertificates(leaf.certificatePem, 'tls.crt')[0]!;
};

describe('a leaf', () => {
  it('has one critical name, no subject, a P-256 key and nothing of an authority', async () => {
    const leaf = await leafOf();
    expect(leaf.subject || '').toBe('');
    expect(leaf.ca).toBe(false);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    const extensions = extensionsOf(leaf.raw);
    expect(extensions.get(extension.subjectAltName)?.critical).toBe(true);
    expect(extensions.get(extension.keyUsage)?.critical).toBe(true);
    expect(extensions.get(extension.basicConstraints)?.critical).toBe(true);
    expect([...extensions.keys()].sort()).toEqual(
      [
        extension.authorityKeyIdentifier,
        extension.basicConstraints,
        extension.extendedKeyUsage,
        extension.keyUsage,
        extension.subjectAltName,
        extension.subjectKeyIdentifier,
      ].sort(),
    );
  });

  it('names its issuer by key', async () => {
    const leaf = await leafOf();
    const issuerKey = subjectKeyId(mesh.intermediate.certificate.raw)!;
    const found = extensionsOf(leaf.raw).get(extension.authorityKeyIdentifier)!;
    expect(Buffer.from(found.value).toString('hex')).toContain(issuerKey);
    expect(subjectKeyId(leaf.raw)).not.toBe(issuerKey);
  });

  it('has a serial of the randomness that was handed in', async () => {
    const source = { ...testSource(), random: (size: number) => new Uint8Array(size).fill(0xab) };
    const leaf = await issueLeaf(source, { issuer: mesh.intermediate, spiffeId: CART, lifetimeMs: 60_000 });
    expect(leaf.serial).toBe('ab'.repeat(16));
    expect((await leafOf()).serialNumber).not.toBe((await leafOf()).serialNumber);
  });

  it('never outlives its intermediate', async () => {
    const short = await createTestMesh({ intermediateLifetimeMs: 120_000 });
    const leaf = await issueLeaf(testSource(), {
      issuer: short.intermediate,
      spiffeId: CART,
      lifetimeMs: 3_600_000,
    });
    expect(leaf.notAfter).toEqual(short.intermediate.certificate.validToDate);
  });

  it('is not made for what is no SPIFFE ID', async () => {
    await expect(leafOf('spiffe://cluster.local/ns/../sa')).rejects.toThrow(/dot segment/);
  });
});

describe('an authority', () => {
  it('is not made for what is no trust domain', async () => {
    await expect(createRoot(testSource(), 'Not A Domain')).rejects.toThrow(RangeError);
  });

  it('differs in name from its successor', async () => {
    const next = await createTestMesh();
    expect(next.root.certificate.subject).not.toBe(mesh.root.certificate.subject);
    expect(next.intermediate.certificate.subject).not.toBe(mesh.intermediate.certificate.subject);
  });
});

describe('a bundle', () => {
  it('holds each root once, in order, and none that is expired', async () => {
    const now = new Date();
    const old = await createRoot(testSource(new Date('2010-01-01T00:00:00Z')), 'cluster.local');
    const other = await createRoot(testSource(), 'cluster.local');
    const roots = [mesh.root, old, other, mesh.root].map(({ certificate }) => certificate);
    expect(bundlePem(roots, now)).toBe(String(mesh.root.certificate) + String(other.certificate));
    expect(bundleId(bundlePem(roots, now))).toMatch(/^[0-9a-f]{32}$/);
    expect(bundleId('a')).not.toBe(bundleId('b'));
  });
});

/** Judgement of the `openssl` program: another implementation than the one that made them. */
function openssl(leaf: string, roots: string, above = ''): string {
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const untrusted = above === '' ? [] : ['-untrusted', file('above.pem', above)];
  const given = ['verify', '-x509_strict', '-CAfile', file('roots.pem', roots), ...untrusted];
  const { stdout, stderr } = spawnSync('openssl', [...given, file('leaf.pem', leaf)], { encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.runIf(hasOpenssl)('judged by openssl, strictly', () => {
  const above = (): string => String(mesh.intermediate.certificate);

  it('a leaf is good', async () => {
    expect(openssl(String(await leafOf()), mesh.bundle, above())).toMatch(/: OK/);
  });

  it.each([
    ['another trust domain', [uriName('spiffe://other.domain/ns/shop/sa/cart')]],
    ['a domain below the trust domain', [uriName('spiffe://sub.cluster.local/ns/shop/sa/cart')]],
    ['a DNS name', [{ type: 'dns' as const, value: 'kubernetes.default.svc' }]],
    ['an IPv4 address', [{ type: 'ip' as const, value: '10.96.0.1' }]],
    ['an IPv6 address', [{ type: 'ip' as const, value: '2001:db8::1' }]],
    ['a mail name', [{ type: 'email' as const, value: 'root@example.com' }]],
    ['a second name', [uriName(CART), { type: 'dns' as const, value: 'cart.shop' }]],
  ])('the intermediate cannot certify %s', async (_what, names) => {
    const { certificate } = await oddCertificate({ issuer: mesh.intermediate, names });
    expect(openssl(String(certificate), mesh.bundle, above())).toMatch(
      /(permitted|excluded) subtree violation/,
    );
  });

  it('the serving authority certifies the webhook, and no other name', async () => {
    const roots = String(serving.certificate);
    const good = await issueServing(testSource(), {
      issuer: serving,
      dnsNames: [HOOK],
      lifetimeMs: 60_000,
    });
    expect(openssl(good.certificatePem, roots)).toMatch(/: OK/);
    for (const names of [
      [{ type: 'dns' as const, value: 'kubernetes.default.svc' }],
      [{ type: 'ip' as const, value: '10.96.0.1' }],
      [{ type: 'email' as const, value: 'root@example.com' }],
      [uriName(CART)],
    ]) {
      const { certificate } = await oddCertificate({ issuer: serving, names });
      expect(openssl(String(certificate), roots)).toMatch(/(permitted|excluded) subtree violation/);
    }
  });
});
