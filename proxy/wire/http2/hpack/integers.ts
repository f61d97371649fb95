/** Integers of RFC 7541 5.1: a prefix in the low bits of a byte, then seven bits a byte, the lowest first. */

/** Where a block is read or written; shared by what does so, so that no step returns two values. */
export interface Cursor {
  bytes: Buffer;
  at: number;
  /** Just past what may be read; unused in writing. */
  end: number;
}

/** Just past the last number that is accepted: nothing in a block is bigger, and shifts stay exact below it. */
const BOUND = 2 ** 31;
/** The shift of the fifth and last byte after the prefix. */
const LAST_SHIFT = 28;

/**
 * Reads the integer at the cursor, whose prefix is the bits of `mask`, and moves past it.
 * -1 where it is cut off, longer than five bytes after the prefix, or 2^31 and more.
 */
export function readInteger(cursor: Cursor, mask: number): number {
  if (cursor.at >= cursor.end) return -1;
  const prefix = cursor.bytes[cursor.at++]! & mask;
  return prefix < mask ? prefix : readContinuation(cursor, mask);
}

/** The rest of an integer whose prefix, before the cursor, was all ones. */
export function readContinuation(cursor: Cursor, mask: number): number {
  const { bytes, end } = cursor;
  let value = mask;
  for (let shift = 0; shift <= LAST_SHIFT && cursor.at < end; shift += 7) {
    const byte = bytes[cursor.at++]!;
    // not a shift to the left: the fifth byte would run over into the sign
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value < BOUND ? value : -1;
  }
  return -1;
}

/** First byte of a representation: the bits that say which it is, and the bits that the integer's prefix has. */
export interface Prefix {
  readonly pattern: number;
  readonly mask: number;
}

/** Writes `value`, below 2^31, at the cursor and moves past it. */
export function writeInteger(cursor: Cursor, { pattern, mask }: Prefix, value: number): void {
  const { bytes } = cursor;
  if (value < mask) {
    bytes[cursor.at++] = pattern | value;
    return;
  }
  bytes[cursor.at++] = pattern | mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) bytes[cursor.at++] = (rest & 0x7f) | 0x80;
  bytes[cursor.at++] = rest;
}
