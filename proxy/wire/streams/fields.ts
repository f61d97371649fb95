/** What proxies look for, and leave out, in the fields of an HTTP/2 message. */
import { cut } from '../exchange/cuts.ts';
import type { FieldList } from '../exchange/message.ts';
import { MARK } from './http1Mark.ts';

const REASON = 'x-weft-reason';
const HYPHEN = 45;
const W = 119;
const X = 120;

/** Said between proxies only: `x-weft-…`, also with underscores, and the mark. */
export function isWeft(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first === W) return name === MARK;
  if (first !== X || name.length < 8) return false;
  const separator = name.charCodeAt(1);
  if (separator === HYPHEN) return name.startsWith('weft-', 2) || name.startsWith('weft_', 2);
  return /^x_weft[-_]/.test(name);
}

/** For fields that are not many, or not often: readable before fast. */
export const listOf = (fields: Readonly<Record<string, string>>): string[] => Object.entries(fields).flat();

/** The kind (cut.…) of a field that may have to go; 0: it passes. */
export const cutOf = (name: string): number => (!isWeft(name) ? 0 : name === REASON ? cut.reason : cut.weft);

/** The same list where nothing has to go, which is nearly always. */
export function without(fields: FieldList, cuts: number): FieldList {
  for (let at = 0; at < fields.length; at += 2) {
    const kind = cutOf(fields[at]!);
    // the mark belongs to the hop that it was made for
    if (kind !== 0 && ((kind & cuts) !== 0 || fields[at] === MARK)) return filtered(fields, cuts);
  }
  return fields;
}

/** Trailers as they pass: only between two proxies do they keep what only proxies may say. */
export const trailersOf = (fields: FieldList, trusted: boolean): FieldList =>
  trusted ? fields : without(fields, cut.reason | cut.weft);

function filtered(fields: FieldList, cuts: number): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name !== MARK && (cutOf(name) & cuts) === 0) kept.push(name, fields[at + 1]!);
  }
  return kept;
}
