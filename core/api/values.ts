/** Single values of resources that a JSON schema cannot judge: each check gives what is wrong, or undefined. */

/** A string pattern: exact, `prefix*`, `*suffix` or `*`. */
export function patternProblem(text: string): string | undefined {
  const at = text.indexOf('*');
  if (at === -1 || text === '*') return undefined;
  if (text.indexOf('*', at + 1) !== -1)
    return "has more than one '*'; one is allowed, at the start or the end";
  if (at !== 0 && at !== text.length - 1)
    return "has a '*' in the middle; it is allowed at the start or the end";
  return undefined;
}

const decimal = (text: string, max: number): number | undefined => {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
};

/** Bytes of an IPv4 address in dotted form without leading zeros (they mean octal to some), else undefined. */
function ipv4Bytes(text: string): number[] | undefined {
  const bytes = text.split('.').map((part) => decimal(part, 255));
  return bytes.length === 4 && bytes.every((byte) => byte !== undefined) ? (bytes as number[]) : undefined;
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  for (const group of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    out.push(value >> 8, value & 0xff);
  }
  return out;
}

/** Bytes of an IPv6 address (RFC 4291, section 2.2) without zone, else undefined. */
function ipv6Bytes(text: string): number[] | undefined {
  let rest = text;
  let tail: number[] = [];
  if (text.includes('.')) {
    const at = text.lastIndexOf(':');
    const embedded = ipv4Bytes(text.slice(at + 1));
    if (at === -1 || !embedded) return undefined;
    tail = embedded;
    // keeps the colon of a `::` that stands right before the embedded address
    rest = text[at - 1] === ':' ? text.slice(0, at + 1) : text.slice(0, at);
  }
  const halves = rest.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!);
  const last = halves.length === 2 ? groupsOf(halves[1]!) : [];
  if (!head || !last) return undefined;
  const length = head.length + last.length + tail.length;
  if (halves.length === 1) return length === 16 ? [...head, ...tail] : undefined;
  if (length > 14) return undefined;
  return [...head, ...Array.from({ length: 16 - length }, () => 0), ...last, ...tail];
}

/** The bytes of an IPv4 (4) or IPv6 (16) address, else undefined. */
export const addressBytes = (text: string): readonly number[] | undefined =>
  text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);

/** A CIDR or a single address: its bytes and the length of its prefix in bits; undefined where it is neither. */
export function parseCidr(text: string): { bytes: readonly number[]; bits: number } | undefined {
  const at = text.indexOf('/');
  const bytes = addressBytes(at === -1 ? text : text.slice(0, at));
  if (!bytes) return undefined;
  const bits = at === -1 ? bytes.length * 8 : decimal(text.slice(at + 1), bytes.length * 8);
  return bits === undefined ? undefined : { bytes, bits };
}

/** True where a CIDR has bits set beyond its prefix, such as 10.1.2.3/8: rarely what was meant. */
export function hasHostBits(text: string): boolean {
  const cidr = parseCidr(text);
  return (
    cidr !== undefined &&
    cidr.bytes.some((byte, index) => {
      const kept = Math.min(8, Math.max(0, cidr.bits - index * 8));
      return (byte & (0xff >> kept)) !== 0;
    })
  );
}

export const cidrProblem = (text: string): string | undefined =>
  parseCidr(text) ? undefined : 'is neither an IPv4 nor IPv6 address nor a CIDR such as 10.0.0.0/8';

/** A SPIFFE id (SPIFFE-ID, section 2) or a pattern of one. */
export function principalProblem(text: string): string | undefined {
  const pattern = patternProblem(text);
  if (pattern) return pattern;
  if (!/^[A-Za-z0-9._:/*-]+$/.test(text)) return 'has a character that no SPIFFE id has';
  if (text.startsWith('*')) return undefined;
  if (!text.startsWith('spiffe://')) return 'must begin with spiffe://, or with *';
  if (text.endsWith('*')) return undefined;
  return /^spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)+$/.test(text)
    ? undefined
    : 'must be like spiffe://<trust domain>/ns/<namespace>/sa/<service account>';
}

export function methodProblem(text: string): string | undefined {
  if (text.includes('*')) return 'must be one method; leave the field out for any method';
  return /^[!#$%&'+.^_`|~0-9A-Z-]+$/.test(text) ? undefined : 'must be an HTTP method in upper case';
}

export function pathProblem(text: string): string | undefined {
  const pattern = patternProblem(text);
  if (pattern) return pattern;
  if (!text.startsWith('/') && !text.startsWith('*')) return "must begin with '/' or '*'";
  if (/[?#]/.test(text)) return 'is compared without the query; leave out what follows the path';
  return hasControlOrSpace(text) ? 'has a space or a control character' : undefined;
}

export function hostProblem(text: string): string | undefined {
  const pattern = patternProblem(text);
  if (pattern) return pattern;
  if (text.includes('://')) return 'must be a host name without a scheme';
  if (text.includes('/')) return 'must be a host name without a path';
  const bare = text.startsWith('[') ? text.slice(text.indexOf(']') + 1) : text;
  if (/:[0-9*]*$/.test(bare) && !addressBytes(text)) return 'must be a host name without a port';
  return hasControlOrSpace(text) ? 'has a space or a control character' : undefined;
}

function hasControlOrSpace(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f) return true;
  }
  return false;
}

const SCALE: Record<string, number> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** The value of a Kubernetes quantity such as `100m` or `64Mi`; undefined where it is none. */
export function quantity(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(m|k|Ki|M|Mi|G|Gi)?$/.exec(text);
  return match ? Number(match[1]) * SCALE[match[2] ?? '']! : undefined;
}
