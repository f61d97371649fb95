/** @peculiar/x509 with what it needs in place: `reflect-metadata` must have been evaluated before it. */
import 'reflect-metadata';
import { webcrypto, X509Certificate as NodeCertificate, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Curve } from '../request/index.ts';
import { publicKeyDer } from '../request/index.ts';

export { x509 };

/** `size` random bytes. Handed in; `node:crypto` randomBytes in production. */
export type RandomBytes = (size: number) => Uint8Array;

/** 128 random bits (RFC 5280, section 4.1.2.2 asks for a positive integer of at most 20 octets). */
export const SERIAL_BYTES = 16;

export interface Statement {
  /** DER of the subject's SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Distinguished name; '' for an empty one. */
  readonly subject: string;
  /** Key that signs, and the name of its holder. */
  readonly signer: { readonly key: KeyObject; readonly name: string };
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly x509.Extension[];
  readonly random: RandomBytes;
}

/** Signs a certificate with subject and authority key identifiers (RFC 5280, sections 4.2.1.1 and 4.2.1.2). */
export async function signCertificate(statement: Statement): Promise<NodeCertificate> {
  const { publicKey, signer, random } = statement;
  const curve = curveOf(signer.key);
  const algorithm = { name: 'ECDSA', namedCurve: curve };
  const signed = await x509.X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(random(SERIAL_BYTES)).toString('hex'),
      ...(statement.subject === '' ? {} : { subject: statement.subject }),
      issuer: signer.name,
      notBefore: wholeSecond(statement.notBefore),
      notAfter: wholeSecond(statement.notAfter),
      publicKey,
      signingKey: signer.key.toCryptoKey(algorithm, false, ['sign']),
      signingAlgorithm: { ...algorithm, hash: curve === 'P-384' ? 'SHA-384' : 'SHA-256' },
      extensions: [
        ...statement.extensions,
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(publicKeyDer(signer.key), false, webcrypto),
      ],
    },
    webcrypto,
  );
  return new NodeCertificate(Buffer.from(signed.rawData));
}

/** Certificates know no fractions; cut off, so that what is computed from the certificate agrees. */
const wholeSecond = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);

function curveOf(key: KeyObject): Curve {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return 'P-256';
  if (curve === 'secp384r1') return 'P-384';
  throw new RangeError(`an authority's key must be P-256 or P-384, not ${curve ?? key.asymmetricKeyType}`);
}
