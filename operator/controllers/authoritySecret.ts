/**
 * The Secret `weft-authority`, read and written: one place that knows its keys.
 *
 *   root.crt           trusted roots, PEM: the mesh's trust bundle; the intermediate chains to one of them
 *   root.key           key of the first root; absent where an outside authority made the intermediate
 *   intermediate.crt   what issues leaves, then what lies between it and the root
 *   intermediate.key
 *   serving-ca.crt     authority of the webhook's certificate, then its predecessors while they are valid
 *   serving-ca.key
 *
 * Who brings an authority of their own creates the Secret with root.crt and intermediate.*, before or after
 * installation; what is missing beside them is added. A root is taken out of root.crt only when no leaf under it is
 * left, a leaf's lifetime after the new intermediate.
 */
import type { X509Certificate } from 'node:crypto';
import { WeftError, type Result } from '../../core/errors/index.ts';
import { AUTHORITY_SECRET } from '../../core/model/names.ts';
import { bundleId, bundlePem, type Authority } from '../../certs/issue/index.ts';
import { privateKeyPem } from '../../certs/request/index.ts';
import {
  checkTimes,
  readCertificates,
  readPrivateKey,
  subjectKeyId,
  verifyChain,
} from '../../certs/verify/index.ts';

/** `data` of a Secret: base64 by key. */
export type SecretData = Readonly<Record<string, string>>;

export interface ServingAuthority {
  readonly signer: Authority;
  /** The signer, then its predecessors. */
  readonly certificates: readonly X509Certificate[];
  /** PEM of those that are valid: what the API server is told to trust. */
  readonly bundle: string;
}

/** What the Secret holds; parts that may be absent are created by who holds the lease. */
export interface AuthorityParts {
  readonly roots: readonly X509Certificate[];
  /** First root with its key, where the key is here. */
  readonly root?: Authority;
  readonly intermediate?: Authority;
  readonly serving?: ServingAuthority;
}

/** What certificates are issued from. */
export interface AuthorityState extends AuthorityParts {
  readonly intermediate: Authority;
  readonly serving: ServingAuthority;
  /** Key identifier of the root that the intermediate chains to. */
  readonly rootId: string;
  readonly rootIds: readonly string[];
  /** Trust bundle of the mesh, PEM. */
  readonly bundle: string;
  readonly bundleId: string;
}

/** Reads the Secret's data. Errors: AUTHORITY_INVALID naming the key. Never shows a private key. */
export function readAuthority(data: SecretData, now: Date): Result<AuthorityParts, WeftError> {
  try {
    return { ok: true, value: partsOf(data, now) };
  } catch (cause) {
    return { ok: false, error: asInvalid(cause) };
  }
}

function partsOf(data: SecretData, now: Date): AuthorityParts {
  const roots = readCertificates(text(data, 'root.crt'), 'root.crt');
  roots.forEach((root, index) => requireAuthority(root, `root.crt (certificate ${index + 1})`));
  const root = data['root.key'] === undefined ? undefined : { ...pair(data, 'root'), certificate: roots[0]! };
  if (root) checkTimes(root.certificate, now, 'root.crt');
  const intermediate = data['intermediate.crt'] === undefined ? undefined : pair(data, 'intermediate');
  if (intermediate) rootOf(intermediate, roots);
  if (!intermediate && !root)
    throw problem('intermediate.crt', 'is missing, and without root.key none can be made');
  const serving = data['serving-ca.crt'] === undefined ? undefined : servingOf(data, now);
  return {
    roots,
    ...(root ? { root } : {}),
    ...(intermediate ? { intermediate } : {}),
    ...(serving ? { serving } : {}),
  };
}

/** Certificate and key that belong together. */
function pair(data: SecretData, name: string): Authority {
  const [certificate, ...above] = readCertificates(text(data, `${name}.crt`), `${name}.crt`);
  const key = readPrivateKey(text(data, `${name}.key`), `${name}.key`);
  requireAuthority(certificate!, `${name}.crt`);
  if (!certificate!.checkPrivateKey(key)) throw problem(`${name}.key`, `is not the key of ${name}.crt`);
  return {
    certificate: certificate!,
    key,
    ...(name === 'intermediate' && above.length > 0 ? { above } : {}),
  };
}

/**
 * The root that an intermediate chains to. An expired one still reads: it is renewed, and must not keep the root from
 * being used for that.
 */
function rootOf({ certificate, above = [] }: Authority, roots: readonly X509Certificate[]): X509Certificate {
  const now = new Date(certificate.validToDate.getTime() - 1);
  return verifyChain({ chain: [certificate, ...above], roots, now, field: 'intermediate.crt' });
}

function servingOf(data: SecretData, now: Date): ServingAuthority {
  const certificates = readCertificates(text(data, 'serving-ca.crt'), 'serving-ca.crt');
  return { signer: pair(data, 'serving-ca'), certificates, bundle: bundlePem(certificates, now) };
}

/** What leaves can be issued from; undefined while a part is missing. */
export function stateOf(parts: AuthorityParts, now: Date): AuthorityState | undefined {
  const { intermediate, serving, roots } = parts;
  if (!intermediate || !serving) return undefined;
  const bundle = bundlePem(roots, now);
  return {
    ...parts,
    intermediate,
    serving: { ...serving, bundle: bundlePem(serving.certificates, now) },
    rootId: keyId(rootOf(intermediate, roots)),
    rootIds: roots.filter((root) => now < root.validToDate).map(keyId),
    bundle,
    bundleId: bundleId(bundle),
  };
}

/** The Secret's data for what is new; keys that are not named stay as they are. */
export function dataOf(parts: Partial<AuthorityParts>): Record<string, string> {
  const { root, intermediate, serving } = parts;
  const texts = {
    ...(root ? { 'root.crt': String(root.certificate), 'root.key': privateKeyPem(root.key) } : {}),
    ...(intermediate ? textsOf('intermediate', intermediate) : {}),
    ...(serving
      ? {
          ...textsOf('serving-ca', serving.signer),
          'serving-ca.crt': serving.certificates.map(String).join(''),
        }
      : {}),
  };
  return Object.fromEntries(
    Object.entries(texts).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}

const textsOf = (name: string, { certificate, above = [], key }: Authority): Record<string, string> => ({
  [`${name}.crt`]: [certificate, ...above].map(String).join(''),
  [`${name}.key`]: privateKeyPem(key),
});

/** Hex; of the fingerprint where an authority made elsewhere carries no key identifier. */
export const keyId = (certificate: X509Certificate): string =>
  subjectKeyId(certificate.raw) ?? certificate.fingerprint256.replaceAll(':', '').toLowerCase();

function text(data: SecretData, key: string): string {
  const value = data[key];
  if (value === undefined) throw problem(key, 'is missing');
  return Buffer.from(value, 'base64').toString('utf8');
}

function requireAuthority(certificate: X509Certificate, field: string): void {
  if (!certificate.ca) throw problem(field, 'is not a certificate authority');
}

const resource = `Secret ${AUTHORITY_SECRET}`;

const problem = (field: string, message: string): WeftError =>
  new WeftError('AUTHORITY_INVALID', `${field}: ${message}`, { field, resource });

function asInvalid(cause: unknown): WeftError {
  if (!(cause instanceof WeftError))
    return new WeftError('AUTHORITY_INVALID', 'cannot be read', { resource, cause });
  const { message, field = '' } = cause;
  return cause.code === 'AUTHORITY_INVALID'
    ? cause
    : new WeftError('AUTHORITY_INVALID', message, { field, resource, cause });
}
