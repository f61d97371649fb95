/**
 * When a certificate must be replaced: a chain of small functions, each of which looks at one thing. They work on
 * facts, not on PEM: of a workload's Secret the operator sees only annotations.
 */

/** What is known of a certificate in place. */
export interface CertificateFacts {
  /** Its names: one SPIFFE ID, or DNS names. */
  readonly names: readonly string[];
  /** Hex key identifier of the root that it chains to. */
  readonly root: string;
  readonly notAfter: Date;
  readonly renewAt: Date;
  /** bundleId of the trust bundle that lies beside it. */
  readonly bundle: string;
  /** End of the authority that issued it, where known. */
  readonly issuerNotAfter?: Date;
}

/** What should be in place. */
export interface CertificateWanted {
  readonly names: readonly string[];
  /** Key identifiers of the roots of the current bundle. */
  readonly roots: readonly string[];
  readonly bundle: string;
  readonly lifetimeMs: number;
}

export type InPlace =
  | { readonly state: 'Missing' }
  | { readonly state: 'Unparsable'; readonly message: string }
  | { readonly state: 'Present'; readonly facts: CertificateFacts };

export interface PolicyInput {
  readonly inPlace: InPlace;
  readonly wanted: CertificateWanted;
  readonly now: Date;
}

export type Reason =
  | 'Missing'
  | 'Unparsable'
  | 'WrongIdentity'
  | 'WrongIssuer'
  | 'Expired'
  | 'OutlivesIssuer'
  | 'LivesTooLong'
  | 'RenewalDue'
  | 'BundleOutdated';

export interface Finding {
  readonly reason: Reason;
  /** For logs and events. */
  readonly message: string;
}

export type Policy = (input: PolicyInput) => Finding | undefined;

/** A policy on what is there; silent about what is not. */
const ofPresent =
  (reason: Reason, check: (facts: CertificateFacts, input: PolicyInput) => string | undefined): Policy =>
  (input) => {
    if (input.inPlace.state !== 'Present') return undefined;
    const message = check(input.inPlace.facts, input);
    return message === undefined ? undefined : { reason, message };
  };

export const missing: Policy = ({ inPlace }) =>
  inPlace.state === 'Missing' ? { reason: 'Missing', message: 'there is no certificate yet' } : undefined;

export const unparsable: Policy = ({ inPlace }) =>
  inPlace.state === 'Unparsable' ? { reason: 'Unparsable', message: inPlace.message } : undefined;

export const wrongIdentity = ofPresent('WrongIdentity', ({ names }, { wanted }) =>
  sameNames(names, wanted.names)
    ? undefined
    : `it names ${names.join(', ') || 'nothing'}, where ${wanted.names.join(', ')} belongs`,
);

export const wrongIssuer = ofPresent('WrongIssuer', ({ root }, { wanted }) =>
  wanted.roots.includes(root) ? undefined : 'it does not chain to a root of the current bundle',
);

export const expired = ofPresent('Expired', ({ notAfter }, { now }) =>
  now < notAfter ? undefined : `it expired at ${notAfter.toISOString()}`,
);

/** A verifier refuses the chain as soon as any of it is expired, so its end is the issuer's. */
export const outlivesIssuer = ofPresent('OutlivesIssuer', ({ notAfter, issuerNotAfter }) =>
  issuerNotAfter === undefined || notAfter <= issuerNotAfter
    ? undefined
    : `its issuer ends at ${issuerNotAfter.toISOString()}, before it`,
);

/** A lifetime that was shortened holds for what is in place too, not only from the next renewal. */
export const livesTooLong = ofPresent('LivesTooLong', ({ notAfter }, { wanted, now }) =>
  notAfter.getTime() - now.getTime() <= wanted.lifetimeMs
    ? undefined
    : `it is valid until ${notAfter.toISOString()}, longer than certificates live now`,
);

export const renewalDue = ofPresent('RenewalDue', ({ renewAt }, { now }) =>
  now < renewAt ? undefined : `its renewal was due at ${renewAt.toISOString()}`,
);

export const bundleOutdated = ofPresent('BundleOutdated', ({ bundle }, { wanted }) =>
  bundle === wanted.bundle ? undefined : 'the trust bundle beside it is not the current one',
);

/** The first finding decides. */
export const chain =
  (...policies: readonly Policy[]): Policy =>
  (input) => {
    for (const policy of policies) {
      const finding = policy(input);
      if (finding) return finding;
    }
    return undefined;
  };

/** What demands a new certificate, hardest first: so that the reason shown is the one that hurts. */
export const mustIssue = chain(
  missing, // Nothing there.
  unparsable, // There, but nobody can use it.
  wrongIdentity, // Usable as somebody else.
  wrongIssuer, // Peers do not trust it any more.
  expired, // Peers do not trust it any more.
  outlivesIssuer, // It would fail before its own end.
  livesTooLong, // Configured otherwise since.
  renewalDue, // All is well, and it is time.
);

/** Reasons why what is in place cannot serve even for a moment longer: replacing it cannot wait for anything. */
export const isUnusable = ({ reason }: Finding): boolean =>
  reason !== 'RenewalDue' && reason !== 'LivesTooLong' && reason !== 'OutlivesIssuer';

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}
