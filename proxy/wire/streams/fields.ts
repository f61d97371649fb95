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

/** The field goes no further. The mark belongs to the hop that it was made for. */
export function isLeftOut(name: string, cuts: number): boolean {
  const kind = cutOf(name);
  return kind !== 0 && ((kind & cuts) !== 0 || name === MARK);
}

/** The same list where nothing has to go, which is nearly always. */
export function without(fields: FieldList, cuts: number): FieldList {
  for (let at = 0; at < fields.length; at += 2) {
    if (isLeftOut(fields[at]!, cuts)) return filtered(fields, cuts);
  }
  return fields;
}

/** As `without`, in the list itself, which must be the caller's own. */
export function dropCuts(fields: string[], cuts: number): string[] {
  let kept = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isLeftOut(name, cuts)) continue;
    if (kept < at) {
      fields[kept] = name;
      fields[kept + 1] = fields[at + 1]!;
    }
    kept += 2;
  }
  // a few, and one by one they cost less than a new length
  while (fields.length > kept) fields.pop();
  return fields;
}

/** Trailers as they pass: only between two proxies do they keep what only proxies may say. */
export const trailersOf = (fields: FieldList, trusted: boolean): FieldList =>
  trusted ? fields : without(fields, cut.reason | cut.weft);

function filtered(fields: FieldList, cuts: number): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (!isLeftOut(name, cuts)) kept.push(name, fields[at + 1]!);
  }
  return kept;
}
