/** Where the time of our proxies goes: a profile and a flame graph per proxy under load, and what perf sees. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './context.ts';
import { GRPC_PATH, grpcFrame, H2_PATH, nghttpd } from './load/nghttpd.ts';
import { h2load } from './load/h2load.ts';
import { output, tool } from './load/run.ts';
import { sourceFor, startSink } from './load/streams.ts';
import { wrk } from './load/wrk.ts';
import { stop, weftHop, weftPair, type Contender, type Traffic } from './peers/contenders.ts';
import { nginxApplication } from './peers/nginx.ts';
import { freePort, type Started } from './peers/process.ts';
import { callTree, locator, topSelfTimes, type CpuProfile } from './report/cpuProfile.ts';
import { flameGraph } from './report/flame.ts';

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

/** The proxies of a contender with the names that their files get. */
const sides = (name: string, { client, server }: Contender): [string, Started][] =>
  client === undefined
    ? [[name, server]]
    : [
        [`${name}-client`, client],
        [`${name}-server`, server],
      ];

async function perf(dir: string, side: [string, Started], seconds: number): Promise<string> {
  const [name, { pid }] = side;
  const file = join(dir, `${name}.perf.data`);
  await output('perf', ['record', '-q', '-e', 'cpu-clock', '-F', '997', '-o', file, '-p', String(pid), '--', 'sleep', String(seconds)]); // prettier-ignore
  const lines = async (sort: string, count: number) => {
    const report = await output('perf', ['report', '--stdio', '--no-children', '--sort', sort, '-i', file]);
    const shares = report.split('\n').filter((line) => /^\s+\d/.test(line));
    return shares.slice(0, count).map((line) => line.trimEnd());
  };
  const [objects, symbols] = [await lines('dso', 6), await lines('dso,symbol', 30)];
  return [`### ${name}: by perf, kernel and OpenSSL included`, ...objects, '', ...symbols, ''].join('\n');
}

async function withPerf(context: BenchContext, name: string, options: ProfileOptions): Promise<void> {
  const { load } = PROFILED[name]!;
  // a run of its own: its maps and the sampling of --cpu-prof would be in each other's picture
  const { contender, backend } = await begin(context, name, ['--perf-basic-prof']);
  try {
    const running = load(contender.port, options.seconds + 2, context.dir);
    const reports = await Promise.all(
      sides(name, contender).map((side) => perf(context.dir, side, options.seconds)),
    );
    await running;
    process.stdout.write(`${reports.join('\n')}\n`);
  } finally {
    await stop([contender]);
    await backend.stop();
  }
}

async function begin(context: BenchContext, name: string, nodeArguments: string[]) {
  const { traffic, pair } = PROFILED[name]!;
  const backend = await application(context, traffic);
  const bundle = context.options.bundles[0]!;
  const route = { traffic, to: backend.port, bundle, nodeArguments };
  const contender = await (pair ? weftPair : weftHop)(context, route);
  return { contender, backend };
}

async function reportOf(file: string, name: string, { folder, bundle }: { folder: string; bundle: string }) {
  const profile = JSON.parse(await readFile(file, 'utf8')) as CpuProfile;
  const root = callTree(profile, locator(await readFile(bundle, 'utf8')));
  await writeFile(join(folder, `${name}.flame.svg`), flameGraph(root, `${name}: ${bundle}`));
  const lines = topSelfTimes(root, 25).map(
    ({ name, share }) => `${(100 * share).toFixed(2).padStart(6)} %  ${name}`,
  );
  return [
    `### ${name}: own time of functions, of ${(root.total / 1e6).toFixed(2)} s busy`,
    ...lines,
    '',
  ].join('\n');
}

async function one(context: BenchContext, name: string, options: ProfileOptions): Promise<void> {
  const { folder, seconds } = options;
  const bundle = context.options.bundles[0]!.file;
  const raw = join(context.dir, 'profiles', name);
  await mkdir(raw, { recursive: true });
  const { contender, backend } = await begin(context, name, [
    '--cpu-prof',
    `--cpu-prof-dir=${raw}`,
    '--cpu-prof-interval=400',
  ]);
  const named = sides(name, contender);
  try {
    await PROFILED[name]!.load(contender.port, seconds, context.dir);
  } finally {
    // the profile is written when the process ends by itself
    await Promise.all(named.map(([, started]) => started.stop('SIGTERM')));
    await backend.stop();
  }
  for (const [side, { pid }] of named) {
    const written = (await readdir(raw)).find((file) => file.split('.').includes(String(pid)));
    if (written === undefined) throw new Error(`${side} wrote no profile: did it end by itself?`);
    const file = join(folder, `${side}.cpuprofile`);
    await rename(join(raw, written), file);
    process.stdout.write(`${await reportOf(file, side, { folder, bundle })}\n`);
  }
}

/** Prints the top functions of each, writes profiles and flame graphs into `folder`. */
export async function profile(context: BenchContext, options: ProfileOptions): Promise<void> {
  await mkdir(options.folder, { recursive: true });
  for (const name of options.only ?? Object.keys(PROFILED)) {
    if (PROFILED[name] === undefined)
      throw new Error(`no profile ${name}; there are ${Object.keys(PROFILED).join(', ')}`);
    try {
      await one(context, name, options);
      if (options.perf) {
        tool('perf');
        await withPerf(context, name, options);
      }
    } catch (error) {
      context.problems.push(`${name}: ${(error as Error).message}`);
    }
  }
}
