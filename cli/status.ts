import type { Command } from 'commander';
import { WeftError } from '../core/errors/index.ts';
import { addClusterFlags, type Cluster, type ClusterFlags, type ConnectCluster } from './cluster/cluster.ts';
import { OperatorPages } from './cluster/operator.ts';
import { parseFormat, valueText, type Format } from './output.ts';
import { askProxies, MAX_ASKED_PROXIES, type ShownProxy } from './status/direct.ts';
import { countsOf, isLate, statusText } from './status/table.ts';
import type { Streams } from './streams.ts';

interface Options extends ClusterFlags {
  output: Format;
  late?: true;
}

interface Found {
  readonly proxies: readonly ShownProxy[];
  /** Who said it, and the time that it is there. */
  readonly source: string;
  readonly at: string;
}

async function find(cluster: Cluster, options: Options, { err }: Streams): Promise<Found> {
  const { namespace, systemNamespace } = options;
  try {
    const { proxies, replica, at } = await new OperatorPages(cluster, systemNamespace).proxies(namespace);
    return { proxies, source: replica, at };
  } catch (error) {
    if (!(error instanceof WeftError) || error.code !== 'OPERATOR_UNREACHABLE') throw error;
    err(`${error.toString()}\n`);
    err('What follows is by the proxies themselves: whether one is late is not known.\n');
  }
  const proxies = await askProxies(cluster, namespace);
  if (proxies.length > MAX_ASKED_PROXIES)
    err(`More than ${MAX_ASKED_PROXIES} proxies are only listed; name a namespace to have them asked.\n`);
  return { proxies, source: 'proxies', at: new Date().toISOString() };
}

/** Exit code 1 where a proxy is late, or refused a document, or nobody can tell. */
async function status(options: Options, streams: Streams, cluster: Cluster): Promise<number> {
  const { proxies, source, at } = await find(cluster, options, streams);
  const shown = options.late ? proxies.filter(isLate) : proxies;
  const { output } = options;
  if (output === 'json' || output === 'yaml')
    streams.out(valueText({ source, at, summary: countsOf(proxies), proxies: shown }, output));
  else streams.out(statusText({ proxies, shown, wide: output === 'wide', now: Date.parse(at) }));
  return proxies.some(isLate) ? 1 : 0;
}

export function registerStatus(
  program: Command,
  streams: Streams,
  tools: { connect: ConnectCluster; exit: (code: number) => void },
): void {
  addClusterFlags(program.command('status'))
    .description(
      'every proxy: what it runs, whether it is connected, and which are late (then the exit code is 1)',
    )
    .option('-o, --output <format>', 'wide, json or yaml', parseFormat, 'table' as Format)
    .option('--late', 'only those that are late, refused a document, or cannot be judged')
    .action(async (options: Options) => {
      const cluster = await tools.connect(options);
      try {
        tools.exit(await status(options, streams, cluster));
      } finally {
        cluster.close();
      }
    });
}
