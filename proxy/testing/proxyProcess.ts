/** A real proxy process in process mode, with folders that the test fills. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Volume } from '../config/testing/volumes.ts';
import { variables } from './variables.ts';

export interface ProxyProcess {
  readonly config: Volume;
  readonly directory: Volume;
  readonly identity: Volume;
  readonly podInfo: Volume;
  readonly runDir: string;
  readonly ports: { admin: number; metrics: number; health: number; inbound: number; outbound: number };
  /** JSON lines of the access log and of diagnostics. */
  readonly accessLog: Record<string, unknown>[];
  readonly diagnostics: Record<string, unknown>[];
  readonly child: ChildProcess;
  /** Exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function lines(stream: NodeJS.ReadableStream, into: Record<string, unknown>[]): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const part of parts) {
      try {
        into.push(JSON.parse(part) as Record<string, unknown>);
      } catch {
        into.push({ text: part });
      }
    }
  });
}

export interface ProxyProcessOptions {
  folder: string;
  /** Loopback port of the application, which policy sees as port 8080. */
  application: number;
  /** `address:port` that the outbound listener stands for. */
  destination: string;
  environment?: Record<string, string | undefined>;
}

export const MAIN = join(import.meta.dirname, '..', 'main.ts');

export async function startProxyProcess(options: ProxyProcessOptions): Promise<ProxyProcess> {
  const [admin, metrics, health, inbound, outbound] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const volume = async (name: string) => {
    await mkdir(join(options.folder, name), { recursive: true });
    return new Volume(join(options.folder, name));
  };
  const [config, directory, identity, podInfo, run] = await Promise.all(
    (['config', 'directory', 'identity', 'pod', 'run'] as const).map(volume),
  );
  const environment = variables({
    WEFT_POD_IPS: '127.0.0.1',
    WEFT_CONFIG_DIR: config!.folder,
    WEFT_DIRECTORY_DIR: directory!.folder,
    WEFT_IDENTITY_DIR: identity!.folder,
    WEFT_POD_INFO_DIR: podInfo!.folder,
    WEFT_RUN_DIR: run!.folder,
    WEFT_CONTROL: undefined,
    WEFT_ADMIN_PORT: String(admin),
    WEFT_METRICS_PORT: String(metrics),
    WEFT_HEALTH_PORT: String(health),
    WEFT_LISTEN: JSON.stringify({
      inbound: [{ listen: `127.0.0.1:${inbound}`, port: 8080, dial: `127.0.0.1:${options.application}` }],
      outbound: [{ listen: `127.0.0.1:${outbound}`, destination: options.destination }],
    }),
    ...options.environment,
  });
  const child = spawn(process.execPath, ['--no-warnings', MAIN], {
    env: { ...environment } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const accessLog: Record<string, unknown>[] = [];
  const diagnostics: Record<string, unknown>[] = [];
  lines(child.stdout, accessLog);
  lines(child.stderr, diagnostics);
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    config: config!,
    directory: directory!,
    identity: identity!,
    podInfo: podInfo!,
    runDir: run!.folder,
    ports: { admin, metrics, health, inbound, outbound },
    accessLog,
    diagnostics,
    child,
    ended,
  };
}
