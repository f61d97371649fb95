import { canonicalEscapes, pathForms, plainEnd, splitTarget } from '../../core/evaluate/paths.ts';
import type { Target } from '../engine/target.ts';
import { holds, same } from './check.ts';

/** Some application's reading: what must be among the forms. */
type Reader = (path: string) => string;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Escapes of ASCII, and of UTF-8 where it is valid; others stay. */
const decodeOnce: Reader = (path) =>
  path.replace(
    /%[0-7][\dA-F]|%[CD][\dA-F]%[89AB][\dA-F]|%E[\dA-F](?:%[89AB][\dA-F]){2}|%F[0-7](?:%[89AB][\dA-F]){3}/gi,
    (escapes) => {
      try {
        return utf8.decode(Buffer.from(escapes.replaceAll('%', ''), 'hex'));
      } catch {
        return escapes;
      }
    },
  );
const mergeSlashes: Reader = (path) => path.replace(/\/+/g, '/');
const cutParameters: Reader = (path) => path.replace(/;[^/]*/g, '');
const backslashes: Reader = (path) => path.replaceAll('\\', '/');

/** Written for this test alone: RFC 3986, 5.2.4 as its text says it, on segments. */
const removeDots: Reader = (path) => {
  const kept: string[] = [];
  const [, ...segments] = path.split('/');
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment !== '..' && segment !== '.') kept.push(segment);
    else if (last) kept.push('');
  });
  return `/${kept.join('/')}`;
};

const readers: readonly Reader[] = [decodeOnce, mergeSlashes, cutParameters, backslashes, removeDots];

/** Request targets: an application's reading of a path, by steps in any order, is among the forms that are judged. */
export const target: Target = {
  name: 'paths',
  maxBytes: 4096,
  seeds: [
    '\0/a/b?c',
    '\x07/a/../b//c;d/%2e%2e/e',
    '\x1bhttp://a/b/%252e%252e%2fc',
    '\x2f/a\\b\\..\\c%5c',
    '\x35/%u002e/%c0%ae/a.%20',
  ],
  dictionary: [
    '/', '//', '/../', '/./', '%2e', '%2E', '%2f', '%5c', '%252e', '%25', '%u002e', '%c0%ae', ';', ';a=b', '\\', '..', '?',
    '#', '%00', '%0a', ' ', '%20', '%61', '%e4', '%c3%a4', 'http://a',
  ], // prettier-ignore
  run(data) {
    const text = data.toString('latin1', 1);
    const { path } = splitTarget(text);
    same(canonicalEscapes(canonicalEscapes(path)), canonicalEscapes(path), 'canonical twice');
    const forms = pathForms(path);
    const end = plainEnd(text);
    if (end >= 0) same(forms, [text.slice(0, end)], 'a plain path has one form');
    if (forms === undefined || !path.startsWith('/')) return;
    for (const form of forms) {
      const closed = pathForms(form);
      holds(
        closed === undefined || closed.every((each) => forms.includes(each)),
        `forms of ${JSON.stringify(form)}`,
      );
    }
    checkReadings(path, forms, data[0] ?? 0);
  },
};

/** Where an escape is broken, hexadecimal digits keep their case: no pattern tells the two apart. */
const spelled = (path: string) => path.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());

function checkReadings(path: string, forms: readonly string[], choice: number): void {
  const known = new Set(forms.map(spelled));
  let reading = path;
  for (let left = 4, state = choice; left > 0; left--, state = Math.floor(state / readers.length)) {
    reading = readers[state % readers.length]!(reading);
    // where a step leaves no absolute path, what an application makes of it is its own affair
    if (!reading.startsWith('/')) return;
    holds(
      known.has(spelled(canonicalEscapes(reading))),
      `${JSON.stringify(path)} may be read as ${JSON.stringify(reading)}, which is not among ${JSON.stringify(forms)}`,
    );
  }
}
