/** A head of HTTP/1.x as fields of HTTP/2, with what those cannot carry. */
import { cut } from '../exchange/cuts.ts';
import { titleCase, type Http1Mark } from '../streams/http1Mark.ts';
import type { Head } from './head.ts';

/** What is of one connection, and must not be said in HTTP/2 (RFC 9113, 8.2.2). */
const OF_ONE_HOP = cut.hop | cut.connection | cut.upgrade;

const LOWER = 1;
const TITLE = 2;

interface Name {
  lower: string;
  written: string;
  /** LOWER and TITLE, where the name is written so. */
  shape: number;
}

interface Line extends Name {
  value: string;
}

/** Lines that come again and again are taken apart once; bounded, since clients can invent any number of them. */
const MAX_LINES = 1024;
const MAX_LINE_LENGTH = 512;
const lines = new Map<string, Line>();
const names = new Map<string, Name>();
/** Different in each message, or nothing to keep in memory. */
const NOT_KEPT = new Set([
  'x-request-id', 'traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'date',
  'etag', 'last-modified', 'if-none-match', 'authorization', 'cookie', 'set-cookie', 'proxy-authorization',
  'content-length', 'sec-websocket-key', 'sec-websocket-accept',
]); // prettier-ignore

/** Adds the regular fields of `head` to `out`, without lines of `kinds`; returns the mark that goes with them. */
export function appendFields(head: Head, kinds: number, out: string[]): Partial<Http1Mark> {
  const mark: Partial<Http1Mark> = { version: head.version };
  let count = 0;
  let shape = LOWER | TITLE;
  eachLine(head, kinds | OF_ONE_HOP, (line) => {
    if (line.lower === 'transfer-encoding') {
      if (line.value.includes(',')) mark.codings = line.value.replace(/\s*,\s*chunked$/i, '');
      return;
    }
    if (line.lower === 'te' && line.value.toLowerCase() !== 'trailers') return;
    shape &= line.shape;
    if (line.lower === 'host') mark.host = count;
    else out.push(line.lower, line.value);
    count++;
  });
  mark.names = (shape & LOWER) !== 0 ? 'lower' : (shape & TITLE) !== 0 ? 'title' : writtenNames(head, kinds);
  return mark;
}

/** Names as they were written, one for each line that `appendFields` counts. */
function writtenNames(head: Head, kinds: number): string[] {
  const written: string[] = [];
  eachLine(head, kinds | OF_ONE_HOP, ({ lower, value, written: name }) => {
    if (lower === 'transfer-encoding' || (lower === 'te' && value.toLowerCase() !== 'trailers')) return;
    written.push(name);
  });
  return written;
}

function eachLine(head: Head, unwanted: number, visit: (line: Line) => void): void {
  const { bytes, base, fieldsFrom, cutKinds, cutStarts } = head;
  const text = bytes.toString('latin1', base + fieldsFrom, base + head.length - 2);
  let next = 0;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n', at);
    const start = fieldsFrom + at;
    while (next < cutStarts.length && cutStarts[next]! < start) next++;
    const isCut = next < cutStarts.length && cutStarts[next] === start && (cutKinds[next]! & unwanted) !== 0;
    if (!isCut) visit(lineOf(text.slice(at, end)));
    at = end + 2;
  }
}

function lineOf(text: string): Line {
  let line = lines.get(text);
  if (line !== undefined) return line;
  const colon = text.indexOf(':');
  const name = nameOf(text.slice(0, colon));
  line = { ...name, value: text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '') };
  if (text.length > MAX_LINE_LENGTH || NOT_KEPT.has(name.lower)) return line;
  if (lines.size >= MAX_LINES) lines.clear();
  lines.set(text, line);
  return line;
}

function nameOf(written: string): Name {
  let name = names.get(written);
  if (name !== undefined) return name;
  const lower = written.toLowerCase();
  const shape = (written === lower ? LOWER : 0) | (written === titleCase(lower) ? TITLE : 0);
  name = { lower, written, shape };
  if (names.size >= MAX_LINES) names.clear();
  if (written.length <= MAX_LINE_LENGTH) names.set(written, name);
  return name;
}
