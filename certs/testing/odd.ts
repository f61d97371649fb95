/** Certificates as a hostile or broken authority would make them: issue/ makes none of these. */
import type { X509Certificate } from 'node:crypto';
import { signerOf, type Authority } from '../issue/index.ts';
import { signCertificate, x509 } from '../issue/x509.ts';
import { publicKeyDer } from '../request/index.ts';
import { testSource } from './pki.ts';

export interface OddOptions {
  readonly issuer: Authority;
  /** subjectAltName; absent: none. */
  readonly names?: x509.JsonGeneralNames;
  readonly subject?: string;
  readonly extensions?: readonly x509.Extension[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Leaves out the default key usage and basic constraints of a leaf. */
  readonly bare?: boolean;
}

export const uriName = (value: string): x509.JsonGeneralName => ({ type: 'url', value });

/** A certificate with a key of its own, exactly as asked for. */
export async function oddCertificate(options: OddOptions): Promise<Authority> {
  const { issuer, names, subject = '', extensions = [], bare = false } = options;
  const source = testSource();
  const key = await source.generateKey('P-256');
  const leafExtensions = bare
    ? []
    : [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ];
  const certificate: X509Certificate = await signCertificate({
    publicKey: publicKeyDer(key),
    subject,
    signer: signerOf(issuer),
    notBefore: options.notBefore ?? new Date(Date.now() - 60_000),
    notAfter: options.notAfter ?? new Date(Date.now() + 3_600_000),
    extensions: [
      ...leafExtensions,
      ...extensions,
      ...(names ? [new x509.SubjectAlternativeNameExtension(names, true)] : []),
    ],
    random: source.random,
  });
  return { certificate, key };
}

/** An authority without name constraints, under `issuer`. */
export const oddAuthority = (issuer: Authority, pathLength?: number): Promise<Authority> =>
  oddCertificate({
    issuer,
    bare: true,
    subject: 'CN=odd authority',
    extensions: [
      new x509.BasicConstraintsExtension(true, pathLength, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
