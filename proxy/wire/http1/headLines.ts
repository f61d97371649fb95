/** The field lines of a head, taken apart. Those that come again and again are taken apart once. */
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

export interface Line extends Omit<Name, 'kept'> {
  readonly value: string;
  readonly role: number;
}

/** Bounds, since clients can invent any number of lines. */
const MAX_LINES = 1024;
const MAX_LENGTH = 512;
const lines = new Map<string, Line>();
const names = new Map<string, Name>();
/** Different in each message, or nothing to keep in memory. */
const NOT_KEPT = new Set([
  'x-request-id', 'traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'date',
  'etag', 'last-modified', 'if-none-match', 'authorization', 'cookie', 'set-cookie', 'proxy-authorization',
  'content-length', 'sec-websocket-key', 'sec-websocket-accept',
]); // prettier-ignore

const SPACE = 32;
const TAB = 9;

export class HeadLines {
  private readonly head: Head;
  /** Kinds of lines (cut.…) that are left out. */
  private readonly unwanted: number;
  private readonly text: string;
  private at = 0;
  private cutAt = 0;

  constructor(head: Head, unwanted: number) {
    this.head = head;
    this.unwanted = unwanted;
    const { bytes, base, fieldsFrom, length } = head;
    this.text = bytes.toString('latin1', base + fieldsFrom, base + length - 2);
  }

  /** The next line that stays; undefined at the end. */
  next(): Line | undefined {
    const { text } = this;
    while (this.at < text.length) {
      const start = this.at;
      const end = text.indexOf('\r\n', start);
      this.at = end + 2;
      if (!this.isCut(start)) return lineOf(text.slice(start, end));
    }
    return undefined;
  }

  private isCut(start: number): boolean {
    const { cutKinds, cutStarts, fieldsFrom } = this.head;
    while (this.cutAt < cutStarts.length && cutStarts[this.cutAt]! < fieldsFrom + start) this.cutAt++;
    if (this.cutAt === cutStarts.length || cutStarts[this.cutAt] !== fieldsFrom + start) return false;
    return (cutKinds[this.cutAt]! & this.unwanted) !== 0;
  }
}

function lineOf(text: string): Line {
  const known = lines.get(text);
  if (known !== undefined) return known;
  const colon = text.indexOf(':');
  const { lower, written, shape, kept } = nameOf(text.slice(0, colon));
  const given = trimmed(text, colon + 1);
  // HTTP/2 knows it in lower case alone
  const value = lower === 'te' ? given.toLowerCase() : given;
  const line = { lower, written, shape, value, role: roleOf(lower, value) };
  if (!kept || text.length > MAX_LENGTH) return line;
  if (lines.size >= MAX_LINES) lines.clear();
  lines.set(text, line);
  return line;
}

function nameOf(written: string): Name {
  const known = names.get(written);
  if (known !== undefined) return known;
  const lower = written.toLowerCase();
  const shape = (written === lower ? LOWER : 0) | (written === titleCase(lower) ? TITLE : 0);
  const name = { lower, written, shape, kept: !NOT_KEPT.has(lower) };
  if (names.size >= MAX_LINES) names.clear();
  if (written.length <= MAX_LENGTH) names.set(written, name);
  return name;
}

function roleOf(lower: string, value: string): number {
  if (lower === 'host') return HOST_LINE;
  if (lower === 'transfer-encoding') return CODING_LINE;
  return lower === 'te' && value !== 'trailers' ? UNWANTED_LINE : FIELD_LINE;
}

/** Without white space at its ends (RFC 9112, 5). */
function trimmed(text: string, from: number): string {
  let start = from;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB;
