import type { X509Certificate } from 'node:crypto';
import { WeftError } from '../../core/errors/index.ts';
import { constraintProblem } from './constraints.ts';
import {
  alternativeNames,
  basicConstraints,
  extension,
  extensionsOf,
  keyUsage,
  nameConstraints,
  type Extension,
  type Name,
} from './fields.ts';
import { invalid } from './pem.ts';

export interface ChainInput {
  /** Leaf first, then its authorities in order, without the root. */
  readonly chain: readonly X509Certificate[];
  /** Trusted roots. */
  readonly roots: readonly X509Certificate[];
  readonly now: Date;
  /** Names the chain in errors, such as `tls.crt`. */
  readonly field: string;
}

const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(extension));

/**
 * Verifies a chain as a peer's OpenSSL will: signatures, times, authorities and their path length, name constraints
 * (RFC 5280, section 6). Returns the root. Throws WeftError IDENTITY_INVALID or CERTIFICATE_EXPIRED naming the field.
 */
export function verifyChain({ chain, roots, now, field }: ChainInput): X509Certificate {
  const [leaf] = chain;
  if (!leaf) throw invalid(field, 'holds no certificate');
  const names = namesOf(leaf, field);
  chain.forEach((certificate, index) => checkTimes(certificate, now, describe(field, index)));
  for (let index = 1; index < chain.length; index++) {
    const issued = chain[index - 1]!;
    const authority = chain[index]!;
    if (!isIssuedBy(issued, authority))
      throw invalid(field, `certificate ${index} is not issued by certificate ${index + 1}`);
    checkAuthority({ authority, below: index - 1, names, field: describe(field, index) });
  }
  const last = chain.at(-1)!;
  const root = roots.find((candidate) => isIssuedBy(last, candidate) && isInTime(candidate, now));
  if (!root) throw invalid(field, 'does not chain to a root of the trust bundle that is valid at this time');
  checkAuthority({ authority: root, below: chain.length - 1, names, field: 'the root' });
  return root;
}

const describe = (field: string, index: number): string =>
  index === 0 ? field : `${field} (certificate ${index + 1})`;

export const isIssuedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

const isInTime = (certificate: X509Certificate, now: Date): boolean =>
  certificate.validFromDate <= now && now < certificate.validToDate;

/** Throws CERTIFICATE_EXPIRED where `now` is outside the certificate's validity. */
export function checkTimes(certificate: X509Certificate, now: Date, field: string): void {
  if (isInTime(certificate, now)) return;
  const { validFromDate, validToDate } = certificate;
  throw new WeftError(
    'CERTIFICATE_EXPIRED',
    `${field} is valid from ${validFromDate.toISOString()} until ${validToDate.toISOString()}, and now is ${now.toISOString()}`,
    { field },
  );
}

/** As extensionsOf, with WeftError, and refusing critical extensions that are not understood (RFC 5280, section 4.2). */
export function understoodExtensions(certificate: X509Certificate, field: string): Map<string, Extension> {
  return guarded(field, () => {
    const extensions = extensionsOf(certificate.raw);
    for (const [id, { critical }] of extensions)
      if (critical && !UNDERSTOOD.has(id)) throw new RangeError(`critical extension ${id} is not understood`);
    return extensions;
  });
}

/** Turns the RangeError of a reader into an error that names the field. */
export function guarded<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RangeError) throw invalid(field, `malformed certificate: ${cause.message}`, cause);
    throw cause;
  }
}

function namesOf(leaf: X509Certificate, field: string): Name[] {
  const found = understoodExtensions(leaf, field).get(extension.subjectAltName);
  return found ? guarded(field, () => alternativeNames(found.value)) : [];
}

interface AuthorityCheck {
  authority: X509Certificate;
  /** Authorities between this one and the leaf. */
  below: number;
  names: readonly Name[];
  field: string;
}

function checkAuthority({ authority, below, names, field }: AuthorityCheck): void {
  const extensions = understoodExtensions(authority, field);
  const read = <T>(id: string, reader: (value: Uint8Array) => T): T | undefined => {
    const found = extensions.get(id);
    return found && guarded(field, () => reader(found.value));
  };
  const constraints = read(extension.basicConstraints, basicConstraints);
  if (!constraints?.ca || read(extension.keyUsage, keyUsage)?.certificateSign === false)
    throw invalid(field, 'is not a certificate authority');
  if (constraints.pathLength !== undefined && below > constraints.pathLength)
    throw invalid(field, `permits ${constraints.pathLength} authorities below it, and there are ${below}`);
  const limits = read(extension.nameConstraints, nameConstraints);
  const problem = limits && constraintProblem(names, limits);
  if (problem !== undefined) throw invalid(field, `does not permit the names of the leaf: ${problem}`);
}
