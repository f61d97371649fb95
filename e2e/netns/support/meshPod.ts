/** A pod of the mesh in a namespace of its own: redirection, a real proxy as uid 1337 and an application. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { IdentityFiles } from '../../../certs/verify/index.ts';
import { directoryText, Volume } from '../../../proxy/config/testing/volumes.ts';
import { variables } from '../../../proxy/testing/variables.ts';
import { run } from '../../support/run.ts';
import { runInit } from './greeters.ts';
import type { PodNamespace } from './namespaces.ts';

const MAIN = new URL('../../../proxy/main.ts', import.meta.url).pathname;
const PROXY = { uid: 1337, gid: 1337 };
export const APPLICATION = { uid: 1000, gid: 1000 };

/** Answers every request with what it saw, as JSON. */
const SERVER = `
require('node:http').createServer((request, response) => {
  const { method, url, headers, socket } = request;
  response.setHeader('x-weft-reason', 'SPOOFED');
  response.end(JSON.stringify({ method, url, remote: socket.remoteAddress, headers }));
}).listen(8080, '::');
`;

export interface MeshPodOptions {
  pod: PodNamespace;
  folder: string;
  /** Name of workload, ServiceAccount and label app. */
  name: string;
  config: string;
  identity: IdentityFiles;
  environment?: Record<string, string>;
}

export interface MeshPod {
  readonly accessLog: Record<string, unknown>[];
  /** Lines that are no JSON, and diagnostics: for a person who looks for the reason of a failure. */
  readonly output: string[];
  stop(): void;
}

function collect(child: ChildProcess, accessLog: Record<string, unknown>[], output: string[]): void {
  for (const stream of [child.stdout!, child.stderr!]) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (stream === child.stdout && line.startsWith('{'))
          accessLog.push(JSON.parse(line) as Record<string, unknown>);
        else output.push(line);
      }
    });
  }
}

/** Status of a path on the pod's health port, asked from inside. */
async function healthy(pod: PodNamespace): Promise<boolean> {
  const url = 'http://127.0.0.1:15021/healthz/startup';
  const [command, args] = pod.exec(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url], PROXY);
  return (await run(command, args).catch(() => '')) === '200';
}

export async function startMeshPod(options: MeshPodOptions): Promise<MeshPod> {
  const { pod, folder, name, config, identity } = options;
  const init = await runInit(pod);
  if (init.code !== 0) throw new Error(init.stdout + init.stderr);
  const volume = async (kind: string) => {
    await mkdir(join(folder, name, kind), { recursive: true });
    return new Volume(join(folder, name, kind));
  };
  await (await volume('config')).write({ 'config.json': config });
  await (await volume('identity')).write({ ...identity });
  await (await volume('pod')).write({ labels: `app="${name}"\n` });
  await (await volume('directory')).write({ 'directory.json': directoryText() });
  await volume('run');
  await run('chown', ['-R', '1337:1337', join(folder, name)]);
  const environment = variables({
    WEFT_POD_NAME: `${name}-1`,
    WEFT_POD_IPS: `${pod.ipv4},${pod.ipv6}`,
    WEFT_SERVICE_ACCOUNT: name,
    WEFT_WORKLOAD_NAME: name,
    WEFT_CONTROL: undefined,
    WEFT_CONFIG_DIR: join(folder, name, 'config'),
    WEFT_DIRECTORY_DIR: join(folder, name, 'directory'),
    WEFT_IDENTITY_DIR: join(folder, name, 'identity'),
    WEFT_POD_INFO_DIR: join(folder, name, 'pod'),
    WEFT_RUN_DIR: join(folder, name, 'run'),
    ...options.environment,
  });
  const start = (command: readonly string[], user: { uid: number; gid: number }) => {
    const [program, args] = pod.exec(command, user);
    return spawn(program, args, {
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  const accessLog: Record<string, unknown>[] = [];
  const output: string[] = [];
  const proxy = start([process.execPath, '--no-warnings', MAIN], PROXY);
  collect(proxy, accessLog, output);
  const application = start([process.execPath, '-e', SERVER], APPLICATION);
  const deadline = Date.now() + 20_000;
  while (!(await healthy(pod))) {
    if (Date.now() > deadline || proxy.exitCode !== null)
      throw new Error(`the proxy of ${name} did not start: ${output.join('\n')}`);
  }
  return {
    accessLog,
    output,
    stop: () => {
      proxy.kill('SIGKILL');
      application.kill('SIGKILL');
    },
  };
}

export interface Reply {
  status: number;
  reason: string | undefined;
  body: Record<string, unknown>;
}

/** One HTTP request from inside a namespace. */
export async function call(from: PodNamespace, url: string, args: readonly string[] = []): Promise<Reply> {
  const [command, rest] = from.exec(['curl', '-s', '-i', '--max-time', '10', ...args, url], APPLICATION);
  const text = await run(command, rest);
  const [head, ...body] = text.replaceAll('\r', '').split('\n\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head!)?.[1]),
    reason: /^x-weft-reason: (.*)$/im.exec(head!)?.[1],
    body: JSON.parse(body.join('\n\n')) as Record<string, unknown>,
  };
}
