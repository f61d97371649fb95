/** What may stand in a field section (RFC 9113, 8.2): names, values, and the fields that have a meaning here. */
import { isSecret } from '../exchange/secrets.ts';
import { STATIC_NAMES } from './hpack/staticTable.ts';
import { FIELD, SPACE, TAB, TOKEN } from '../http1/characters.ts';

/** What a field name asks of its reader. */
export const kind = {
  ordinary: 0,
  /** Of one connection of HTTP/1.x: never in HTTP/2 (8.2.2). */
  forbidden: 1,
  te: 2,
  contentLength: 3,
  host: 4,
  /** Upper case, or not a name at all (8.2.1). */
  invalid: 5,
} as const;

export interface FieldRule {
  readonly kind: number;
  /** Its values may be kept. */
  readonly open: boolean;
  /** The last value that was found valid: most fields have one for a long time, and then looking at it once is enough. */
  lastValid: string;
}

const ruleOfKind = (what: number, open = true): FieldRule => ({ kind: what, open, lastValid: '' });
const rules = new Map<string, FieldRule>([
  ['connection', ruleOfKind(kind.forbidden)],
  ['proxy-connection', ruleOfKind(kind.forbidden)],
  ['keep-alive', ruleOfKind(kind.forbidden)],
  ['transfer-encoding', ruleOfKind(kind.forbidden)],
  ['upgrade', ruleOfKind(kind.forbidden)],
  ['te', ruleOfKind(kind.te)],
  ['content-length', ruleOfKind(kind.contentLength)],
  ['host', ruleOfKind(kind.host)],
]);
for (const name of STATIC_NAMES)
  if (isName(name) && !rules.has(name)) rules.set(name, ruleOfKind(kind.ordinary, !isSecret(name)));
/** Names are remembered up to this many and this long: looking one up is cheaper than looking at each of its letters. */
const REMEMBERED = 1024;
const REMEMBERED_LENGTH = 64;
/** Values beyond this are not kept for comparison. */
const REMEMBERED_VALUE = 128;

export function ruleOf(name: string): FieldRule {
  const known = rules.get(name);
  if (known !== undefined) return known;
  if (!isName(name)) return ruleOfKind(kind.invalid);
  const rule = ruleOfKind(kind.ordinary, !isSecret(name));
  if (rules.size < REMEMBERED && name.length <= REMEMBERED_LENGTH) rules.set(name, rule);
  return rule;
}

/** `isValue` of a field with this rule. */
export function isValueOf(rule: FieldRule, value: string): boolean {
  if (value === rule.lastValid) return true;
  if (!isValue(value)) return false;
  if (rule.open && value.length <= REMEMBERED_VALUE) rule.lastValid = value;
  return true;
}

/** Of a response: 1xx, the final head is still to come. Pseudo-fields first. */
export const isInterim = (fields: readonly string[]): boolean => fields[1]!.charCodeAt(0) === 49;

/** A token without upper-case letters. */
export function isName(name: string): boolean {
  if (name.length === 0) return false;
  for (let at = 0; at < name.length; at++) {
    const character = name.charCodeAt(at);
    if (TOKEN[character] !== 1 || (character >= 65 && character <= 90)) return false;
  }
  return true;
}

/** No control characters, and no white space at either end (8.2.1). */
export function isValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(length - 1);
  if (first === SPACE || first === TAB || last === SPACE || last === TAB) return false;
  return among(FIELD, value);
}

/** Every character of `text` is in `table`. */
export function among(table: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (table[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** Digits only; -1 where it is no length that can be counted exactly. */
export function lengthOf(value: string): number {
  const { length } = value;
  if (length === 0 || length > 15) return -1;
  let result = 0;
  for (let at = 0; at < length; at++) {
    const digit = value.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    result = result * 10 + digit;
  }
  return result;
}
