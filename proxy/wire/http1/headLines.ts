/** The field lines of a head, taken apart. Those that come again and again are taken apart once. */
import { ownText } from '../copies.ts';
import { isSecret } from '../exchange/secrets.ts';
import { titleCase } from '../streams/titleCase.ts';
import type { Head } from './head.ts';

/** How a name is written. Neither: in a way of its own. */
export const LOWER = 1;
export const TITLE = 2;

/** What a line is to HTTP/2. */
export const FIELD_LINE = 0;
/** Becomes the authority. */
export const HOST_LINE = 1;
/** Its framing is not that of HTTP/2. */
export const CODING_LINE = 2;
/** `TE` with anything but trailers (RFC 9113, 8.2.2). */
export const UNWANTED_LINE = 3;

interface Name {
  readonly lower: string;
  readonly written: string;
  /** LOWER and TITLE, where it is written so. */
  readonly shape: number;
  readonly kept: boolean;
}

export interface Line {
  readonly name: Name;
  readonly value: string;
  readonly role: number;
  /** As it came, with its end; '' where it is not kept. */
  readonly text: string;
}

/** Lines at their places in the heads of late: the same client says the same in the same order. Bounded by the count of fields. */
export type RecentLines = Line[];

/** Bounds, since clients can invent any number of lines. */
const MAX_LINES = 1024;
const MAX_LENGTH = 512;
const lines = new Map<string, Line>();
const names = new Map<string, Name>();
/** Different in each message. */
const NOT_KEPT = new Set([
  'x-request-id', 'traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'date',
  'etag', 'last-modified', 'if-none-match', 'content-length', 'sec-websocket-key', 'sec-websocket-accept',
]); // prettier-ignore

const SPACE = 32;
const TAB = 9;
const COLON = 58;

export class HeadLines {
  private readonly head: Head;
  /** Kinds of lines (cut.…) that are left out. */
  private readonly unwanted: number;
  private readonly recent: RecentLines;
  private readonly text: string;
  private readonly end: number;
  private at: number;
  private index = 0;
  private cutAt = 0;

  constructor(head: Head, unwanted: number, recent: RecentLines) {
    this.head = head;
    this.unwanted = unwanted;
    this.recent = recent;
    this.text = head.text;
    this.at = head.fieldsFrom;
    this.end = head.length - 2;
  }

  /** The next line that stays; undefined at the end. */
  next(): Line | undefined {
    while (this.at < this.end) {
      const start = this.at;
      const line = this.take(start);
      if (!this.isCut(start)) return line;
    }
    return undefined;
  }

  private take(start: number): Line {
    const { text, recent } = this;
    const index = this.index++;
    const expected = recent[index];
    if (expected !== undefined) {
      if (expected.text !== '' && text.startsWith(expected.text, start)) {
        this.at = start + expected.text.length;
        return expected;
      }
      const { name } = expected;
      const colon = start + name.written.length;
      if (!name.kept && text.charCodeAt(colon) === COLON && text.startsWith(name.written, start)) {
        this.at = text.indexOf('\r\n', colon) + 2;
        return otherLine(name, trimmed(text, colon + 1, this.at - 2));
      }
    }
    this.at = text.indexOf('\r\n', start) + 2;
    const line = lineOf(text.slice(start, this.at));
    recent[index] = line.text === '' ? { ...line, value: '' } : line;
    return line;
  }

  private isCut(start: number): boolean {
    const { count, kinds, starts } = this.head.cuts;
    while (this.cutAt < count && starts[this.cutAt]! < start) this.cutAt++;
    if (this.cutAt === count || starts[this.cutAt] !== start) return false;
    return (kinds[this.cutAt]! & this.unwanted) !== 0;
  }
}

/** `text` with its end. */
function lineOf(text: string): Line {
  const known = lines.get(text);
  if (known !== undefined) return known;
  const colon = text.indexOf(':');
  const name = nameOf(text.slice(0, colon));
  const value = trimmed(text, colon + 1, text.length - 2);
  if (!name.kept || text.length > MAX_LENGTH) return otherLine(name, value);
  if (lines.size >= MAX_LINES) lines.clear();
  const line = keptLine(name, ownText(value), ownText(text));
  lines.set(line.text, line);
  return line;
}

/** Of which nothing but the name is kept. */
const otherLine = (name: Name, value: string): Line => keptLine(name, value, '');

function keptLine(name: Name, given: string, text: string): Line {
  // HTTP/2 knows it in lower case alone
  const value = name.lower === 'te' ? given.toLowerCase() : given;
  return { name, value, role: roleOf(name.lower, value), text };
}

function nameOf(text: string): Name {
  const known = names.get(text);
  if (known !== undefined) return known;
  const written = ownText(text);
  const lower = written.toLowerCase();
  const shape = (written === lower ? LOWER : 0) | (written === titleCase(lower) ? TITLE : 0);
  const name = { lower, written, shape, kept: !NOT_KEPT.has(lower) && !isSecret(lower) };
  if (names.size >= MAX_LINES) names.clear();
  if (written.length <= MAX_LENGTH) names.set(written, name);
  return name;
}

function roleOf(lower: string, value: string): number {
  if (lower === 'host') return HOST_LINE;
  if (lower === 'transfer-encoding') return CODING_LINE;
  return lower === 'te' && value !== 'trailers' ? UNWANTED_LINE : FIELD_LINE;
}

/** Between two places, without white space at its ends (RFC 9112, 5). */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB;
