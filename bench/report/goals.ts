/** What the data plane is to reach, held against what a run measured. */
import type { Case } from './case.ts';
import { render } from './table.ts';
import { estimate, median, paired, type Estimate } from './statistics.ts';

interface Goal {
  name: string;
  scenario: string;
  key: string;
  measure: string;
  /** ratio and difference: within each round against the reference; value: as measured. */
  by: 'ratio' | 'difference' | 'value';
  ours: string;
  reference?: string;
  limit: number;
  /** most: the limit must not be passed; least: it must be reached. */
  is: 'most' | 'least';
  unit: string;
}

const PAIR = { ours: 'Weft pair', reference: 'HAProxy pair' };
const HOP = { ours: 'Weft', reference: 'HAProxy' };
const CPU = { measure: 'cpuUs', by: 'ratio', is: 'most', unit: 'x' } as const;
const MEMORY = { scenario: 'footprint', key: 'footprint', by: 'value', ours: 'Weft', is: 'most' } as const;

const mtlsGoals = [32, 128].flatMap((connections): Goal[] => {
  const at = { scenario: 'mtls', key: `${connections} connections, 100`, ...CPU, ours: PAIR.ours };
  const name = `mTLS hop, ${connections} connections: CPU per request against HAProxy's pair`;
  return [
    { ...at, name, reference: 'HAProxy pair', limit: 0.85 },
    { ...at, name: `${name} with HTTP/2 between`, reference: 'HAProxy pair, h2', limit: 1.6 },
  ];
});

export const goals: readonly Goal[] = [
  {
    name: 'plaintext HTTP/1.1 hop, 32 connections: CPU per request against HAProxy',
    scenario: 'plaintext',
    key: '32 connections, 100',
    ...CPU,
    ...HOP,
    limit: 1.3,
  },
  ...mtlsGoals,
  {
    name: "two sidecars at 1,000 requests/s: p99 less that of HAProxy's pair",
    scenario: 'latency',
    key: '1000 requests/s',
    measure: 'p99Ms',
    by: 'difference',
    ...PAIR,
    limit: 0.3,
    is: 'most',
    unit: ' ms',
  },
  ...[1, 4].map((streams): Goal => ({
    name: `TCP over mTLS, ${streams} ${streams === 1 ? 'stream' : 'streams'}: throughput against HAProxy's pair`,
    scenario: 'tcp',
    key: `${streams} up`,
    measure: 'mbPerSecond',
    by: 'ratio',
    ...PAIR,
    limit: 0.7,
    is: 'least',
    unit: 'x',
  })),
  ...['4 x 16', '32 x 1'].map((key): Goal => ({
    name: `plaintext HTTP/2 hop, ${key} streams: CPU per request against HAProxy`,
    scenario: 'http2',
    key,
    ...CPU,
    ...HOP,
    limit: 1.5,
  })),
  {
    name: "gRPC unary through two sidecars: CPU per call against HAProxy's pair",
    scenario: 'grpc',
    key: 'unary 4 x 16',
    ...CPU,
    ours: 'Weft pair',
    reference: 'HAProxy pair, h2',
    limit: 2,
  },
  { ...MEMORY, name: 'private memory, idle', measure: 'idleMB', limit: 20, unit: ' MB' },
  {
    ...MEMORY,
    name: 'private memory with 1,000 services',
    measure: 'servicesMB',
    limit: 35,
    unit: ' MB',
  },
  {
    ...MEMORY,
    name: 'private memory with 10,000 idle plaintext connections',
    measure: 'connectionsMB',
    limit: 120,
    unit: ' MB',
  },
  { ...MEMORY, name: 'private memory of an idle TLS connection', measure: 'tlsKB', limit: 70, unit: ' KB' },
  { ...MEMORY, name: 'exec to ready', measure: 'readyMs', limit: 300, unit: ' ms' },
];

export interface Verdict {
  goal: string;
  limit: string;
  measured: string;
  /** Unsure: the interval of the measurement holds the limit. */
  verdict: 'met' | 'not met' | 'met, unsure' | 'not met, unsure' | 'not measured';
}

function estimated(goal: Goal, cases: readonly Case[]): Estimate | undefined {
  const found = cases.find(({ scenario, key }) => scenario === goal.scenario && key === goal.key);
  const ours = found?.results.get(goal.ours);
  if (ours === undefined) return undefined;
  const { measure, by } = goal;
  if (by === 'value') {
    const values = ours.map((round) => round[measure] ?? Number.NaN).filter((value) => !Number.isNaN(value));
    return values.length === 0 ? undefined : estimate(values);
  }
  const theirs = found?.results.get(goal.reference ?? '');
  if (theirs === undefined || median(theirs.map((round) => round[measure] ?? 0)) === 0) return undefined;
  return paired(ours, theirs, { measure, by });
}

export function judge(cases: readonly Case[]): Verdict[] {
  return goals.map((goal) => {
    const limit = `${goal.is === 'most' ? '≤' : '≥'} ${goal.limit}${goal.unit}`;
    const found = estimated(goal, cases);
    if (found === undefined || Number.isNaN(found.value))
      return { goal: goal.name, limit, measured: '–', verdict: 'not measured' };
    const met = goal.is === 'most' ? found.value <= goal.limit : found.value >= goal.limit;
    // one round has no interval
    const range = found.low === found.high ? '' : ` [${found.low.toFixed(2)}, ${found.high.toFixed(2)}]`;
    const measured = `${found.value.toFixed(2)}${goal.unit}${range}`;
    const unsure = found.low < goal.limit && goal.limit < found.high;
    return {
      goal: goal.name,
      limit,
      measured,
      verdict: `${met ? 'met' : 'not met'}${unsure ? ', unsure' : ''}`,
    };
  });
}

/** Those that the run could have measured; all where it ran everything. */
export function goalsTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ goal, limit, measured, verdict }) => [goal, limit, measured, verdict]);
  return ['### Goals', '', render(['goal', 'limit', 'measured', ''], lines), ''].join('\n');
}
