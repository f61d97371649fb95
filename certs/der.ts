/**
 * The little DER (ITU-T X.690) that Weft needs itself: to write name constraints and signing requests, and to read the
 * extensions that node:crypto shows only as text. Lengths are checked against what is really there, so that bytes of a
 * peer cannot make a reader run past its input; depth and number of elements are bounded by the callers' fixed shapes.
 */

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tag `[number]`; constructed ones hold other elements. */
export const context = (number: number, constructed = false): number =>
  0x80 | (constructed ? 0x20 : 0) | number;

/** One element: `value` is its content, a view into the input. */
export interface Element {
  readonly tag: number;
  readonly value: Uint8Array;
}

const MAX_ELEMENTS = 256;

/** All elements that lie side by side in `bytes`. Throws RangeError unless they fill it exactly. */
export function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (elements.length === MAX_ELEMENTS) throw new RangeError(`more than ${MAX_ELEMENTS} elements`);
    const { element, end } = readAt(bytes, offset);
    elements.push(element);
    offset = end;
  }
  return elements;
}

/** The one element that fills `bytes`, which must have `expected` as its tag. Throws RangeError otherwise. */
export function readOnly(bytes: Uint8Array, expected: number): Uint8Array {
  const { element, end } = readAt(bytes, 0);
  if (element.tag !== expected) throw new RangeError(`tag ${element.tag} where ${expected} belongs`);
  if (end !== bytes.length) throw new RangeError('bytes after the end of the element');
  return element.value;
}

function readAt(bytes: Uint8Array, offset: number): { element: Element; end: number } {
  const first = bytes[offset];
  const length = bytes[offset + 1];
  if (first === undefined || length === undefined) throw new RangeError('truncated element');
  if ((first & 0x1f) === 0x1f) throw new RangeError('tag of more than one byte');
  let start = offset + 2;
  let size = length;
  if (length & 0x80) {
    const count = length & 0x7f;
    // No certificate has an element of 16 MiB, and indefinite length (count 0) is not DER.
    if (count === 0 || count > 3) throw new RangeError('unsupported length');
    size = 0;
    for (let i = 0; i < count; i++) size = size * 256 + (bytes[start + i] ?? 0);
    if (size < (count === 1 ? 0x80 : 2 ** (8 * (count - 1)))) throw new RangeError('length is not minimal');
    start += count;
  }
  const end = start + size;
  if (end > bytes.length) throw new RangeError('truncated element');
  return { element: { tag: first, value: bytes.subarray(start, end) }, end };
}

/** An element of the concatenated `contents`. */
export function element(tagByte: number, ...contents: Uint8Array[]): Uint8Array {
  const size = contents.reduce((sum, content) => sum + content.length, 0);
  const result = new Uint8Array(1 + lengthBytes(size).length + size);
  result[0] = tagByte;
  result.set(lengthBytes(size), 1);
  let offset = result.length - size;
  for (const content of contents) {
    result.set(content, offset);
    offset += content.length;
  }
  return result;
}

function lengthBytes(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Content of an OBJECT IDENTIFIER, from its dotted form. */
export function oidContent(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return Uint8Array.from([first * 40 + second, ...rest].flatMap(base128));
}

/** Dotted form of an OBJECT IDENTIFIER's content; arcs above 2^31 do not occur in what Weft compares. */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...rest].join('.');
}

function base128(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift(0x80 | (rest % 128));
  return bytes;
}

export const oid = (dotted: string): Uint8Array => element(tag.oid, oidContent(dotted));

/** Text that X.509 keeps as IA5String. Throws RangeError for anything beyond ASCII: it would be read as other text. */
export function ascii(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7e) throw new RangeError(`not ASCII: ${JSON.stringify(text)}`);
  return new TextEncoder().encode(text);
}
