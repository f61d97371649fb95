/** Streams of bytes over mTLS between two proxies. */
import { wanted, type BenchContext } from '../context.ts';
import { startSink, transfer, type Sink } from '../load/streams.ts';
import { haproxyPair, processesOf, stop, weftPair, type Contender } from '../peers/contenders.ts';
import { freePort } from '../peers/process.ts';
import type { Case, Column, Comparison } from '../report/case.ts';
import type { Round } from '../report/statistics.ts';
import { startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

/** Source and sink alone: what they could do if no proxy were between. */
const DIRECT = 'no proxy, no TLS';

const COLUMNS: readonly Column[] = [
  { measure: 'mbPerSecond', header: 'MB/s', digits: 0 },
  { measure: 'cpuPerGb', header: 'CPU s/GB', digits: 2 },
  { measure: 'rssAnonMiB', header: 'RssAnon MiB', digits: 1 },
];

const COMPARISONS: readonly Comparison[] = [
  { header: 'MB/s vs HAProxy pair', reference: 'HAProxy pair', measure: 'mbPerSecond', by: 'ratio' },
  { header: 'CPU vs HAProxy pair', reference: 'HAProxy pair', measure: 'cpuPerGb', by: 'ratio' },
];

interface Way {
  name: string;
  port: number;
  proxies: Contender | undefined;
}

async function measure({ port, proxies }: Way, run: { sink: Sink; streams: number; seconds: number }) {
  const processes = proxies === undefined ? [] : processesOf(proxies);
  const cpuUs = () => processes.reduce((sum, started) => sum + started.cpuUs(), 0);
  const flow = await transfer({ ...run, port, cpuUs });
  const rssAnon = processes.reduce((sum, started) => sum + started.memory().rssAnon, 0);
  const some = flow.bytes > 0;
  return {
    mbPerSecond: flow.bytes / 1e6 / flow.seconds,
    cpuPerGb: processes.length > 0 && some ? flow.cpuUs / 1e6 / (flow.bytes / 1e9) : Number.NaN,
    rssAnonMiB: processes.length > 0 ? rssAnon / 1024 : Number.NaN,
    errors: some ? 0 : 1,
  };
}

async function withStreams(
  context: BenchContext,
  ways: readonly Way[],
  { sink, streams }: { sink: Sink; streams: number },
): Promise<Case | undefined> {
  const key = `${streams} up`;
  if (!wanted(context, key)) return undefined;
  const { rounds, seconds } = context.options;
  const results = new Map<string, Round[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ways) results.get(way.name)!.push(await measure(way, { sink, streams, seconds }));
  }
  for (const [name, measured] of results) {
    const silent = measured.filter(({ errors }) => errors! > 0).length;
    if (silent > 0) context.problems.push(`tcp ${key}: nothing came through ${name} in ${silent} rounds`);
  }
  return {
    scenario: 'tcp',
    key,
    title: `TCP over mTLS between two proxies, ${streams === 1 ? 'one stream' : `${streams} streams`} from client to application`,
    columns: COLUMNS,
    comparisons: COMPARISONS,
    results,
  };
}

export const tcp: Scenario = {
  name: 'tcp',
  about: 'TCP over mTLS between two proxies: throughput and CPU per GB, 1 and 4 streams',
  async *run(context) {
    const to = await freePort();
    const sink = startSink(to);
    const contenders = await startAll(context, 'tcp', [
      () => haproxyPair(context, { traffic: 'bytes', to, between: 'bytes' }),
      ...context.options.bundles.map((bundle) => () => weftPair(context, { traffic: 'bytes', to, bundle })),
    ]);
    const ways: Way[] = [
      { name: DIRECT, port: to, proxies: undefined },
      ...contenders.map((proxies) => ({ name: proxies.name, port: proxies.port, proxies })),
    ];
    try {
      for (const streams of [1, 4]) yield await withStreams(context, ways, { sink, streams });
    } finally {
      await stop(contenders);
      await sink.stop();
    }
  },
};
