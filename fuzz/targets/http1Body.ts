import { Body, framing, type Framing } from '../../proxy/wire/http1/body.ts';
import type { Target } from '../engine/target.ts';
import { holds, pieces, same } from './check.ts';
import { chunkedEnd } from './chunked.ts';

interface Followed {
  /** Bytes that belong to the body; -1 where it is refused. */
  end: number;
  done: boolean;
  size: number;
  problem: string;
}

function follow(parts: readonly Buffer[], kind: Framing, length: number): Followed {
  const body = new Body();
  body.begin(kind, length);
  let end = 0;
  for (const part of parts) {
    if (body.done) break;
    const after = body.read(part, 0);
    if (after < 0) return { end: -1, done: body.done, size: 0, problem: body.problem };
    holds(after <= part.length, 'reads past the end');
    end += after;
  }
  return { end, done: body.done, size: body.size, problem: '' };
}

/** A body: the first byte of the input says how it is split, the second how it is framed, the third how long it is. */
export const target: Target = {
  name: 'http1-body',
  maxBytes: 40_000,
  seeds: [
    '\0\x00\x005\r\nhello\r\n0\r\n\r\nGET',
    '\x01\x00\x00A;x="y";z\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-Other:\r\n\r\n',
    '\x02\x01\x05hello world',
    '\x03\x02\x05hello',
  ],
  dictionary: [
    '\r\n',
    '0\r\n\r\n',
    '0\r\n',
    'fffffffffff',
    '0x',
    ';a="\r\n"',
    'Host: a\r\n',
    'x-weft-a: b\r\n',
    'A: b\r\n',
  ],
  run(data) {
    const kinds = [framing.chunked, framing.length, framing.close, framing.none];
    const kind = kinds[(data[1] ?? 0) % kinds.length]!;
    const bytes = data.subarray(3);
    const length = data[2] ?? 0;
    const whole = follow([bytes], kind, length);
    same(follow(pieces(bytes, data[0] ?? 0), kind, length), whole, 'split and whole');
    if (kind === framing.length) same(whole.end, Math.min(length, bytes.length), 'length');
    if (kind !== framing.chunked || !whole.done) return;
    same({ end: whole.end, size: whole.size }, chunkedEnd(bytes.toString('latin1'), 0), 'chunked');
    holds(/^[^]*\r\n$/.test(bytes.toString('latin1', 0, whole.end)), 'ends in CR LF');
  },
};
