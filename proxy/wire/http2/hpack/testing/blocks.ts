/** Blocks in tests: bytes from hex, from Huffman code, and through a decoder. */
import type { DecodeFailure, HpackDecoder } from '../decoder.ts';
import type { HpackEncoder } from '../encoder.ts';
import { sizeBound } from '../encoder.ts';
import { CODE_LENGTHS, CODES } from '../huffmanCode.ts';

/** Spaces are ignored. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** The text as Huffman code, padded as RFC 7541 5.2 says. */
export function huffman(text: string): Buffer {
  const bits = Array.from(Buffer.from(text, 'latin1'), (byte) =>
    CODES[byte]!.toString(2).padStart(CODE_LENGTHS[byte]!, '0'),
  ).join('');
  return fromBits(bits.padEnd(Math.ceil(bits.length / 8) * 8, '1'));
}

/** Bytes from a text of zeros and ones, a multiple of eight of them. */
export function fromBits(bits: string): Buffer {
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** Decodes from the middle of a bigger buffer, so that reading past an end shows. */
export function decode(decoder: HpackDecoder, block: Buffer | string): string[] | DecodeFailure {
  const bytes = typeof block === 'string' ? hex(block) : block;
  const around = Buffer.concat([Buffer.alloc(3, 0x82), bytes, Buffer.alloc(9, 0x84)]);
  return decoder.decode(around, 3, 3 + bytes.length);
}

export function encode(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  const out = Buffer.alloc(sizeBound(fields) + 5);
  const end = encoder.encode(fields, out, 5);
  return out.subarray(5, end);
}
