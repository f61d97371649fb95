/** Decodes Huffman-coded strings, RFC 7541 5.2 and appendix B, four bits a step by a table that is built once. */
import { CODE_LENGTHS, CODES, END_OF_STRING } from './huffmanCode.ts';
import type { Cursor } from './integers.ts';
import { readLatin1 } from './latin1.ts';

/** The string breaks the rules of RFC 7541 5.2: the whole connection is lost. */
export const INVALID = -1;
/** The string keeps the rules, but is longer than asked for. */
export const OVERLONG = -2;

/**
 * A state is a node of the code's tree: the bits since the last whole symbol. For each state and each four bits: the
 * next state in the low byte, above it the symbol that these bits end, if EMITS is set. -1 where END_OF_STRING ends.
 */
const STEPS = new Int32Array(256 * 16);
const EMITS = 1 << 16;
/** 1 for the states in which a string may end: at most seven bits since the last symbol, all ones. */
const ENDS = new Uint8Array(256);
build();

function build(): void {
  // children[2 * node + bit]: a node, or -1 - symbol
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
  for (let state = 0; state < 256; state += 1) {
    for (let bits = 0; bits < 16; bits += 1) STEPS[state * 16 + bits] = step(children, state, bits);
  }
  for (let state = 0, depth = 0; depth < 8; depth += 1, state = children[2 * state + 1]!) ENDS[state] = 1;
}

/** What four bits do in a state. No code is shorter than five bits, so they end one symbol at most. */
function step(children: readonly number[], state: number, bits: number): number {
  let node = state;
  let emitted = 0;
  for (let shift = 3; shift >= 0; shift -= 1) {
    node = children[2 * node + ((bits >>> shift) & 1)]!;
    if (node >= 0) continue;
    const symbol = -1 - node;
    if (symbol === END_OF_STRING) return -1;
    emitted = EMITS | (symbol << 8);
    node = 0;
  }
  return emitted | node;
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
  // the shortest code has five bits
  const room = Math.min(limit, Math.floor((length * 8) / 5));
  const out = room <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(room);
  let written = 0;
  let state = 0;
  for (let at = cursor.at; at < end; at += 1) {
    const byte = bytes[at]!;
    const high = STEPS[(state << 4) | (byte >>> 4)]!;
    if (high >= EMITS) {
      if (written < room) out[written] = high >>> 8;
      written += 1;
    }
    const low = high < 0 ? -1 : STEPS[((high & 0xff) << 4) | (byte & 15)]!;
    if (low < 0) return INVALID;
    if (low >= EMITS) {
      if (written < room) out[written] = low >>> 8;
      written += 1;
    }
    state = low & 0xff;
  }
  cursor.at = end;
  if (ENDS[state] === 0) return INVALID;
  return written > limit ? OVERLONG : readLatin1(out, 0, written);
}
