/** What must hold of any head, of a request or of a response. */
import { Accumulator } from '../../proxy/wire/http1/accumulator.ts';
import { cut } from '../../proxy/wire/exchange/cuts.ts';
import { assemble } from '../../proxy/wire/http1/edits.ts';
import { BAD, DONE, LARGE, MORE, type Head, type Outcome } from '../../proxy/wire/http1/head.ts';
import { limit } from '../../proxy/wire/http1/limits.ts';
import { holds, pieces, same } from './check.ts';

const EVERY_CUT = cut.hop | cut.connection | cut.upgrade | cut.reason | cut.weft;
/** Written for this test alone, from RFC 9112, section 5 and RFC 9110, sections 5.5 and 5.6.2. */
const FIELD_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
const ONE_HOP = /^(?:connection|upgrade|keep-alive|proxy-connection|http2-settings|x[-_]weft[-_].*)$/i;

export interface Reading<H extends Head> {
  make(): H;
  /** What a proxy acts upon. */
  describe(head: H): unknown;
  startLine: RegExp;
  /** Length and chunked, as who reads what is passed on must see them. */
  framing(head: H): readonly [number, boolean];
}

/** Reads as a connection does: in pieces, each time with all that came before. */
function readPieces(head: Head, parts: readonly Buffer[]): Outcome {
  let joined: Accumulator | undefined;
  let outcome: Outcome = MORE;
  for (const part of parts) {
    const all: Buffer = joined ? joined.append(part) : part;
    joined ??= new Accumulator(part);
    outcome = head.read(all, 0);
    if (outcome !== MORE) break;
  }
  return outcome;
}

export function checkHead<H extends Head>(data: Buffer, reading: Reading<H>): H | undefined {
  const bytes = data.subarray(1);
  const whole = reading.make();
  const outcome = whole.read(bytes, 0);
  const split = reading.make();
  const parts = pieces(bytes, data[0] ?? 0);
  const pieceByPiece = readPieces(split, parts);
  if (bytes.length > limit.headBytes && outcome !== DONE) {
    // over the bound a head is refused anyhow; for which reason depends on the pieces
    holds(pieceByPiece !== DONE && pieceByPiece !== MORE, 'a head over the bound is refused');
  } else if (outcome === BAD && pieceByPiece === MORE) {
    // a long line is looked at again when its end comes
    same(readPieces(reading.make(), [...parts, Buffer.from('\r\n')]), BAD, 'a bad line, at its end');
  } else same([pieceByPiece, split.problem], [outcome, whole.problem], 'split and whole');
  if (outcome !== DONE) return undefined;
  same(reading.describe(split), reading.describe(whole), 'split and whole');
  checkText(whole, reading);
  const forwarded = checkForwarded(whole, reading);
  const nothing = reading.make();
  nothing.read(bytes, 0);
  nothing.reset();
  holds([DONE, LARGE].includes(nothing.read(forwarded, 0)), 'a head that is used again');
  return whole;
}

/** The head itself, by an independent and slow reading. */
function checkText<H extends Head>(head: H, reading: Reading<H>): void {
  const text = head.bytes.toString('latin1', head.base + head.first, head.end);
  same(assemble(head, 0, ''), text, 'a head without changes');
  const lines = text.split('\r\n');
  same(lines.slice(-2), ['', ''], 'the end of a head');
  holds(reading.startLine.test(lines[0]!), `start line ${JSON.stringify(lines[0])}`);
  const fields = lines.slice(1, -2);
  for (const line of fields) holds(FIELD_LINE.test(line), `field line ${JSON.stringify(line)}`);
  const named = (name: RegExp) => fields.filter((line) => name.test(line));
  const [lengths, codings] = [named(/^content-length:/i), named(/^transfer-encoding:/i)];
  holds(lengths.length + codings.length <= 1, 'framed in two ways');
  same(head.chunked, codings.length === 1, 'chunked');
  same(head.contentLength, lengths.length === 1 ? Number(lengths[0]!.split(':')[1]!.trim()) : -1, 'length');
}

/** What is passed on is read by the next proxy as the same message, and it says nothing that is for one hop only. */
function checkForwarded<H extends Head>(head: H, reading: Reading<H>): Buffer {
  const text = assemble(head, EVERY_CUT, 'x-added: 1\r\n');
  for (const line of text.split('\r\n').slice(1))
    holds(!ONE_HOP.test(line.split(':')[0]!), `passed on ${JSON.stringify(line)}`);
  const forwarded = Buffer.from(text, 'latin1');
  const again = reading.make();
  const outcome = again.read(forwarded, 0);
  // with the lines that were added it may be over the bound, and is refused for that
  if (outcome === LARGE) return forwarded;
  same(outcome, DONE, `passed on and read again (${again.problem})`);
  same([again.contentLength, again.chunked, again.hosts], [...reading.framing(head), head.hosts], 'framing');
  same(assemble(again, EVERY_CUT, ''), text, 'passed on twice');
  return forwarded;
}
