/** Decodes Huffman-coded strings, RFC 7541 5.2 and appendix B, a byte a step. */
import { CODE_LENGTHS, CODES, END_OF_STRING } from './huffmanCode.ts';
import type { Cursor } from './integers.ts';
import { readLatin1 } from './latin1.ts';

/** The string breaks the rules of RFC 7541 5.2: the whole connection is lost. */
export const INVALID = -1;
/** The string keeps the rules, but is longer than asked for. */
export const OVERLONG = -2;

/**
 * The tree of the code: CHILDREN[2 * node + bit] is a node, or -1 - symbol. The root is 0; being no node's child, 0
 * also stands for a child that is yet to be made.
 */
const CHILDREN: readonly number[] = tree();

/**
 * What a byte does in a state, which is a node of the tree: the bits since the last whole symbol. From the lowest byte:
 * the next state, the first and the second symbol that ended, and how many did (no more than two: a code has five bits
 * at least). IMPOSSIBLE where END_OF_STRING ended; 0 where it is not computed yet, which nothing computed can be.
 * The rows are computed when a string first needs them: of the 256 common text uses a few dozen, and a proxy between
 * whose peers all strings are raw uses none, so most of this memory is never touched.
 */
const STEPS = new Int32Array(256 * 256);
const IMPOSSIBLE = -1;

/** 1 for the states in which a string may end: at most seven bits since the last symbol, all ones. */
const ENDS = new Uint8Array(256);
for (let state = 0, depth = 0; depth < 8; depth += 1, state = CHILDREN[2 * state + 1]!) ENDS[state] = 1;

function tree(): number[] {
  const children: number[] = [0, 0];
  CODES.forEach((code, symbol) => {
    let node = 0;
    for (let bit = CODE_LENGTHS[symbol]! - 1; bit > 0; bit -= 1) {
      const branch = 2 * node + ((code >>> bit) & 1);
      if (children[branch] === 0) {
        children[branch] = children.length / 2;
        children.push(0, 0);
      }
      node = children[branch]!;
    }
    children[2 * node + (code & 1)] = -1 - symbol;
  });
  return children;
}

function computeRow(state: number): void {
  for (let byte = 0; byte < 256; byte += 1) STEPS[(state << 8) | byte] = computeStep(state, byte);
}

function computeStep(state: number, byte: number): number {
  let node = state;
  let symbols = 0;
  let count = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    node = CHILDREN[2 * node + ((byte >>> bit) & 1)]!;
    if (node >= 0) continue;
    const symbol = -1 - node;
    if (symbol === END_OF_STRING) return IMPOSSIBLE;
    count += 1;
    symbols |= symbol << (8 * count);
    node = 0;
  }
  return (count << 24) | symbols | node;
}

/** Most strings fit; a longer one gets a buffer of its own, so that one long string does not cost memory for good. */
const SCRATCH = Buffer.alloc(4096);

/**
 * Decodes the `length` bytes at the cursor, all of which are there, and moves past them. A string of more than `limit`
 * bytes is not kept, but still checked to its end.
 */
export function readHuffman(cursor: Cursor, length: number, limit: number): string | number {
  const { bytes } = cursor;
  const end = cursor.at + length;
  const room = Math.min(limit, Math.floor((length * 8) / 5));
  // two symbols are written at each step, though there may be fewer: they are overwritten, or lie past the end
  const out = room + 2 <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(room + 2);
  let written = 0;
  let state = 0;
  for (let at = cursor.at; at < end; at += 1) {
    const slot = (state << 8) | bytes[at]!;
    if (STEPS[slot] === 0) computeRow(state);
    const step = STEPS[slot]!;
    if (step < 0) return INVALID;
    if (written < room) {
      out[written] = step >>> 8;
      out[written + 1] = step >>> 16;
    }
    written += step >>> 24;
    state = step & 0xff;
  }
  cursor.at = end;
  if (ENDS[state] === 0) return INVALID;
  return written > limit ? OVERLONG : readLatin1(out, 0, written);
}
