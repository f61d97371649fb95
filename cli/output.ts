/** How commands show what they found: as a table for people, as JSON or YAML for programs. */
import { InvalidArgumentError } from 'commander';
import { writeDocument } from './yaml.ts';

export const FORMATS = ['wide', 'json', 'yaml'] as const;
export type Format = 'table' | (typeof FORMATS)[number];

export function parseFormat(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (!format) throw new InvalidArgumentError(`it is one of ${FORMATS.join(', ')}`);
  return format;
}

export const valueText = (value: unknown, format: 'json' | 'yaml'): string =>
  format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : writeDocument(value);

/** Columns as wide as their widest cell, as kubectl prints them. An empty cell is `-`. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows.map((row) => row.map((cell) => (cell === '' ? '-' : cell)))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]! + 3))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A length of time as kubectl writes it: `42s`, `3m20s`, `5h`, `12d`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  if (at === -1) return '0s';
  const [unit, size] = UNITS[at]!;
  const count = Math.floor(seconds / size);
  const smaller = UNITS[at + 1];
  const rest = smaller ? Math.floor((seconds % size) / smaller[1]) : 0;
  return count < 10 && smaller && rest > 0 ? `${count}${unit}${rest}${smaller[0]}` : `${count}${unit}`;
}

/** The time since, or until where `until` is true; '' where the text is no time. */
export function sinceText(time: string | null | undefined, now: number, until = false): string {
  const at = Date.parse(time ?? '');
  if (Number.isNaN(at)) return '';
  return ageText(until ? at - now : now - at);
}
