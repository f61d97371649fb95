import type { KeyObject, X509Certificate } from 'node:crypto';
import { WeftError, type Result } from '../../core/errors/index.ts';
import { guarded, understoodExtensions, verifyChain } from './chain.ts';
import { extendedKeyUsage, extendedUsage, extension, keyUsage } from './fields.ts';
import { inTrustDomain, spiffeIdFrom } from './identity.ts';
import { invalid, readCertificates, readPrivateKey } from './pem.ts';

/** What an identity's Secret or directory holds: PEM texts under their usual names. */
export interface IdentityFiles {
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  readonly 'ca.crt': string;
}

export interface IdentityExpectation {
  readonly now: Date;
  /** Checked where given. */
  readonly trustDomain?: string;
  /** The exact SPIFFE ID; checked where given. */
  readonly spiffeId?: string;
}

export interface VerifiedIdentity {
  readonly spiffeId: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Leaf first. */
  readonly chain: readonly X509Certificate[];
  readonly roots: readonly X509Certificate[];
  readonly key: KeyObject;
}

/**
 * Reads and verifies an identity as a whole, so that a half-written or foreign one is never put to use: certificates
 * parse, the leaf names exactly one SPIFFE ID, it is a leaf for both sides of TLS, the key is its own, and the chain
 * leads to the bundle at this time. Errors: IDENTITY_INVALID, CERTIFICATE_EXPIRED, IDENTITY_REFUSED, naming the field.
 */
export function readIdentity(
  files: IdentityFiles,
  expected: IdentityExpectation,
): Result<VerifiedIdentity, WeftError> {
  try {
    return { ok: true, value: verified(files, expected) };
  } catch (error) {
    // OpenSSL has many errors for damaged input, and none of them may stop who reads a file.
    if (error instanceof WeftError) return { ok: false, error };
    return { ok: false, error: invalid('tls.crt', 'cannot be verified', error) };
  }
}

function verified(files: IdentityFiles, expected: IdentityExpectation): VerifiedIdentity {
  const chain = readCertificates(files['tls.crt'], 'tls.crt');
  const roots = readCertificates(files['ca.crt'], 'ca.crt');
  const key = readPrivateKey(files['tls.key'], 'tls.key');
  const leaf = chain[0]!;
  if (!leaf.checkPrivateKey(key)) throw invalid('tls.key', 'is not the key of the certificate in tls.crt');
  const spiffeId = checkLeaf(leaf, expected);
  verifyChain({ chain, roots, now: expected.now, field: 'tls.crt' });
  return {
    spiffeId,
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
    chain,
    roots,
    key,
  };
}

function checkLeaf(leaf: X509Certificate, { trustDomain, spiffeId }: IdentityExpectation): string {
  const extensions = understoodExtensions(leaf, 'tls.crt');
  const identity = guarded('tls.crt', () => spiffeIdFrom(extensions));
  if (!identity.ok) throw identity.error;
  if (trustDomain !== undefined && !inTrustDomain(identity.value, trustDomain))
    throw refused(`${identity.value} is not of the trust domain ${trustDomain}`);
  if (spiffeId !== undefined && identity.value !== spiffeId)
    throw refused(`names ${identity.value}, where ${spiffeId} belongs`);
  if (leaf.ca) throw invalid('tls.crt', 'is a certificate authority, where a leaf belongs');
  const usage = extensions.get(extension.keyUsage);
  const bits = usage && guarded('tls.crt', () => keyUsage(usage.value));
  // X509-SVID, section 4.3: a leaf signs handshakes and nothing else.
  if (!bits?.digitalSignature || bits.certificateSign || bits.crlSign)
    throw invalid('tls.crt', 'its key usage is not that of a leaf');
  const purposes = extensions.get(extension.extendedKeyUsage);
  const ids = purposes && guarded('tls.crt', () => extendedKeyUsage(purposes.value));
  if (ids && !(ids.includes(extendedUsage.server) && ids.includes(extendedUsage.client)))
    throw invalid('tls.crt', 'is not for both sides of TLS');
  return identity.value;
}

const refused = (message: string): WeftError =>
  new WeftError('IDENTITY_REFUSED', `tls.crt: ${message}`, { field: 'tls.crt' });
