/** The demo's processes: applications, proxies and the operator. All end with the demo, in reverse order. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { configMapName, DIRECTORY_NAME, identitySecretName } from '../../core/model/names.ts';
import { NAMESPACE, type DemoPod, type World } from './world.ts';

const KEPT_LINES = 2_000;
const APPLICATION_PORT = 8080;
const STOP_DEADLINE_MS = 10_000;

export interface DemoProcess {
  readonly name: string;
  /** The newest lines of its output and error output. */
  readonly lines: string[];
  stop(): Promise<void>;
}

export interface Paths {
  /** Folder of the bundles: proxy.mjs, operator.mjs. */
  readonly dist: string;
  /** Folder of the shop's sources. */
  readonly shop: string;
  /** Folder that belongs to this run alone. */
  readonly run: string;
}

interface Command {
  name: string;
  args: string[];
  env?: Record<string, string>;
}

function keep(child: ChildProcess, lines: string[]): void {
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    });
  }
}

/** Starts a Node process whose unexpected end is an error of the demo. */
function run({ name, args, env = {} }: Command, onEnd: (message: string) => void): DemoProcess {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const lines: string[] = [];
  keep(child, lines);
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve();
      if (!stopping) onEnd(`${name} ended with ${signal ?? code}:\n${lines.slice(-10).join('\n')}`);
    });
  });
  return {
    name,
    lines,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      const last = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await ended;
      clearTimeout(last);
    },
  };
}

function application(pod: DemoPod, paths: Paths): Command {
  const urls = Object.entries(pod.ports.outbound).map(([service, port]) => [
    `${service.toUpperCase()}_URL`,
    `http://127.0.0.1:${port}`,
  ]);
  return {
    name: `${pod.name} (application)`,
    args: [join(paths.shop, `${pod.service}.ts`)],
    env: {
      HOST: '127.0.0.1',
      PORT: String(pod.ports.application),
      GRPC_PORT: String(pod.ports.grpcHealth),
      VERSION: pod.version,
      POD_NAME: pod.name,
      ...Object.fromEntries(urls),
    },
  };
}

function listeners(pod: DemoPod, world: World): object {
  return {
    inbound: [
      {
        listen: `127.0.0.1:${pod.ports.inbound}`,
        port: APPLICATION_PORT,
        dial: `127.0.0.1:${pod.ports.application}`,
      },
    ],
    outbound: Object.entries(pod.ports.outbound).map(([service, port]) => ({
      listen: `127.0.0.1:${port}`,
      destination: `${world.addresses[service]}:${APPLICATION_PORT}`,
    })),
  };
}

export const outDir = (paths: Paths): string => join(paths.run, 'out');
export const identityDir = (paths: Paths, account: string): string =>
  join(outDir(paths), NAMESPACE, identitySecretName(account));

async function proxy(pod: DemoPod, options: StartOptions): Promise<Command> {
  const { paths, world, control } = options;
  const home = join(paths.run, 'pods', pod.name);
  await mkdir(join(home, 'pod'), { recursive: true });
  await mkdir(join(home, 'run'), { recursive: true });
  const labels = Object.entries(pod.labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  await writeFile(join(home, 'pod', 'labels'), `${labels.join('\n')}\n`);
  const mounted = join(outDir(paths), NAMESPACE);
  return {
    name: `${pod.name} (proxy)`,
    args: [join(paths.dist, 'proxy.mjs')],
    env: {
      WEFT_POD_NAME: pod.name,
      WEFT_POD_NAMESPACE: NAMESPACE,
      WEFT_POD_UID: `pod-${pod.name}`,
      WEFT_POD_IPS: '127.0.0.1',
      WEFT_NODE_NAME: 'laptop',
      WEFT_SERVICE_ACCOUNT: pod.serviceAccount,
      WEFT_WORKLOAD_KIND: 'deployment',
      WEFT_WORKLOAD_NAME: pod.deployment,
      WEFT_TRUST_DOMAIN: 'cluster.local',
      WEFT_SYSTEM_NAMESPACE: 'weft-system',
      WEFT_CONFIG_DIR: join(mounted, configMapName({ kind: 'deployment', name: pod.deployment })),
      WEFT_DIRECTORY_DIR: join(mounted, DIRECTORY_NAME),
      WEFT_IDENTITY_DIR: identityDir(paths, pod.serviceAccount),
      WEFT_POD_INFO_DIR: join(home, 'pod'),
      WEFT_RUN_DIR: join(home, 'run'),
      WEFT_CONTROL: control,
      WEFT_LOG_LEVEL: 'Info',
      WEFT_ADMIN_PORT: String(pod.ports.admin),
      WEFT_METRICS_PORT: String(pod.ports.metrics),
      WEFT_HEALTH_PORT: String(pod.ports.health),
      WEFT_LISTEN: JSON.stringify(listeners(pod, world)),
    },
  };
}

export interface StartOptions {
  readonly world: World;
  readonly paths: Paths;
  /** Loopback `host:port` of the operator's control server. */
  readonly control: string;
  /** Told when a process ends that should not. */
  readonly onEnd: (message: string) => void;
}

export interface Processes {
  /** By pod name. */
  readonly proxies: ReadonlyMap<string, DemoProcess>;
  readonly operator: DemoProcess;
  stop(): Promise<void>;
}

/** Starts everything. The caller waits for readiness at the proxies' health ports. */
export async function startProcesses(options: StartOptions): Promise<Processes> {
  const { world, paths, control, onEnd } = options;
  const operator = run(
    {
      name: 'operator',
      args: [
        join(paths.dist, 'operator.mjs'),
        '--source',
        'files',
        '--dir',
        join(paths.run, 'source'),
        '--out',
        outDir(paths),
        '--control',
        control,
      ],
    },
    onEnd,
  );
  const all: DemoProcess[] = [operator];
  const proxies = new Map<string, DemoProcess>();
  for (const pod of world.pods) {
    all.push(run(application(pod, paths), onEnd));
    const started = run(await proxy(pod, options), onEnd);
    proxies.set(pod.name, started);
    all.push(started);
  }
  return {
    proxies,
    operator,
    stop: async () => {
      await Promise.all(all.slice(1).map((started) => started.stop()));
      await operator.stop();
    },
  };
}
