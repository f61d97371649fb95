import { WeftError, type Result } from '../../core/errors/index.ts';

/** A SPIFFE ID taken apart. `path` starts with `/`, or is '' for the trust domain itself. */
export interface SpiffeId {
  readonly id: string;
  readonly trustDomain: string;
  readonly path: string;
}

/** What a workload's path says: `/ns/<namespace>/sa/<service account>`. */
export interface WorkloadIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const PREFIX = 'spiffe://';
/** SPIFFE-ID, section 2.3: what every implementation must take, and so all that we do. */
const MAX_ID_BYTES = 2048;
const MAX_TRUST_DOMAIN_BYTES = 255;
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[a-zA-Z0-9._-]+$/;

/**
 * Reads a SPIFFE ID by the strict grammar (SPIFFE-ID, sections 2.1 to 2.3). Two spellings of one identity must not
 * exist where identities are compared as text: no upper-case trust domain, user info, port, query, fragment,
 * percent-encoding, empty or dot segment, or trailing slash.
 */
export function parseSpiffeId(text: string): Result<SpiffeId, WeftError> {
  const problem = problemOf(text);
  if (problem !== undefined) return refused(text, problem);
  const slash = text.indexOf('/', PREFIX.length);
  const end = slash === -1 ? text.length : slash;
  return {
    ok: true,
    value: { id: text, trustDomain: text.slice(PREFIX.length, end), path: text.slice(end) },
  };
}

function problemOf(text: string): string | undefined {
  if (text.length > MAX_ID_BYTES) return `longer than ${MAX_ID_BYTES} bytes`;
  if (!text.startsWith(PREFIX)) return `does not start with ${PREFIX}`;
  const [trustDomain = '', ...segments] = text.slice(PREFIX.length).split('/');
  if (!isTrustDomain(trustDomain)) return 'its trust domain is empty, too long or has other than [a-z0-9._-]';
  for (const segment of segments) {
    if (segment === '') return 'its path has an empty segment';
    if (segment === '.' || segment === '..') return 'its path has a dot segment';
    if (!SEGMENT.test(segment)) return 'its path has other than [a-zA-Z0-9._-]';
  }
  return undefined;
}

/** True for a trust domain by SPIFFE-ID, section 2.1. */
export const isTrustDomain = (text: string): boolean =>
  text.length <= MAX_TRUST_DOMAIN_BYTES && TRUST_DOMAIN.test(text);

/** Namespace and ServiceAccount of a workload's SPIFFE ID; undefined for any other identity. */
export function workloadOf(id: string): WorkloadIdentity | undefined {
  const parsed = parseSpiffeId(id);
  if (!parsed.ok) return undefined;
  const [empty, ns, namespace, sa, serviceAccount, ...more] = parsed.value.path.split('/');
  if (empty !== '' || ns !== 'ns' || sa !== 'sa' || more.length > 0) return undefined;
  if (!namespace || !serviceAccount) return undefined;
  return { trustDomain: parsed.value.trustDomain, namespace, serviceAccount };
}

function refused(text: string, problem: string): Result<never, WeftError> {
  // Bytes of a peer end up in logs: quoted, so that control characters stay visible, and cut.
  const shown = JSON.stringify(text.slice(0, 200));
  return {
    ok: false,
    error: new WeftError('IDENTITY_REFUSED', `${shown} is not a SPIFFE ID: ${problem}`, {
      field: 'subjectAltName',
    }),
  };
}
