import type { X509Certificate } from 'node:crypto';
import { privateKeyPem, publicKeyDer } from '../request/index.ts';
import { parseSpiffeId } from '../verify/index.ts';
import { signerOf, type Authority, type Source } from './authority.ts';
import { renewalTime, validityFor, validityOf } from './schedule.ts';
import { signCertificate, x509 } from './x509.ts';

export interface SignedLeaf {
  /** Leaf first, then its issuer where that is not a root. */
  readonly certificatePem: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** When to replace it. */
  readonly renewAt: Date;
}

export interface IssuedLeaf extends SignedLeaf {
  /** PKCS#8. */
  readonly keyPem: string;
}

export interface LeafOptions {
  readonly issuer: Authority;
  readonly spiffeId: string;
  readonly lifetimeMs: number;
}

/** A workload's certificate with a new P-256 key: one critical URI name, no subject, both sides of TLS, nothing else. */
export async function issueLeaf(source: Source, options: LeafOptions): Promise<IssuedLeaf> {
  const key = await source.generateKey('P-256');
  const signed = await signLeaf(source, { ...options, publicKey: publicKeyDer(key) });
  return { ...signed, keyPem: privateKeyPem(key) };
}

/** As issueLeaf, for a key that somebody else holds (`readSigningRequest`). Throws WeftError IDENTITY_REFUSED. */
export async function signLeaf(
  source: Source,
  options: LeafOptions & { readonly publicKey: Uint8Array },
): Promise<SignedLeaf> {
  const id = parseSpiffeId(options.spiffeId);
  if (!id.ok) throw id.error;
  return sign(source, {
    ...options,
    names: [{ type: 'url', value: id.value.id }],
    purposes: [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth],
    above: [options.issuer.certificate, ...(options.issuer.above ?? [])],
  });
}

export interface ServingOptions {
  readonly issuer: Authority;
  readonly dnsNames: readonly string[];
  readonly lifetimeMs: number;
}

/** The webhook's certificate: DNS names, server side only, issued by a serving authority. */
export async function issueServing(source: Source, options: ServingOptions): Promise<IssuedLeaf> {
  const key = await source.generateKey('P-256');
  const signed = await sign(source, {
    ...options,
    publicKey: publicKeyDer(key),
    names: options.dnsNames.map((value) => ({ type: 'dns', value })),
    purposes: [x509.ExtendedKeyUsage.serverAuth],
    above: [],
  });
  return { ...signed, keyPem: privateKeyPem(key) };
}

interface Leaf {
  issuer: Authority;
  publicKey: Uint8Array;
  names: x509.JsonGeneralNames;
  purposes: x509.ExtendedKeyUsageType[];
  lifetimeMs: number;
  /** Sent with the leaf. */
  above: readonly X509Certificate[];
}

async function sign(source: Source, { issuer, above, ...leaf }: Leaf): Promise<SignedLeaf> {
  const certificate = await signCertificate({
    publicKey: leaf.publicKey,
    subject: '',
    signer: signerOf(issuer),
    ...validityFor(source.now, leaf.lifetimeMs, validityOf(issuer.certificate)),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(leaf.purposes),
      // Critical, because the subject is empty (RFC 5280, section 4.2.1.6).
      new x509.SubjectAlternativeNameExtension(leaf.names, true),
    ],
    random: source.random,
  });
  return {
    certificatePem: [certificate, ...above].map(String).join(''),
    serial: certificate.serialNumber.toLowerCase(),
    ...validityOf(certificate),
    renewAt: renewalTime(certificate),
  };
}
