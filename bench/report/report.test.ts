import { expect, test } from 'vitest';
import { cpuAgainst, CPU_COLUMNS, type Case } from './case.ts';
import { ratioBars, latencyLines } from './charts.ts';
import { goals, judge } from './goals.ts';
import type { Round } from './statistics.ts';
import { table } from './table.ts';

const plaintext = (results: [string, Round[]][]): Case => ({
  scenario: 'plaintext',
  key: '32 connections, 100',
  title: 'One hop',
  columns: CPU_COLUMNS,
  comparisons: cpuAgainst('HAProxy'),
  results: new Map(results),
});

const round = (cpuUs: number): Round => ({
  cpuUs,
  perSecond: 1e6 / cpuUs,
  p50Ms: 1,
  p99Ms: 2,
  rssAnonMiB: 3,
  errors: 0,
});
const verdictOf = (name: string, cases: Case[]) => judge(cases).find(({ goal }) => goal.includes(name));

test('a table has medians, ratios with intervals, and errors only where there are some', () => {
  const good = table(
    plaintext([
      ['HAProxy', [round(20)]],
      ['Weft', [round(25), round(25)]],
    ]),
  );
  expect(good).toContain('| Weft      |       25.0 | 40000 |');
  expect(good).toContain('1.25x [1.25, 1.25]');
  expect(good).not.toContain('errors');
  const bad = table(
    plaintext([
      [
        'HAProxy',
        [
          { ...round(20), errors: 2 },
          { ...round(20), errors: 3 },
        ],
      ],
    ]),
  );
  expect(bad.split('\n')[2]).toContain('errors');
  expect(bad.split('\n')[4]).toMatch(/ 5 \|$/);
});

test('a reference that did not run leaves the comparison empty', () => {
  expect(table(plaintext([['Weft', [round(25)]]]))).toMatch(/ – \|$/m);
});

test('a goal is met, not met, unsure or not measured', () => {
  const against = (ours: number[]) => [
    plaintext([
      ['HAProxy', ours.map(() => round(100))],
      ['Weft', ours.map(round)],
    ]),
  ];
  const verdict = (ours: number[]) => verdictOf('plaintext HTTP/1.1', against(ours))?.verdict;
  expect(verdict([120, 121, 122])).toBe('met');
  expect(verdict([140, 141, 142])).toBe('not met');
  expect(verdict([110, 120, 150])).toBe('met, unsure');
  expect(verdictOf('plaintext HTTP/1.1', [])?.verdict).toBe('not measured');
  expect(judge([]).map(({ verdict }) => verdict)).toEqual(goals.map(() => 'not measured'));
});

test('a throughput is to be reached, a memory not to be passed', () => {
  const tcp: Case = {
    ...plaintext([['HAProxy pair', [{ mbPerSecond: 100 }]], ['Weft pair', [{ mbPerSecond: 65 }]]]), // prettier-ignore
    scenario: 'tcp',
    key: '1 up',
  };
  expect(verdictOf('TCP over mTLS, 1 stream', [tcp])).toMatchObject({
    measured: '0.65x',
    verdict: 'not met',
  });
  const footprint: Case = {
    ...plaintext([['Weft', [{ idleMB: 19, readyMs: 100 }, { readyMs: 120 }]]]),
    scenario: 'footprint',
    key: 'footprint',
  };
  expect(verdictOf('private memory, idle', [footprint])).toMatchObject({
    measured: '19.00 MB',
    verdict: 'met',
  });
});

test('plots hold every contender, and there is none of nothing', () => {
  const drawn = ratioBars([
    plaintext([
      ['HAProxy', [round(20)]],
      ['A <b>', [round(25)]],
    ]),
  ])!;
  expect(drawn).toContain('A &lt;b&gt;');
  expect(drawn).not.toContain('NaN');
  expect(ratioBars([])).toBeUndefined();
  const percentiles = { p50Ms: 0.4, p90Ms: 0.6, p99Ms: 1.2, p999Ms: 3 };
  const latency = {
    ...plaintext([['HAProxy pair', [percentiles]]]),
    scenario: 'latency',
    key: '1000 requests/s',
  };
  expect(latencyLines([latency])).toContain('<polyline');
  expect(latencyLines([latency])).not.toContain('NaN');
  expect(latencyLines([])).toBeUndefined();
});
