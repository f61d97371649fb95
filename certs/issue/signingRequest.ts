import { webcrypto } from 'node:crypto';
import { WeftError, type Result } from '../../core/errors/index.ts';
import { alternativeNames, extension, generalName, parseSpiffeId } from '../verify/index.ts';
import { x509 } from './x509.ts';

export interface SigningRequest {
  readonly spiffeId: string;
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

const MAX_REQUEST_BYTES = 16 * 1024;

/**
 * Reads a PKCS#10 request: its signature proves that the key is the asker's. Who may have the name it asks for is not
 * decided here. Errors: IDENTITY_REFUSED with field `request`.
 */
export async function readSigningRequest(pem: string): Promise<Result<SigningRequest, WeftError>> {
  if (pem.length > MAX_REQUEST_BYTES) return refused(`is longer than ${MAX_REQUEST_BYTES} bytes`);
  try {
    return await parsed(new x509.Pkcs10CertificateRequest(pem));
  } catch (cause) {
    // The parser throws errors of many kinds for bytes of a peer; none of them is ours.
    return refused('is malformed', cause);
  }
}

async function parsed(request: x509.Pkcs10CertificateRequest): Promise<Result<SigningRequest, WeftError>> {
  const algorithm = request.publicKey.algorithm as { name?: string; namedCurve?: string };
  if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256') return refused('its key is not P-256');
  if (!(await request.verify(webcrypto))) return refused('its signature does not fit its key');
  const found = request.getExtensions(extension.subjectAltName);
  if (found.length !== 1) return refused('must ask for exactly one subjectAltName');
  const names = alternativeNames(new Uint8Array(found[0]!.value));
  const [name] = names;
  if (names.length !== 1 || name?.type !== generalName.uri) return refused('must ask for exactly one URI');
  const id = parseSpiffeId(Buffer.from(name.value).toString('latin1'));
  if (!id.ok) return refused(id.error.message);
  return { ok: true, value: { spiffeId: id.value.id, publicKey: new Uint8Array(request.publicKey.rawData) } };
}

const refused = (message: string, cause?: unknown): { ok: false; error: WeftError } => ({
  ok: false,
  error: new WeftError('IDENTITY_REFUSED', `the signing request ${message}`, {
    field: 'request',
    ...(cause === undefined ? {} : { cause }),
  }),
});
