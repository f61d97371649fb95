/**
 * The forms of a request path. An application may decode `%2e`, merge `//`, remove `/../`, take `\` for `/` or cut
 * `;params`, in any order, or do none of it: which of them it does is not known here. So a path is judged in every
 * form that some order of those readings gives. A Deny rule matches if any form does, an Allow rule only if all do;
 * a difference between proxy and application then never opens anything.
 */

/** Past this many forms a path has no honest reading: Deny matches, Allow does not. */
const MAX_FORMS = 48;
/** Characters that may be read to find the forms of one path; bounds the work that a caller can cause. */
const MAX_WORK = 96 * 1024;

const SLASH = 0x2f;

/** Characters that every reader takes for themselves: no escapes, no separators. 1 plain, 0 not. */
const PLAIN = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,=:@")
  PLAIN[char.charCodeAt(0)] = 1;

/**
 * Where the path of a request target ends (at its query), if it has one form only; else -1.
 * Reads each character once and allocates nothing: this is what every request pays.
 */
export function plainEnd(target: string): number {
  if (target.charCodeAt(0) !== SLASH) return -1;
  let previous = SLASH;
  for (let i = 1; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === 0x3f) return previous === 0x2e ? -1 : i;
    if (code === SLASH) {
      // an empty segment, or one that ends in a dot
      if (previous === SLASH || previous === 0x2e) return -1;
    } else if (code === 0x2e) {
      if (previous === SLASH) return -1;
    } else if (code > 127 || PLAIN[code] === 0) return -1;
    previous = code;
  }
  return previous === 0x2e ? -1 : target.length;
}

const isHex = (code: number) =>
  (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);

/** The byte of the escape at `i`, or -1 if there is none. */
function escapeAt(text: string, i: number): number {
  if (text.charCodeAt(i) !== 0x25 || !isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2)))
    return -1;
  return Number.parseInt(text.slice(i + 1, i + 3), 16);
}

interface CodePoint {
  value: number;
  /** Characters of the text that it took. */
  length: number;
  /** Not UTF-8: more bytes than needed (RFC 3629, section 3) or a byte alone. Some readers accept it all the same. */
  odd: boolean;
}

/** The code point that starts with the escape at `i`; a byte that starts no UTF-8 sequence stands for itself. */
function codePointAt(text: string, i: number, first: number): CodePoint {
  const single = { value: first, length: 3, odd: first >= 0x80 };
  const more = first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  if (more === 0 || first >= 0xf8) return single;
  let value = first & (0x3f >> more);
  for (let n = 1; n <= more; n++) {
    const byte = escapeAt(text, i + 3 * n);
    if (byte < 0x80 || byte > 0xbf) return single;
    value = value * 64 + (byte & 0x3f);
  }
  if (value > 0x10ffff) return single;
  const least = [0, 0x80, 0x800, 0x10000][more]!;
  return { value, length: 3 * (more + 1), odd: value < least };
}

/** Decodes each escape that `accept` takes, once; also `%uXXXX`, which some servers know. */
function decode(text: string, accept: (point: CodePoint) => boolean): string {
  let result = '';
  let done = 0;
  for (let i = text.indexOf('%'); i !== -1; i = text.indexOf('%', Math.max(done, i + 1))) {
    const byte = escapeAt(text, i);
    let point: CodePoint | undefined;
    if (byte !== -1) point = codePointAt(text, i, byte);
    else if (/^%u[0-9a-fA-F]{4}$/i.test(text.slice(i, i + 6)))
      point = { value: Number.parseInt(text.slice(i + 2, i + 6), 16), length: 6, odd: true };
    if (!point || !accept(point)) continue;
    result += text.slice(done, i) + String.fromCodePoint(point.value);
    done = i + point.length;
  }
  return result + text.slice(done);
}

