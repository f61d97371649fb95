import type { KeyObject, X509Certificate } from 'node:crypto';
import { publicKeyDer, type KeySource } from '../request/index.ts';
import { isTrustDomain } from '../verify/index.ts';
import { identityConstraints, servingConstraints } from './constraints.ts';
import { validityFor, validityOf } from './schedule.ts';
import { signCertificate, x509, type RandomBytes } from './x509.ts';

/** A certificate that may sign others, with its key. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  /** What lies between it and its root, nearest first; for an authority that somebody else made. */
  readonly above?: readonly X509Certificate[];
}

/** What is handed in so that tests decide it. */
export interface Source {
  readonly now: Date;
  readonly random: RandomBytes;
  readonly generateKey: KeySource;
}

const DAY_MS = 24 * 60 * 60 * 1000;
export const ROOT_LIFETIME_MS = 3650 * DAY_MS;
export const INTERMEDIATE_LIFETIME_MS = 90 * DAY_MS;
export const SERVING_AUTHORITY_LIFETIME_MS = 365 * DAY_MS;

/** A self-signed root that one intermediate may follow. P-384: it outlives everything below it. */
export async function createRoot(source: Source, trustDomain: string): Promise<Authority> {
  requireTrustDomain(trustDomain);
  const key = await source.generateKey('P-384');
  const name = commonName(`Weft root of ${trustDomain}`, source.random);
  const certificate = await signCertificate({
    publicKey: publicKeyDer(key),
    subject: name,
    signer: { key, name },
    ...validityFor(source.now, ROOT_LIFETIME_MS),
    extensions: authorityExtensions(1),
    random: source.random,
  });
  return { certificate, key };
}

export interface IntermediateOptions {
  readonly trustDomain: string;
  readonly root: Authority;
  readonly lifetimeMs?: number;
}

/** What issues leaves; constrained to the trust domain's URIs, so that its key is worth nothing for anything else. */
export async function createIntermediate(source: Source, options: IntermediateOptions): Promise<Authority> {
  const { trustDomain, root, lifetimeMs = INTERMEDIATE_LIFETIME_MS } = options;
  requireTrustDomain(trustDomain);
  const key = await source.generateKey('P-256');
  const certificate = await signCertificate({
    publicKey: publicKeyDer(key),
    subject: commonName(`Weft issuer of ${trustDomain}`, source.random),
    signer: signerOf(root),
    ...validityFor(source.now, lifetimeMs, validityOf(root.certificate)),
    extensions: [...authorityExtensions(0), identityConstraints(trustDomain)],
    random: source.random,
  });
  return { certificate, key };
}

/**
 * A root of its own for the webhook. The intermediate may not certify DNS names and the API server needs one; and what
 * the API server trusts for the webhook must not be what workloads trust for each other.
 */
export async function createServingAuthority(
  source: Source,
  dnsNames: readonly string[],
  lifetimeMs = SERVING_AUTHORITY_LIFETIME_MS,
): Promise<Authority> {
  const key = await source.generateKey('P-256');
  const name = commonName('Weft webhook authority', source.random);
  const certificate = await signCertificate({
    publicKey: publicKeyDer(key),
    subject: name,
    signer: { key, name },
    ...validityFor(source.now, lifetimeMs),
    extensions: [...authorityExtensions(0), servingConstraints(dnsNames)],
    random: source.random,
  });
  return { certificate, key };
}

/** Name and key of an authority, for what it signs. The name must be what its certificate says, to the byte. */
export const signerOf = ({ certificate, key }: Authority): { key: KeyObject; name: string } => ({
  key,
  name: new x509.X509Certificate(certificate.raw).subject,
});

const authorityExtensions = (pathLength: number): x509.Extension[] => [
  new x509.BasicConstraintsExtension(true, pathLength, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
];

/** Random digits tell an authority from its successor: a verifier looks for issuers by name. */
const commonName = (text: string, random: RandomBytes): string => {
  // A CommonName holds 64 characters (RFC 5280, appendix A.1).
  const digits = Buffer.from(random(4)).toString('hex');
  return `CN=${text.slice(0, 64 - 9)} ${digits}`;
};

function requireTrustDomain(trustDomain: string): void {
  if (!isTrustDomain(trustDomain)) throw new RangeError(`not a trust domain: ${JSON.stringify(trustDomain)}`);
}
