import { sign, type KeyObject } from 'node:crypto';
import { ascii, context, element, oid, oidContent, tag } from '../der.ts';
import { extension, generalName } from '../verify/fields.ts';
import { publicKeyDer } from './keys.ts';

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

/**
 * A certificate signing request (PKCS#10, RFC 2986) in PEM for `spiffeId`, signed with the P-256 `key`. The private
 * key never leaves the process that asks. Subject is empty; the name stands in a critical subjectAltName (RFC 5280,
 * section 4.1.2.6).
 */
export function createSigningRequest(key: KeyObject, spiffeId: string): string {
  const names = element(tag.sequence, element(context(generalName.uri), ascii(spiffeId)));
  const requested = element(
    tag.sequence,
    element(
      tag.sequence,
      oid(extension.subjectAltName),
      element(tag.boolean, Uint8Array.of(0xff)),
      element(tag.octetString, names),
    ),
  );
  const attribute = element(tag.sequence, oid(EXTENSION_REQUEST), element(tag.set, requested));
  const info = element(
    tag.sequence,
    element(tag.integer, Uint8Array.of(0)),
    element(tag.sequence),
    publicKeyDer(key),
    element(context(0, true), attribute),
  );
  const signature = sign('sha256', info, key);
  const request = element(
    tag.sequence,
    info,
    element(tag.sequence, element(tag.oid, oidContent(ECDSA_WITH_SHA256))),
    element(tag.bitString, Uint8Array.of(0), signature),
  );
  return pem('CERTIFICATE REQUEST', request);
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
