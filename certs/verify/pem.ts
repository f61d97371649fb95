import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { WeftError } from '../../core/errors/index.ts';

/** A file of certificates is never longer in practice; a larger one is a mistake or an attack. */
const MAX_PEM_BYTES = 512 * 1024;
const MAX_CERTIFICATES = 64;
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

/**
 * Certificates of a PEM text, in order. Throws WeftError IDENTITY_INVALID that names `field` when there is none, when
 * there are too many, or when one cannot be parsed; text between the blocks is ignored (RFC 7468, section 2).
 */
export function readCertificates(pem: string, field: string): X509Certificate[] {
  if (pem.length > MAX_PEM_BYTES) throw invalid(field, `longer than ${MAX_PEM_BYTES} bytes`);
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) throw invalid(field, 'holds no PEM certificate');
  if (blocks.length > MAX_CERTIFICATES)
    throw invalid(field, `holds more than ${MAX_CERTIFICATES} certificates`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw invalid(field, `certificate ${index + 1} cannot be parsed`, cause);
    }
  });
}

/** A private key from PEM (PKCS#8, or SEC 1). Throws WeftError IDENTITY_INVALID; the error never holds the text. */
export function readPrivateKey(pem: string, field: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // No cause: an error of the parser could quote its input.
    throw invalid(field, 'holds no usable PEM private key');
  }
}

export const invalid = (field: string, message: string, cause?: unknown): WeftError =>
  new WeftError('IDENTITY_INVALID', `${field}: ${message}`, {
    field,
    ...(cause === undefined ? {} : { cause }),
  });
