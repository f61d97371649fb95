/** Where the time of our proxies goes: a profile and a flame graph per proxy under load, and what perf sees. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from '../context.ts';
import { GRPC_PATH, grpcFrame, H2_PATH, nghttpd } from '../load/nghttpd.ts';
import { h2load } from '../load/h2load.ts';
import { tool } from '../load/run.ts';
import { sourceFor, startSink } from '../load/streams.ts';
import { wrk } from '../load/wrk.ts';
import { stop, weftHop, weftPair, type Account, type Contender, type Traffic } from '../peers/contenders.ts';
import { nginxApplication } from '../peers/nginx.ts';
import { freePort, pause, type Started } from '../peers/process.ts';
import { callTree, locator, topSelfTimes, type CpuProfile } from '../report/cpuProfile.ts';
import { flameGraph } from '../report/flame.ts';
import { profiler } from './inspector.ts';
import { perf, PERF_ARGUMENTS } from './perf.ts';

const WARM_UP_SECONDS = 4;
const TOP = 25;

type Run = (port: number, seconds: number, dir: string) => Promise<unknown>;

interface Profiled {
  traffic: Traffic;
  pair: boolean;
  load: Run;
}

const grpc: Run = async (port, seconds, dir) => {
  const data = join(dir, 'message.grpc');
  await writeFile(data, grpcFrame(100));
  const headers = ['content-type: application/grpc', 'te: trailers'];
  return h2load({ port, path: GRPC_PATH, connections: 4, streams: 16, seconds, headers, data });
};

const PROFILED: Record<string, Profiled> = {
  plaintext: {
    traffic: 'http/1.1',
    pair: false,
    load: (port, seconds) => wrk({ port, connections: 32, seconds }),
  },
  mtls: {
    traffic: 'http/1.1',
    pair: true,
    load: (port, seconds) => wrk({ port, connections: 32, seconds }),
  },
  http2: {
    traffic: 'h2',
    pair: false,
    load: (port, seconds) => h2load({ port, path: H2_PATH, connections: 4, streams: 16, seconds }),
  },
  grpc: { traffic: 'grpc', pair: true, load: grpc },
  tcp: { traffic: 'bytes', pair: true, load: (port, seconds) => sourceFor({ port, streams: 1, seconds }) },
  churn: {
    traffic: 'http/1.1',
    pair: false,
    load: (port, seconds) => wrk({ port, connections: 32, seconds, close: true }),
  },
};

export interface ProfileOptions {
  only: readonly string[] | undefined;
  seconds: number;
  /** Records with perf too, which sees OpenSSL and the kernel. */
  perf: boolean;
  folder: string;
}

interface Application {
  port: number;
  stop(): Promise<void>;
}

async function application({ dir }: BenchContext, traffic: Traffic): Promise<Application> {
  const port = await freePort();
  const begin = async (): Promise<{ stop(): Promise<void> }> => {
    if (traffic === 'bytes') return startSink(port);
    if (traffic === 'http/1.1') return nginxApplication({ dir, name: `application-${port}`, port });
    return nghttpd({ dir, port, grpc: traffic === 'grpc' });
  };
  const { stop } = await begin();
  return { port, stop: () => stop() };
}

/** A proxy of a contender with the name that its files get. */
interface Side {
  name: string;
  account: Account;
  started: Started;
}

function sidesOf(name: string, { client, server }: Contender): Side[] {
  if (client === undefined) return [{ name, account: 'server', started: server }];
  return [
    { name: `${name}-client`, account: 'client', started: client },
    { name: `${name}-server`, account: 'server', started: server },
  ];
}

type Use = (sides: Side[], load: (seconds: number) => Promise<unknown>) => Promise<void>;

/** Runs proxies that are warm: what is seen is the steady state. */
async function running(
  context: BenchContext,
  { name, nodeArguments }: { name: string; nodeArguments: (account: Account) => string[] },
  use: Use,
): Promise<void> {
  const { traffic, pair, load } = PROFILED[name]!;
  const backend = await application(context, traffic);
  const bundle = context.options.bundles[0]!;
  const contenders: Contender[] = [];
  try {
    const route = { traffic, to: backend.port, bundle, nodeArguments };
    const contender = await (pair ? weftPair : weftHop)(context, route);
    contenders.push(contender);
    const loaded = (seconds: number) => load(contender.port, seconds, context.dir);
    await loaded(WARM_UP_SECONDS);
    await use(sidesOf(name, contender), loaded);
  } finally {
    await stop(contenders);
    await backend.stop();
  }
}

/** A run of its own: the sampling of one profiler would be in the picture of the other. */
const byPerf = (context: BenchContext, name: string, { seconds }: ProfileOptions): Promise<void> =>
  running(context, { name, nodeArguments: () => PERF_ARGUMENTS }, async (sides, load) => {
    const loaded = load(seconds + 1);
    await pause(500);
    const recorded = sides.map(({ name, started }) =>
      perf({ dir: context.dir, name, pid: started.pid, seconds }),
    );
    for (const report of await Promise.all(recorded)) process.stdout.write(`${report}\n`);
    await loaded;
  });

async function report(
  side: string,
  profile: CpuProfile,
  { folder, bundle }: { folder: string; bundle: string },
) {
  await writeFile(join(folder, `${side}.cpuprofile`), JSON.stringify(profile));
  const map = await readFile(`${bundle}.map`, 'utf8').catch(() => undefined);
  const root = callTree(profile, locator(map));
  await writeFile(join(folder, `${side}.flame.svg`), flameGraph(root, side));
  const lines = topSelfTimes(root, TOP).map(
    ({ name, share }) => `${(100 * share).toFixed(2).padStart(6)} %  ${name}`,
  );
  const busy = (root.total / 1e6).toFixed(2);
  process.stdout.write(
    [`### ${side}: own time of functions, of ${busy} s busy`, ...lines, '', ''].join('\n'),
  );
}

async function byInspector(context: BenchContext, name: string, options: ProfileOptions): Promise<void> {
  const { folder, seconds } = options;
  const bundle = context.options.bundles[0]!.file;
  const ports = { client: await freePort(), server: await freePort() };
  // told over HTTP alone, not in the output of the proxy
  const nodeArguments = (account: Account) => [
    `--inspect=127.0.0.1:${ports[account]}`,
    '--inspect-publish-uid=http',
  ];
  await running(context, { name, nodeArguments }, async (sides, load) => {
    const profilers = await Promise.all(sides.map(({ account }) => profiler(ports[account])));
    await Promise.all(profilers.map((one) => one.start()));
    await load(seconds);
    const profiles = await Promise.all(profilers.map((one) => one.stop()));
    for (const [index, side] of sides.entries())
      await report(side.name, profiles[index]!, { folder, bundle });
  });
}

/** Prints the top functions of each, writes profiles and flame graphs into `folder`. */
export async function profile(context: BenchContext, options: ProfileOptions): Promise<void> {
  await mkdir(options.folder, { recursive: true });
  for (const name of options.only ?? Object.keys(PROFILED)) {
    if (PROFILED[name] === undefined)
      throw new Error(`no profile ${name}; there are ${Object.keys(PROFILED).join(', ')}`);
    try {
      await byInspector(context, name, options);
      if (options.perf) {
        tool('perf');
        await byPerf(context, name, options);
      }
    } catch (error) {
      context.problems.push(`${name}: ${(error as Error).message}`);
    }
  }
}
