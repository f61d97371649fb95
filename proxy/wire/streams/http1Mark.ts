/**
 * What HTTP/2 cannot carry of an HTTP/1.x message between two proxies: its version, the case of its names, where Host
 * stood, the reason phrase. One field, `weft-http1`, whose value is nearly always the same and so costs one byte
 * (docs/wire.md is its specification). It is believed only from a proxy that proved its identity.
 */
export const MARK = 'weft-http1';

export interface Http1Mark {
  version: 10 | 11;
  /** title: `Content-Type`. lower: `content-type`. Else the names themselves, in the order of the fields. */
  names: 'title' | 'lower' | readonly string[];
  /** Fields before Host. */
  host: number;
  /** The reason phrase where it is not the usual one. */
  phrase: string | undefined;
  /** Transfer codings before `chunked`. */
  codings: string;
  /** Method of a request that asks for another protocol, which travels as CONNECT (RFC 8441). */
  method: string;
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
  switched: false,
};

/** `1.1;names=title`: parameters only where they say something. */
export function markText(mark: Partial<Http1Mark>): string {
  const { version, names, host, phrase, codings, method, switched } = { ...PLAIN, ...mark };
  let text = version === 10 ? '1.0' : '1.1';
  if (names !== 'lower') text += `;names=${names === 'title' ? names : names.join(',')}`;
  if (host > 0) text += `;host=${host}`;
  if (phrase !== undefined) text += `;phrase=${encodeURIComponent(phrase)}`;
  if (codings !== '') text += `;codings=${encodeURIComponent(codings)}`;
  if (method !== '') text += `;method=${method}`;
  if (switched) text += ';switched';
  return text;
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/;
const MAX_KNOWN = 256;
const known = new Map<string, Http1Mark>();

/** What cannot be read says nothing: the message then passes as one of HTTP/2 would. */
export function parseMark(text: string): Http1Mark {
  let mark = known.get(text);
  if (mark === undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, (mark = read(text)));
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
    else if (name === 'host') mark.host = Number(value) || 0;
    else if (name === 'phrase') mark.phrase = decoded(value);
    else if (name === 'codings') mark.codings = decoded(value) ?? '';
    else if (name === 'method') mark.method = METHOD.test(value) ? value : '';
    else if (name === 'switched') mark.switched = true;
  }
  return mark;
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

const titles = new Map<string, string>();

/** `content-type` → `Content-Type`. */
export function titleCase(name: string): string {
  let title = titles.get(name);
  if (title === undefined) {
    if (titles.size >= 1024) titles.clear();
    title = name.replace(
      /(^|-)([a-z])/g,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    );
    titles.set(name, title);
  }
  return title;
}

/** The name as it was written, for the field at `index`; never another name. */
export function originalName({ names }: Http1Mark, name: string, index: number): string {
  if (names === 'lower') return name;
  if (names === 'title') return titleCase(name);
  const original = names[index];
  return original !== undefined && original.toLowerCase() === name ? original : name;
}
