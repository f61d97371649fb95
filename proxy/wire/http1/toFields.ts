/** A head of HTTP/1.x as fields of HTTP/2, with what those cannot carry. */
import { cut } from '../exchange/cuts.ts';
import { MAX_MASKED, type Http1Mark, type Names } from '../streams/http1Mark.ts';
import type { Head } from './head.ts';
import {
  CODING_LINE,
  HeadLines,
  HOST_LINE,
  LOWER,
  TITLE,
  UNWANTED_LINE,
  type RecentLines,
} from './headLines.ts';
import { RequestHead } from './request.ts';

/** What is of one connection, and must not be said in HTTP/2 (RFC 9113, 8.2.2). */
const OF_ONE_HOP = cut.hop | cut.connection | cut.upgrade;

export type FieldMark = Pick<Http1Mark, 'version' | 'names' | 'host' | 'codings'>;

const recentRequests: RecentLines = [];
const recentResponses: RecentLines = [];

function linesOf(head: Head, kinds: number): HeadLines {
  const recent = head instanceof RequestHead ? recentRequests : recentResponses;
  return new HeadLines(head, kinds | OF_ONE_HOP, recent);
}

/** Adds the regular fields of `head` to `out`, without lines of `kinds`; returns the mark that goes with them. */
export function appendFields(head: Head, kinds: number, out: string[]): FieldMark {
  const lines = linesOf(head, kinds);
  const mark: FieldMark = { version: head.version, names: 'lower', host: 0, codings: '' };
  let count = 0;
  let shape = LOWER | TITLE;
  let titled = 0;
  let odd = false;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const { name } = line;
    if (line.role === CODING_LINE) {
      if (line.value.includes(',')) mark.codings = line.value.replace(/\s*,\s*chunked$/i, '');
      continue;
    }
    if (line.role === UNWANTED_LINE) continue;
    if (line.role === HOST_LINE) mark.host = count;
    else out.push(name.lower, line.value);
    shape &= name.shape;
    if (name.shape === 0 || count >= MAX_MASKED) odd = true;
    else if ((name.shape & TITLE) !== 0) titled |= 1 << count;
    count++;
  }
  if ((shape & LOWER) === 0) mark.names = odd ? writtenNames(head, kinds) : namesOf(shape, titled);
  return mark;
}

const namesOf = (shape: number, titled: number): Names => ((shape & TITLE) !== 0 ? 'title' : titled);

/** Names as they were written, one for each line that `appendFields` counts. */
function writtenNames(head: Head, kinds: number): string[] {
  const lines = linesOf(head, kinds);
  const written: string[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.role !== CODING_LINE && line.role !== UNWANTED_LINE) written.push(line.name.written);
  }
  return written;
}
