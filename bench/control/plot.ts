/** How cost and delay grow with the mesh: a row of panels for each thing that grows. */
import { colourOf, element, label, svg } from '../report/svg.ts';
import type { Growth, Point } from './report.ts';

interface Line {
  name: string;
  read: (point: Point) => number;
}

interface Panel {
  title: string;
  lines: readonly Line[];
}

const PANELS: readonly Panel[] = [
  {
    title: "operator's memory, MB",
    lines: [
      { name: 'changing', read: ({ change }) => change.cost.rssMaxMb },
      { name: 'idle', read: ({ idle }) => idle.rssMaxMb },
    ],
  },
  {
    title: "operator's CPU, cores",
    lines: [
      { name: 'changing', read: ({ change }) => change.cost.cores },
      { name: 'idle', read: ({ idle }) => idle.cores },
    ],
  },
  {
    title: 'change to in force, ms',
    lines: [
      { name: 'p99', read: ({ change }) => change.times.sent.p99Ms },
      { name: 'p50', read: ({ change }) => change.times.sent.p50Ms },
    ],
  },
];

const BOX = { width: 230, height: 160, left: 55, top: 62, gapX: 85, gapY: 90 };

/** A round number that is not below. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((step) => step >= value)!;
}

const shown = (value: number): string => String(Number(value.toPrecision(3)));

function panel({ title, lines }: Panel, { by, points }: Growth, [left, top]: [number, number]): string[] {
  const { width, height } = BOX;
  const highestX = Math.max(...points.map(({ size }) => size[by]));
  const highest = roundUp(Math.max(...points.flatMap((point) => lines.map(({ read }) => read(point)))));
  const x = (point: Point) => left + (point.size[by] / highestX) * width;
  const y = (value: number) => top + height * (1 - value / highest);
  const parts = [
    label(title, { x: left, y: top - 10, weight: 'bold' }),
    element('rect', { x: left, y: top, width, height, fill: 'none', stroke: '#999' }),
    ...[0, 0.5, 1].map((part) =>
      label(shown(highest * part), { x: left - 6, y: y(highest * part) + 4, size: 11, anchor: 'end' }),
    ),
    ...points.map((point) =>
      label(String(point.size[by]), { x: x(point), y: top + height + 16, size: 11, anchor: 'middle' }),
    ),
  ];
  for (const [index, { name, read }] of lines.entries()) {
    const stroke = colourOf(index);
    const path = points.map((point) => `${x(point).toFixed(1)},${y(read(point)).toFixed(1)}`).join(' ');
    parts.push(element('polyline', { points: path, fill: 'none', stroke, 'stroke-width': 2 }));
    for (const point of points)
      parts.push(element('circle', { cx: x(point), cy: y(read(point)), r: 3, fill: stroke }));
    const last = points.at(-1)!;
    parts.push(label(name, { x: x(last) + 6, y: y(read(last)) + 4, size: 11 }));
  }
  return parts;
}

export function growthPlot(growth: readonly Growth[]): string {
  const rows = growth.flatMap((one, row) => {
    const top = BOX.top + row * (BOX.height + BOX.gapY);
    const other = one.by === 'proxies' ? 'services' : 'proxies';
    const heading = `by ${one.by}, with ${one.points[0]?.size[other]} ${other}`;
    return [
      label(heading, { x: 12, y: top - 32, size: 14, weight: 'bold' }),
      ...PANELS.flatMap((each, column) =>
        panel(each, one, [BOX.left + column * (BOX.width + BOX.gapX), top]),
      ),
    ];
  });
  const width = BOX.left + PANELS.length * (BOX.width + BOX.gapX);
  return svg({ width, height: growth.length * (BOX.height + BOX.gapY) + 20 }, rows);
}
