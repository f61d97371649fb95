import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export type Curve = 'P-256' | 'P-384';

/** Makes private keys. Handed in, so that tests can bring keys of their own. */
export type KeySource = (curve: Curve) => Promise<KeyObject>;

const generate = promisify(generateKeyPair);

/** A new key from OpenSSL's random generator, made off the event loop. */
export const generateKey: KeySource = async (curve) =>
  (await generate('ec', { namedCurve: curve })).privateKey;

/** PKCS#8 PEM (RFC 7468, section 10). */
export const privateKeyPem = (key: KeyObject): string =>
  key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** SubjectPublicKeyInfo DER of a private key's public half. */
export const publicKeyDer = (key: KeyObject): Uint8Array =>
  createPublicKey(key).export({ type: 'spki', format: 'der' });
