import { createHash, type X509Certificate } from 'node:crypto';

/**
 * Roots as PEM, each once, in the order in which they first come. What is expired at `now` is left out: a verifier
 * would not use it, and a bundle would grow for ever.
 */
export function bundlePem(roots: readonly X509Certificate[], now: Date): string {
  const seen = new Map<string, X509Certificate>();
  for (const root of roots)
    if (now < root.validToDate && !seen.has(root.fingerprint256)) seen.set(root.fingerprint256, root);
  return [...seen.values()].map(String).join('');
}

/** Short name of a bundle's content, hex; tells whether what is in place is what belongs there. */
export const bundleId = (pem: string): string => createHash('sha256').update(pem).digest('hex').slice(0, 32);
