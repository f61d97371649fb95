/**
 * What Weft must know of a certificate and node:crypto shows only as text, or not at all. node's `subjectAltName` is a
 * comma-separated line in which a crafted name can pretend to be several, so names are read from the DER instead.
 */
import { context, oidText, readElements, readOnly, tag, type Element } from '../der.ts';

export const extension = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

export const extendedUsage = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** GeneralName (RFC 5280, section 4.2.1.6) by its context tag. */
export const generalName = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export interface Name {
  /** Number of the GeneralName's tag. */
  readonly type: number;
  readonly value: Uint8Array;
}

export interface NameConstraints {
  readonly permitted: readonly Name[];
  readonly excluded: readonly Name[];
}

/** Bits of KeyUsage that matter here (RFC 5280, section 4.2.1.3). */
export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly certificateSign: boolean;
  readonly crlSign: boolean;
}

/** Extensions of a certificate's DER by dotted identifier. Throws RangeError when malformed or when one comes twice. */
export function extensionsOf(certificate: Uint8Array): Map<string, Extension> {
  const [body] = readElements(readOnly(certificate, tag.sequence));
  if (body?.tag !== tag.sequence) throw new RangeError('no certificate body');
  const wrapper = readElements(body.value).find((part) => part.tag === context(3, true));
  const extensions = new Map<string, Extension>();
  if (!wrapper) return extensions;
  for (const { tag: type, value } of readElements(readOnly(wrapper.value, tag.sequence))) {
    if (type !== tag.sequence) throw new RangeError('an extension is not a sequence');
    const { id, extension } = readExtension(readElements(value));
    if (extensions.has(id)) throw new RangeError(`extension ${id} comes twice`);
    extensions.set(id, extension);
  }
  return extensions;
}

function readExtension(parts: Element[]): { id: string; extension: Extension } {
  const [id, ...rest] = parts;
  const value = rest.pop();
  const [critical] = rest;
  if (id?.tag !== tag.oid || value?.tag !== tag.octetString || rest.length > 1)
    throw new RangeError('malformed extension');
  if (critical && (critical.tag !== tag.boolean || critical.value.length !== 1))
    throw new RangeError('malformed extension');
  return {
    id: oidText(id.value),
    extension: { critical: critical !== undefined && critical.value[0] !== 0, value: value.value },
  };
}

/** Names of a subjectAltName, in order. */
export const alternativeNames = (value: Uint8Array): Name[] =>
  readElements(readOnly(value, tag.sequence)).map((part) => nameOf(part));

/** Names that are made of parts (RFC 5280, 4.2.1.6): otherName, x400Address, directoryName, ediPartyName. */
const OF_PARTS: ReadonlySet<number> = new Set([0, 3, 4, 5]);

const nameOf = (part: Element | undefined): Name => {
  if (part === undefined || (part.tag & 0xc0) !== 0x80) throw new RangeError('malformed name');
  const type = part.tag & 0x1f;
  // to OpenSSL it would be no name at all
  if (((part.tag & 0x20) !== 0) !== OF_PARTS.has(type)) throw new RangeError('malformed name');
  return { type, value: part.value };
};

/** `pathLength` is undefined where there is no limit. */
export function basicConstraints(value: Uint8Array): { ca: boolean; pathLength: number | undefined } {
  const parts = readElements(readOnly(value, tag.sequence));
  const ca = parts[0]?.tag === tag.boolean && parts[0].value[0] !== 0;
  const limit = parts.find((part) => part.tag === tag.integer);
  if (limit && (limit.value.length !== 1 || limit.value[0]! > 0x7f))
    throw new RangeError('unreasonable path length');
  return { ca, pathLength: limit?.value[0] };
}

export function keyUsage(value: Uint8Array): KeyUsage {
  const [, bits = 0] = readOnly(value, tag.bitString);
  return {
    digitalSignature: (bits & 0x80) !== 0,
    certificateSign: (bits & 0x04) !== 0,
    crlSign: (bits & 0x02) !== 0,
  };
}

/** Dotted identifiers of the purposes. */
export const extendedKeyUsage = (value: Uint8Array): string[] =>
  readElements(readOnly(value, tag.sequence)).map((part) => oidText(part.value));

export function nameConstraints(value: Uint8Array): NameConstraints {
  const parts = readElements(readOnly(value, tag.sequence));
  const subtrees = (number: number): Name[] => {
    const part = parts.find((candidate) => candidate.tag === context(number, true));
    return part ? readElements(part.value).map((subtree) => nameOf(readElements(subtree.value)[0])) : [];
  };
  return { permitted: subtrees(0), excluded: subtrees(1) };
}

/** Hex of the subject's key identifier; undefined where the certificate has none. */
export function subjectKeyId(certificate: Uint8Array): string | undefined {
  const found = extensionsOf(certificate).get(extension.subjectKeyIdentifier);
  return found && Buffer.from(readOnly(found.value, tag.octetString)).toString('hex');
}
