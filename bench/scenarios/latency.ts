/** Two sidecars end to end: client, outbound proxy, inbound proxy, application; requests at a fixed rate. */
import { wanted, type BenchContext } from '../context.ts';
import { openLoop, percentile } from '../load/openLoop.ts';
import { wrk } from '../load/wrk.ts';
import { haproxyPair, stop, weftPair, type Contender } from '../peers/contenders.ts';
import { nginxApplication } from '../peers/nginx.ts';
import { freePort } from '../peers/process.ts';
import type { Case, Column, Comparison } from '../report/case.ts';
import type { Round } from '../report/statistics.ts';
import { compare, startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 32;
/** Of full load, so that what is measured is compiled. */
const WARM_UP_SECONDS = 2;
/**
 * By the rate: how much longer than other runs, for at a fixed rate there are fewer requests. There is a goal for the
 * tail at 1,000, so that one is measured where a hundred requests are beyond it.
 */
const RATES = new Map([
  [500, 2],
  [1000, 8],
  [2000, 2],
]);
/** An interval of a tail needs this many. */
const LEAST_ROUNDS = 7;

const COLUMNS: readonly Column[] = [
  { measure: 'p50Ms', header: 'p50 ms', digits: 2 },
  { measure: 'p90Ms', header: 'p90 ms', digits: 2 },
  { measure: 'p99Ms', header: 'p99 ms', digits: 2 },
  { measure: 'p999Ms', header: 'p99.9 ms', digits: 2 },
  { measure: 'lagP99Ms', header: "generator's own p99", digits: 2 },
];

const COMPARISONS: readonly Comparison[] = [
  { header: 'p50 less HAProxy pair, ms', reference: 'HAProxy pair', measure: 'p50Ms', by: 'difference' },
  { header: 'p99 less HAProxy pair, ms', reference: 'HAProxy pair', measure: 'p99Ms', by: 'difference' },
  { header: 'p99 less HAProxy pair, h2', reference: 'HAProxy pair, h2', measure: 'p99Ms', by: 'difference' },
];

async function measure({ port }: Contender, perSecond: number, seconds: number): Promise<Round> {
  const { latenciesMs, lagsMs, errors } = await openLoop({
    port,
    perSecond,
    seconds,
    connections: CONNECTIONS,
  });
  return {
    p50Ms: percentile(latenciesMs, 0.5),
    p90Ms: percentile(latenciesMs, 0.9),
    p99Ms: percentile(latenciesMs, 0.99),
    p999Ms: percentile(latenciesMs, 0.999),
    lagP99Ms: percentile(lagsMs, 0.99),
    requests: latenciesMs.length,
    errors,
  };
}

async function atRate(
  context: BenchContext,
  contenders: Contender[],
  perSecond: number,
): Promise<Case | undefined> {
  const { rounds, seconds } = context.options;
  const key = `${perSecond} requests/s`;
  if (!wanted(context, key)) return undefined;
  const results = await compare(context, contenders, {
    what: `latency ${key}`,
    rounds: Math.max(LEAST_ROUNDS, rounds),
    warmUp: ({ port }) => wrk({ port, connections: CONNECTIONS, seconds: WARM_UP_SECONDS }),
    measure: (contender) => measure(contender, perSecond, seconds * (RATES.get(perSecond) ?? 1)),
  });
  const title = `Two sidecars end to end at a fixed ${key}, latency from the intended time of sending`;
  return { scenario: 'latency', key, title, columns: COLUMNS, comparisons: COMPARISONS, results };
}

export const latency: Scenario = {
  name: 'latency',
  about: 'two sidecars end to end, open loop at 500, 1,000 and 2,000 requests/s: percentiles',
  async *run(context) {
    const to = await freePort();
    const application = await nginxApplication({ dir: context.dir, name: `application-${to}`, port: to });
    const route = { traffic: 'http/1.1', to } as const;
    const contenders = await startAll(context, 'latency', [
      () => haproxyPair(context, { ...route, between: 'http/1.1' }),
      () => haproxyPair(context, { ...route, between: 'h2' }),
      ...context.options.bundles.map((bundle) => () => weftPair(context, { ...route, bundle })),
    ]);
    try {
      for (const perSecond of RATES.keys()) yield await atRate(context, contenders, perSecond);
    } finally {
      await stop(contenders);
      await application.stop();
    }
  },
};
