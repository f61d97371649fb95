import { expect, test } from 'vitest';
import { growthPlot } from './plot.ts';
import { goalsTable, pointsTable, type Point } from './report.ts';
import { FULL } from './shape.ts';

const times = (p50Ms: number, p99Ms: number) => ({
  count: 9,
  p50Ms,
  p90Ms: p99Ms,
  p99Ms,
  p999Ms: p99Ms,
  maxMs: p99Ms,
});
const cost = { seconds: 300, cores: 0.5, rssMaxMb: 350, rssMeanMb: 340 };
const point: Point = {
  size: FULL,
  idle: { ...cost, cores: 0.05 },
  change: {
    cost,
    times: {
      changes: 9,
      unseen: 0,
      lost: 0,
      sent: times(40, 500),
      answered: times(35, 490),
      request: times(5, 9),
    },
    writesPerSecond: 1.5,
    writes: { configmaps: 1.5 },
    sentPerSecond: 100_000,
    playersCores: 0.3,
    playersLagMs: 12,
  },
  connected: { ms: 8000, bytes: 1_000_000 },
  restarts: [
    {
      signal: 'SIGTERM',
      restarted: {
        ms: 7000,
        endMs: 500,
        operatorMs: 3000,
        halfMs: 5000,
        p90Ms: 6000,
        p99Ms: 6900,
        bytes: 30_000,
      },
    },
  ],
};

test('each goal is held against what was measured', () => {
  const verdicts = goalsTable(point)
    .split('\n')
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const verdictOf = (name: string) => verdicts.find(([, goal]) => goal === name)?.slice(3, 5);
  expect(verdictOf('change to in force, p50')).toEqual(['40.0 ms', 'met']);
  expect(verdictOf('change to in force, p99')).toEqual(['500.0 ms', 'not met']);
  expect(verdictOf('operator restarted: all connected again')).toEqual(['7.0 s', 'met']);
  expect(verdictOf('operator restarted: bytes of a full resend')).toEqual(['3.00 %', 'not met']);
});

test('without proxies nothing is said of delays and restarts', () => {
  const { size, idle, change } = point;
  const none = { ...times(0, 0), count: 0 };
  const alone = { size, idle, change: { ...change, times: { ...change.times, sent: none } } };
  expect(goalsTable(alone)).not.toMatch(/in force|restarted/);
  expect(pointsTable([alone])).toContain('2000');
});

test('the plot has a row for each thing that grows', () => {
  const small = { ...point, size: { ...FULL, services: 100, proxies: 1000 } };
  const text = growthPlot([
    { by: 'services', points: [small, point] },
    { by: 'proxies', points: [point] },
  ]);
  expect(text).toContain('by services, with 1000 proxies');
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});
