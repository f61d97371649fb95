import type { X509Certificate } from 'node:crypto';
import {
  extension,
  extensionsOf,
  generalName,
  nameConstraints,
  type Name,
  type NameConstraints,
} from './fields.ts';

/** A name to ask about, such as `{kind: 'uri', value: 'spiffe://cluster.local'}`. */
export interface AskedName {
  readonly kind: 'uri' | 'dns';
  readonly value: string;
}

/** True where leaves with all these names are within the constraints of `authority`; RangeError when it is malformed. */
export function permitsNames(authority: X509Certificate, names: readonly AskedName[]): boolean {
  const found = extensionsOf(authority.raw).get(extension.nameConstraints);
  if (!found) return true;
  const asked = names.map(({ kind, value }) => ({
    type: generalName[kind],
    value: Buffer.from(value, 'latin1'),
  }));
  return constraintProblem(asked, nameConstraints(found.value)) === undefined;
}

/**
 * Why `names` of a certificate are outside the constraints of an authority above it, or undefined where they are
 * within (RFC 5280, section 4.2.1.10). URI and DNS names only: a leaf with any other kind is refused before.
 */
export function constraintProblem(names: readonly Name[], limits: NameConstraints): string | undefined {
  for (const name of names) {
    const host = hostOf(name);
    if (host === undefined) return 'a name of a kind that cannot be checked';
    const applies = (subtree: Name): boolean => subtree.type === name.type && covers(subtree, host);
    const permitted = limits.permitted.filter((subtree) => subtree.type === name.type);
    if (limits.excluded.some(applies)) return `${host} is excluded`;
    if (permitted.length > 0 && !permitted.some(applies)) return `${host} is not among the permitted names`;
  }
  return undefined;
}

const text = (value: Uint8Array): string => Buffer.from(value).toString('latin1').toLowerCase();

function hostOf({ type, value }: Name): string | undefined {
  if (type === generalName.dns) return text(value);
  if (type !== generalName.uri) return undefined;
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#@:]+)(?:[/?#]|$)/.exec(text(value))?.[1];
}

/** For a DNS name its subdomains count, for a URI only where the subtree begins with a dot. */
function covers(subtree: Name, host: string): boolean {
  const base = text(subtree.value);
  if (base === '') return true;
  if (base.startsWith('.')) return host.endsWith(base) && host.length > base.length;
  return host === base || (subtree.type === generalName.dns && host.endsWith(`.${base}`));
}
