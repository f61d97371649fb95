/** What the runs measured, held against what is to be reached, as tables, a file and a plot. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { render } from '../report/table.ts';
import { growthPlot } from './plot.ts';
import type { MeshSize } from './shape.ts';
import type { ChangeRun, Connected, Restarted } from './stage.ts';
import type { Cost } from './operatorProcess.ts';

/** One mesh of one size. */
export interface Point {
  size: MeshSize;
  /** With all proxies connected, or without any where the operator is measured alone. */
  idle: Cost;
  change: ChangeRun;
  connected?: Connected;
  /** Until every application had what it called of other namespaces, ms. */
  callMs?: number;
  restarts?: { signal: string; restarted: Restarted }[];
}

export interface Growth {
  /** What grows: `proxies` or `services`. */
  by: 'proxies' | 'services';
  points: Point[];
}

interface Goal {
  name: string;
  unit: string;
  limit: number;
  digits: number;
  /** Says nothing where no proxy was connected. */
  ofProxies?: boolean;
  read: (point: Point) => number | undefined;
}

const restartOf = (point: Point) => point.restarts?.find(({ signal }) => signal === 'SIGTERM')?.restarted;

const share = (point: Point): number | undefined => {
  const restart = restartOf(point);
  return restart && point.connected ? (100 * restart.bytes) / point.connected.bytes : undefined;
};

const goals: readonly Goal[] = [
  {
    name: 'change to in force, p50',
    ofProxies: true,
    unit: 'ms',
    limit: 50,
    digits: 1,
    read: ({ change }) => change.times.sent.p50Ms,
  },
  {
    name: 'change to in force, p99',
    ofProxies: true,
    unit: 'ms',
    limit: 400,
    digits: 1,
    read: ({ change }) => change.times.sent.p99Ms,
  },
  {
    name: 'changes that a proxy did not get',
    ofProxies: true,
    unit: '',
    limit: 0,
    digits: 0,
    read: ({ change }) => change.times.lost,
  },
  {
    name: "operator's memory, resident",
    unit: 'MB',
    limit: 400,
    digits: 0,
    read: ({ change }) => change.cost.rssMaxMb,
  },
  { name: "operator's CPU", unit: 'core', limit: 0.7, digits: 2, read: ({ change }) => change.cost.cores },
  {
    name: 'writes to the API',
    unit: '/s',
    limit: 5,
    digits: 2,
    read: ({ change }) => change.writesPerSecond,
  },
  {
    name: 'operator restarted: all connected again',
    unit: 's',
    limit: 10,
    digits: 1,
    read: (point) => (restartOf(point)?.ms ?? Number.NaN) / 1000,
  },
  { name: 'operator restarted: bytes of a full resend', unit: '%', limit: 2, digits: 2, read: share },
];

export function goalsTable(point: Point): string {
  const lines = goals.flatMap(({ name, unit, limit, digits, ofProxies, read }) => {
    if (ofProxies && point.change.times.sent.count === 0) return [];
    const value = read(point);
    if (value === undefined || Number.isNaN(value)) return [];
    return [
      [name, `≤ ${limit} ${unit}`, `${value.toFixed(digits)} ${unit}`, value <= limit ? 'met' : 'not met'],
    ];
  });
  return render(['goal', 'limit', 'measured', ''], lines);
}

const HEADER = [
  'services', 'proxies', 'idle RSS MB', 'idle core', 'RSS MB', 'core', 'p50 ms', 'p99 ms', 'p99.9 ms', 'lost', 'API writes/s', 'sent KB/s',
]; // prettier-ignore

export function pointsTable(points: readonly Point[]): string {
  const lines = points.map(({ size, idle, change }) => {
    const { sent, lost } = change.times;
    return [
      String(size.services), String(size.proxies), idle.rssMaxMb.toFixed(0), idle.cores.toFixed(3),
      change.cost.rssMaxMb.toFixed(0), change.cost.cores.toFixed(2), sent.p50Ms.toFixed(1), sent.p99Ms.toFixed(1),
      sent.p999Ms.toFixed(1), String(lost), change.writesPerSecond.toFixed(2), (change.sentPerSecond / 1000).toFixed(0),
    ]; // prettier-ignore
  });
  return render(HEADER, lines);
}

/** Writes `control.json` or `control-growth.json` and its plot; gives the names of the files. */
export async function writeControl(
  folder: string,
  found: { point: Point } | { growth: readonly Growth[] },
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const machine = { node: process.version, cores: cpus().length, model: cpus()[0]?.model };
  const name = 'point' in found ? 'control' : 'control-growth';
  const files: [string, string][] = [[`${name}.json`, `${JSON.stringify({ machine, ...found }, null, 2)}\n`]];
  if ('growth' in found) files.push([`${name}.svg`, growthPlot(found.growth)]);
  for (const [file, text] of files) await writeFile(join(folder, file), text);
  return files.map(([file]) => file);
}
