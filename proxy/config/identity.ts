import { constants, type X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readIdentity } from '../../certs/verify/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import type { IdentityState } from '../context.ts';
import type { Files } from './mount.ts';

export const IDENTITY_FILES = ['tls.crt', 'tls.key', 'ca.crt'] as const;

/** The certificate in use with what admin shows of it. */
export interface LoadedIdentity extends IdentityState {
  readonly notBefore: Date;
  /** Leaf first. */
  readonly chain: readonly X509Certificate[];
  readonly roots: readonly X509Certificate[];
}

/**
 * Verifies the files of an identity and makes what TLS needs of them. Throws WeftError IDENTITY_MISSING,
 * IDENTITY_INVALID, IDENTITY_REFUSED or CERTIFICATE_EXPIRED; the error never holds key material.
 */
export function loadIdentity(files: Files, expected: { spiffeId: string; now: Date }): LoadedIdentity {
  const [cert, key, ca] = IDENTITY_FILES.map((name) => files[name]);
  if (cert === undefined && key === undefined && ca === undefined)
    throw new WeftError('IDENTITY_MISSING', 'there are no certificate files', { resource: 'identity' });
  if (cert === undefined || key === undefined || ca === undefined) {
    const missing = IDENTITY_FILES.find((name) => files[name] === undefined)!;
    throw new WeftError('IDENTITY_MISSING', `there is no ${missing}`, {
      resource: 'identity',
      field: missing,
    });
  }
  const read = readIdentity({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca }, expected);
  if (!read.ok) throw read.error;
  const { spiffeId, serial, notBefore, notAfter, chain, roots } = read.value;
  const options = {
    cert,
    key,
    ca,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // a resumed session would skip the check of the peer's identity
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
  return {
    spiffeId,
    serial,
    notBefore,
    notAfter,
    chain,
    roots,
    clientContext: createSecureContext(options),
    serverContext: createSecureContext(options),
  };
}