/** Letters, digits, and what cannot stand unescaped in a path: decoding these changes no meaning (RFC 3986, 6.2.2.2). */
const isHarmless = ({ value, odd }: CodePoint) =>
  !odd &&
  (value >= 0xa0 ||
    (value > 0x20 && value < 0x7f && /[A-Za-z0-9\-_~"<>^`{|}]/.test(String.fromCharCode(value))));

/** One spelling for escapes that mean the same to everyone. Patterns are written in it as well. */
export const canonicalEscapes = (path: string): string => {
  // where an escape is broken, decoding its neighbour could complete it: such text stays as it is
  if (!path.includes('%') || /%(?![0-9a-fA-F]{2})/.test(path)) return path;
  const decoded = decode(path, isHarmless);
  return /%.?[a-f]/.test(decoded)
    ? decoded.replace(/%[0-9a-fA-F]{2}/g, (escape) => escape.toUpperCase())
    : decoded;
};

/** Removes dot segments (RFC 3986, section 5.2.4) without touching empty ones. */
function removeDots(path: string): string {
  const output: string[] = [];
  const segments = path.split('/');
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1;
    if (segment === '..') {
      if (output.length > 1) output.pop();
      if (last) output.push('');
    } else if (segment === '.') {
      if (last) output.push('');
    } else output.push(segment);
  }
  return output.join('/');
}

/** Without the characters of `chars` at its end. A loop, since a regular expression could take quadratic time. */
export function trimEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
}

/** As Windows opens files: dots and spaces at the end of a name do not count. */
const trimSegments = (path: string) =>
  path
    .split('/')
    .map((segment) => {
      const trimmed = trimEnd(segment, '\t ');
      return trimmed === '.' || trimmed === '..' ? trimmed : trimEnd(segment, '\t .');
    })
    .join('/');

/** One step that an application may take, and what a path must have for it to change anything. */
type Step = readonly [needs: RegExp, read: (path: string) => string];

const steps: readonly Step[] = [
  [/%/, (path) => decode(path, () => true)],
  // most servers do not know %uXXXX or UTF-8 that is none: what they leave alone is a name, not a separator
  [/%(?:u|[89a-f])/i, (path) => decode(path, ({ odd }) => !odd)],
  // WHATWG URL, 3.1: a segment of escaped dots counts as dots, whatever else is escaped
  [/%2e/i, (path) => path.replace(/%2e/gi, '.')],
  [/\\/, (path) => path.replaceAll('\\', '/')],
  [/;/, (path) => path.replace(/;[^/]*/g, '')],
  [/\/\//, (path) => path.replace(/\/{2,}/g, '/')],
  [/\/\.\.?(\/|$)/, removeDots],
  // eslint-disable-next-line no-control-regex
  [/[?#\0]/, (path) => path.replace(/[?#\0][^]*$/, '')],
  // eslint-disable-next-line no-control-regex
  [/[\u0001-\u001f\u007f]/, (path) => path.replace(/[\u0001-\u001f\u007f]/g, '')],
  [/[\t .](\/|$)/, trimSegments],
  [/^[^/]|^$/, (path) => `/${path}`],
];

/**
 * All forms of a path (without its query), the canonical spelling first; undefined where there are too many.
 * Closed: the forms of a form are among the forms.
 */
export function pathForms(path: string): readonly string[] | undefined {
  const forms = [canonicalEscapes(path)];
  const known = new Set(forms);
  let work = path.length;
  for (let i = 0; i < forms.length; i++) {
    for (const [needs, read] of steps) {
      if (!needs.test(forms[i]!)) continue;
      work += forms[i]!.length;
      if (work > MAX_WORK) return undefined;
      const form = canonicalEscapes(read(forms[i]!));
      if (known.has(form)) continue;
      if (known.size === MAX_FORMS) return undefined;
      known.add(form);
      forms.push(form);
    }
  }
  return forms;
}

/** Path without query, and the authority of a target in absolute form (RFC 9112, section 3.2.2). */
export function splitTarget(target: string): { path: string; authority: string | undefined } {
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(target);
  const rest = absolute ? target.slice(absolute[0].length) : target;
  const query = rest.indexOf('?');
  const path = query === -1 ? rest : rest.slice(0, query);
  // a target is ASCII; a raw byte beyond it is read as its escape, which is what it should have been
  const escaped = path.replace(
    /[\u0080-\u00ff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return { path: absolute && path === '' ? '/' : escaped, authority: absolute?.[1] };
}
