/** The plots of a run: CPU against the reference as bars, latency percentiles as lines. */
import type { Case } from './case.ts';
import { median, paired } from './statistics.ts';
import { colourOf, element, label, svg } from './svg.ts';

const WIDTH = 960;
const LEFT = 330;
const PLOT = WIDTH - LEFT - 90;
const BAR = 15;

interface Bar {
  name: string;
  value: number;
  low: number;
  high: number;
}

const barsOf = ({ results, comparisons }: Case): Bar[] => {
  const comparison = comparisons[0]!;
  const reference = results.get(comparison.reference) ?? [];
  return [...results].map(([name, rounds]) => ({ name, ...paired(rounds, reference, comparison) }));
};

const comparable = ({ results, comparisons }: Case): boolean =>
  comparisons[0]?.by === 'ratio' && results.has(comparisons[0].reference);

/** One group of bars for each case; the line at 1 is the reference. Undefined where nothing was compared. */
export function ratioBars(cases: readonly Case[]): string | undefined {
  const groups = cases.filter(comparable).map((one) => ({ one, bars: barsOf(one) }));
  if (groups.length === 0) return undefined;
  // alone or in a pair, a contender has one colour
  const kind = (name: string) => name.replace(' pair', '');
  const kinds = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => kind(name))))];
  const highest = Math.max(
    2,
    ...groups.flatMap(({ bars }) => bars.map(({ high }) => high)).filter(Number.isFinite),
  );
  const x = (value: number) => LEFT + (Math.min(value, highest) / highest) * PLOT;
  const parts = [label('Against the reference of each case (1 = the same), with 95 % intervals', { x: 12, y: 24, size: 15, weight: 'bold' })]; // prettier-ignore
  let y = 44;
  for (const { one, bars } of groups) {
    parts.push(
      label(`${one.scenario}: ${one.key} (${one.comparisons[0]!.header})`, {
        x: 12,
        y: y + 12,
        weight: 'bold',
      }),
    );
    y += 20;
    for (const { name, value, low, high } of bars.filter(({ value }) => Number.isFinite(value))) {
      const fill = colourOf(kinds.indexOf(kind(name)));
      parts.push(
        label(name, { x: LEFT - 8, y: y + 11, size: 11, anchor: 'end' }),
        element('rect', { x: LEFT, y, width: x(value) - LEFT, height: BAR - 3, fill }),
        element('line', {
          x1: x(low),
          x2: x(high),
          y1: y + 6,
          y2: y + 6,
          stroke: '#000',
          'stroke-width': 1.2,
        }),
        label(value.toFixed(2), { x: x(Math.max(value, high)) + 6, y: y + 11, size: 11 }),
      );
      y += BAR;
    }
    y += 10;
  }
  parts.push(
    element('line', { x1: x(1), x2: x(1), y1: 40, y2: y, stroke: '#555', 'stroke-dasharray': '4 3' }),
  );
  return svg({ width: WIDTH, height: y + 10 }, parts);
}

const PERCENTILES = ['p50Ms', 'p90Ms', 'p99Ms', 'p999Ms'] as const;
const NAMES = ['p50', 'p90', 'p99', 'p99.9'];
const PANEL = { width: 300, height: 260, top: 60, left: 50 };

/** A panel for each rate: percentiles of each contender, latency on a logarithmic scale. */
export function latencyLines(cases: readonly Case[]): string | undefined {
  const panels = cases.filter(({ scenario }) => scenario === 'latency');
  if (panels.length === 0) return undefined;
  const lines = panels.map(({ results }) =>
    [...results].map(([name, rounds]) => ({
      name,
      values: PERCENTILES.map((measure) => median(rounds.map((round) => round[measure] ?? Number.NaN))),
    })),
  );
  const all = lines
    .flat()
    .flatMap(({ values }) => values)
    .filter((value) => value > 0);
  const names = [...new Set(lines.flat().map(({ name }) => name))];
  const [low, high] = [Math.floor(Math.log10(Math.min(...all)) * 2) / 2, Math.ceil(Math.log10(Math.max(...all)) * 2) / 2]; // prettier-ignore
  const y = (ms: number) =>
    PANEL.top + PANEL.height * (1 - (Math.log10(ms) - low) / Math.max(0.5, high - low));
  const parts = [
    label('Latency from the intended time of sending, ms', { x: 12, y: 24, size: 15, weight: 'bold' }),
  ];
  for (const [panel, { key }] of panels.entries()) {
    const left = PANEL.left + panel * (PANEL.width + 40);
    const x = (index: number) => left + 20 + (index * (PANEL.width - 40)) / (PERCENTILES.length - 1);
    parts.push(label(key, { x: left, y: PANEL.top - 14, weight: 'bold' }));
    for (let step = low; step <= high; step += 0.5) {
      const ms = 10 ** step;
      parts.push(
        element('line', { x1: left, x2: left + PANEL.width, y1: y(ms), y2: y(ms), stroke: '#ddd' }),
        label(String(Number(ms.toPrecision(2))), { x: left - 4, y: y(ms) + 4, size: 10, anchor: 'end' }),
      );
    }
    for (const [index, name] of NAMES.entries())
      parts.push(label(name, { x: x(index), y: PANEL.top + PANEL.height + 16, size: 11, anchor: 'middle' }));
    for (const { name, values } of lines[panel]!) {
      const points = values.map((ms, index) => `${x(index).toFixed(1)},${y(ms).toFixed(1)}`).join(' ');
      parts.push(
        element('polyline', {
          points,
          fill: 'none',
          stroke: colourOf(names.indexOf(name)),
          'stroke-width': 2,
        }),
      );
    }
  }
  const bottom = PANEL.top + PANEL.height + 44;
  for (const [index, name] of names.entries()) {
    parts.push(
      element('rect', {
        x: PANEL.left + index * 190,
        y: bottom - 10,
        width: 12,
        height: 12,
        fill: colourOf(index),
      }),
      label(name, { x: PANEL.left + 18 + index * 190, y: bottom }),
    );
  }
  const width = PANEL.left + panels.length * (PANEL.width + 40);
  return svg({ width: Math.max(width, PANEL.left + names.length * 190), height: bottom + 20 }, parts);
}
