/** A case as a table in Markdown. */
import type { Case, Comparison } from './case.ts';
import { median, paired, type Estimate, type Round } from './statistics.ts';

const shown = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));

export function interval({ value, low, high }: Estimate, by: Comparison['by']): string {
  if (Number.isNaN(value)) return '–';
  const sign = (number: number) => (by === 'difference' && number >= 0 ? '+' : '') + number.toFixed(2);
  return `${sign(value)}${by === 'ratio' ? 'x' : ''} [${sign(low)}, ${sign(high)}]`;
}

export function render(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = header.map((text, column) =>
    Math.max(3, text.length, ...lines.map((line) => line[column]!.length)),
  );
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [row(header), rule, ...lines.map(row)].join('\n');
}

/** A round need not measure everything. */
const values = (rounds: readonly Round[], measure: string): number[] =>
  rounds.map((round) => round[measure] ?? Number.NaN).filter((value) => !Number.isNaN(value));

/** Medians over the rounds, then the comparisons with their 95 % intervals. */
export function table({ title, columns, comparisons, results }: Case): string {
  const anyErrors = [...results.values()].some((rounds) =>
    rounds.some((round) => (round['errors'] ?? 0) > 0),
  );
  const header = [
    'contender',
    ...columns.map(({ header }) => header),
    ...comparisons.map(({ header }) => header),
    ...(anyErrors ? ['errors'] : []),
  ];
  const lines = [...results].map(([name, rounds]) => [
    name,
    ...columns.map(({ measure, digits }) => shown(median(values(rounds, measure)), digits)),
    ...comparisons.map((comparison) =>
      interval(paired(rounds, results.get(comparison.reference) ?? [], comparison), comparison.by),
    ),
    ...(anyErrors ? [String(values(rounds, 'errors').reduce((sum, count) => sum + count, 0))] : []),
  ]);
  return [`### ${title}`, '', render(header, lines), ''].join('\n');
}
