import { Accumulator } from '../accumulator.ts';
import { cut } from '../../exchange/cuts.ts';
import { MORE, type Head, type Outcome } from '../head.ts';

/** All kinds of lines that a proxy may leave out. */
export const ALL = cut.hop | cut.connection | cut.upgrade | cut.reason | cut.weft;

/** Reads `text` in pieces as a connection would, and says what came of it. */
export function read(head: Head, text: string, size = text.length): { outcome: Outcome; problem: string } {
  const bytes = Buffer.from(text, 'latin1');
  let joined: Accumulator | undefined;
  let outcome: Outcome = MORE;
  for (let at = 0; at < bytes.length && outcome === MORE; at += size) {
    const piece = bytes.subarray(at, at + size);
    const all: Buffer = joined ? joined.append(piece) : piece;
    joined ??= new Accumulator(piece);
    outcome = head.read(all, 0);
  }
  return { outcome, problem: head.problem };
}
