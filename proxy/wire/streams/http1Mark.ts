/**
 * What HTTP/2 cannot carry of an HTTP/1.x message between two proxies: its version, the case of its names, where Host
 * stood, the reason phrase. One field, `weft-http1`, whose value is nearly always the same and so costs one byte
 * (docs/wire.md is its specification). It is believed only from a proxy that proved its identity.
 */
import { titleCase } from './titleCase.ts';

export const MARK = 'weft-http1';
/** Bounds of what is remembered. */
const MAX_KNOWN = 256;
const MAX_LENGTH = 512;

/** More lines than this have their names written out where they are not all alike. */
export const MAX_MASKED = 30;

/**
 * title: each like `Content-Type`. lower: each like `content-type`. A number: bit N says that line N is of the first kind,
 * the others are of the second. Else the names themselves. In the order of the lines, Host among them.
 */
export type Names = 'title' | 'lower' | number | readonly string[];

export interface Http1Mark {
  version: 10 | 11;
  names: Names;
  /** Fields before Host. */
  host: number;
  /** The reason phrase where it is not the usual one. */
  phrase: string | undefined;
  /** Transfer codings before `chunked`. */
  codings: string;
  /** Method of a request that asks for another protocol, which travels as CONNECT (RFC 8441). */
  method: string;
  /** What it asks for, where that is more than a word; ''. */
  upgrade: string;
  /** The response is a 101: from here on bytes are carried. */
  switched: boolean;
}

const PLAIN: Http1Mark = {
  version: 11,
  names: 'lower',
  host: 0,
  phrase: undefined,
  codings: '',
  method: '',
  upgrade: '',
  switched: false,
};

const texts = new Map<number, string>();

/** `1.1;names=title`: parameters only where they say something. */
export function markText(mark: Partial<Http1Mark>): string {
  const {
    names = 'lower',
    host = 0,
    phrase,
    codings = '',
    method = '',
    upgrade = '',
    switched = false,
  } = mark;
  const version = mark.version === 10 ? '1.0' : '1.1';
  const usual = host === 0 && phrase === undefined && codings === '' && method === '' && !switched;
  if (usual && typeof names === 'number') return maskText(version, names);
  let text = version + namesText(names);
  if (usual) return text;
  if (host > 0) text += `;host=${host}`;
  if (phrase !== undefined) text += `;phrase=${encodeURIComponent(phrase)}`;
  if (codings !== '') text += `;codings=${encodeURIComponent(codings)}`;
  if (method !== '') text += `;method=${method}`;
  if (upgrade !== '') text += `;upgrade=${encodeURIComponent(upgrade)}`;
  return switched ? `${text};switched` : text;
}

function namesText(names: Names): string {
  if (names === 'lower') return '';
  if (names === 'title') return ';names=title';
  return typeof names === 'number' ? `;titled=${names.toString(16)}` : `;names=${names.join(',')}`;
}

/** The same text each time, so that HPACK finds it without looking at its characters. */
function maskText(version: string, mask: number): string {
  const key = version === '1.0' ? -mask - 1 : mask;
  let text = texts.get(key);
  if (text === undefined) {
    if (texts.size >= MAX_KNOWN) texts.clear();
    texts.set(key, (text = version + namesText(mask)));
  }
  return text;
}

/** Where `:protocol`, which is one word, cannot say it. */
export const OTHER_PROTOCOL = 'weft-upgrade';
const UPGRADE = /^[!#$%&'*+.^_`|~0-9A-Za-z/, -]{1,256}$/;
/** RFC 9112, 7.2; `chunked` itself is not among them. */
const CODINGS = /^(?:x-)?(?:gzip|compress|deflate)(?:\s*,\s*(?:x-)?(?:gzip|compress|deflate))*$/i;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/;
const known = new Map<string, Http1Mark>();

/** What cannot be read says nothing: the message then passes as one of HTTP/2 would. */
export function parseMark(text: string): Http1Mark {
  let mark = known.get(text);
  if (mark === undefined) {
    mark = read(text);
    if (known.size >= MAX_KNOWN) known.clear();
    if (text.length <= MAX_LENGTH) known.set(text, mark);
  }
  return mark;
}

function read(text: string): Http1Mark {
  const [version, ...parameters] = text.split(';');
  const mark: Http1Mark = { ...PLAIN, version: version === '1.0' ? 10 : 11 };
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    const value = equals < 0 ? '' : parameter.slice(equals + 1);
    if (name === 'names') mark.names = value === 'title' ? value : value.split(',');
    else if (name === 'titled') mark.names = Number.parseInt(value, 16) || 0;
    else if (name === 'host') mark.host = /^\d{1,3}$/.test(value) ? Number(value) : 0;
    else if (name === 'phrase') mark.phrase = decoded(value);
    else if (name === 'codings') mark.codings = CODINGS.test(decoded(value) ?? '') ? decoded(value)! : '';
    else if (name === 'method') mark.method = METHOD.test(value) ? value : '';
    else if (name === 'upgrade') mark.upgrade = upgradeIn(value);
    else if (name === 'switched') mark.switched = true;
  }
  return mark;
}

/** Not h2c, whose requests would go past authorization. */
function upgradeIn(value: string): string {
  const upgrade = decoded(value) ?? '';
  return UPGRADE.test(upgrade) && !/\bh2c?\b/i.test(upgrade) ? upgrade : '';
}

/** A phrase or coding with a line break in it would become a line of its own. */
function decoded(value: string): string | undefined {
  try {
    const text = decodeURIComponent(value);
    return /^[\t\x20-\x7e\x80-\xff]*$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the field at `index` is written like `Content-Type`. */
export function isTitled(names: 'title' | 'lower' | number, index: number): boolean {
  if (typeof names === 'number') return index <= MAX_MASKED && ((names >> index) & 1) === 1;
  return names === 'title';
}

/** The name as it was written, for the field at `index`; never another name. */
export function originalName({ names }: Http1Mark, name: string, index: number): string {
  if (typeof names !== 'object') return isTitled(names, index) ? titleCase(name) : name;
  const original = names[index];
  return original !== undefined && original.toLowerCase() === name ? original : name;
}
