import type { X509Certificate } from 'node:crypto';
import { WeftError, type Result } from '../../core/errors/index.ts';
import { alternativeNames, extension, extensionsOf, generalName, type Extension } from './fields.ts';
import { parseSpiffeId } from './spiffe.ts';

/**
 * The SPIFFE ID of a leaf: the only name of its subjectAltName (X509-SVID, section 2). A certificate with a second
 * name of any kind is refused, since who checks which name would then depend on the reader.
 * Errors: IDENTITY_REFUSED with field `subjectAltName`.
 */
export function spiffeIdOf(certificate: X509Certificate | Uint8Array): Result<string, WeftError> {
  try {
    const der = certificate instanceof Uint8Array ? certificate : certificate.raw;
    return spiffeIdFrom(extensionsOf(der));
  } catch (cause) {
    if (cause instanceof RangeError) return refused(`the certificate is malformed: ${cause.message}`);
    throw cause;
  }
}

/** As spiffeIdOf, of extensions that are already read. */
export function spiffeIdFrom(extensions: Map<string, Extension>): Result<string, WeftError> {
  const found = extensions.get(extension.subjectAltName);
  if (!found) return refused('the certificate has no subjectAltName');
  const names = alternativeNames(found.value);
  const [name] = names;
  if (names.length !== 1 || name?.type !== generalName.uri)
    return refused(`the certificate has ${names.length} names, where exactly one URI belongs`);
  const parsed = parseSpiffeId(Buffer.from(name.value).toString('latin1'));
  return parsed.ok ? { ok: true, value: parsed.value.id } : parsed;
}

/** What is asked of a TLS connection; `tls.TLSSocket` has it. */
export interface PeerSocket {
  /** OpenSSL built a chain to a trusted root, in time and within its constraints. */
  readonly authorized: boolean;
  readonly authorizationError?: Error | string | null;
  getPeerX509Certificate(): X509Certificate | undefined;
}

/**
 * Identity that the peer of a finished handshake proved; call it once per connection. The chain was verified by
 * OpenSSL during the handshake. Errors: IDENTITY_REFUSED, with `trustDomain` given also for a foreign one.
 */
export function peerIdentity(socket: PeerSocket, trustDomain?: string): Result<string, WeftError> {
  // Asked first: of a peer without a certificate node says that its issuer is missing.
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return refused('the peer showed no certificate');
  if (!socket.authorized) {
    const reason = socket.authorizationError ? `: ${String(socket.authorizationError)}` : '';
    return refused(`the certificate of the peer is not trusted${reason}`);
  }
  const identity = spiffeIdOf(certificate);
  if (!identity.ok || trustDomain === undefined || inTrustDomain(identity.value, trustDomain))
    return identity;
  return refused(`${identity.value} is not of the trust domain ${trustDomain}`);
}

/** True where `id`, a valid SPIFFE ID, belongs to `trustDomain`. */
export const inTrustDomain = (id: string, trustDomain: string): boolean =>
  id.startsWith(`spiffe://${trustDomain}/`) || id === `spiffe://${trustDomain}`;

const refused = (message: string): { ok: false; error: WeftError } => ({
  ok: false,
  error: new WeftError('IDENTITY_REFUSED', message, { field: 'subjectAltName' }),
});
