import { createHash, type X509Certificate } from 'node:crypto';

/** Clocks of nodes differ by less than this; a certificate is valid that long before it is made. */
const BACKDATE_MS = 60_000;
/** Renewal is due between these parts of a certificate's life. */
const RENEW_FROM = 0.45;
const RENEW_TO = 0.55;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Validity of a certificate made `now`. Backdated by a minute, but by no more than a quarter of a short life, so that
 * half of it does not lie in the past. Never outside the issuer's own validity.
 */
export function validityFor(now: Date, lifetimeMs: number, issuer?: Validity): Validity {
  const backdate = Math.min(BACKDATE_MS, lifetimeMs / 4);
  const from = now.getTime() - backdate;
  const until = now.getTime() + lifetimeMs;
  return {
    notBefore: new Date(issuer ? Math.max(from, issuer.notBefore.getTime()) : from),
    notAfter: new Date(issuer ? Math.min(until, issuer.notAfter.getTime()) : until),
  };
}

export const validityOf = (certificate: X509Certificate): Validity => ({
  notBefore: certificate.validFromDate,
  notAfter: certificate.validToDate,
});

/**
 * When a certificate is to be renewed: at half of its life, give or take a tenth of that. The jitter comes from the
 * certificate's own hash (its serial is random), so that all who ask agree and nothing need be remembered.
 */
export function renewalTime(certificate: X509Certificate): Date {
  const { notBefore, notAfter } = validityOf(certificate);
  const spread = createHash('sha256').update(certificate.raw).digest().readUInt32BE(0) / 2 ** 32;
  const part = RENEW_FROM + (RENEW_TO - RENEW_FROM) * spread;
  return new Date(notBefore.getTime() + (notAfter.getTime() - notBefore.getTime()) * part);
}
