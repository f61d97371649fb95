/** Starting peers and proxies as child processes, and reading what the kernel accounts to them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** Clock ticks of /proc: 100 a second on every Linux that Node runs on (USER_HZ). */
const TICK_US = 10_000;
const POLL_MS = 2;
const START_DEADLINE_MS = 10_000;

/** Those that run; they must not outlive us, however we end. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export interface Memory {
  /** Private pages, KiB: what one more proxy costs a node. */
  rssAnon: number;
  /** All resident pages, KiB, those shared with other proxies of the node among them. */
  rss: number;
}

export interface Started {
  readonly pid: number;
  /** From exec until it served. */
  readonly readyMs: number;
  /** CPU time of all threads so far, in microseconds. */
  cpuUs(): number;
  memory(): Memory;
  /** Ends the process; with SIGTERM it may write what it has to write, such as a profile. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

export function which(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/local/go/bin',
    '/usr/lib/go/bin',
  ];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function cpuUs(pid: number): number {
  // the name in parentheses may hold spaces; the fields after it do not
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

export function memory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { rssAnon: read('RssAnon'), rss: read('VmRSS') };
}

/** Whether something listens at a loopback port. */
export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

async function serving(child: ChildProcess, ready: () => Promise<boolean>, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await ready())) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${child.spawnfile} ended with ${child.exitCode ?? child.signalCode} before it served`);
    if (Date.now() > end) {
      child.kill('SIGKILL');
      throw new Error(`${child.spawnfile} does not serve after ${withinMs} ms`);
    }
    await pause(POLL_MS);
  }
}

let nextPort = 20_000 + (process.pid % 600) * 20;

/** A loopback port that nobody uses, below those that the system gives to clients. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort;
    nextPort = port >= 32_700 ? 20_000 : port + 1;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return port;
  }
}

export interface StartOptions {
  command: string;
  args: string[];
  /** Replaces the environment; PATH is kept. */
  env?: Record<string, string>;
  /** The process counts as started when this loopback port accepts, or when `ready` says so. */
  port: number;
  ready?: () => Promise<boolean>;
  /** Default 10 s. */
  readyWithinMs?: number;
  /** File that its output is added to; absent: dropped. */
  output?: string;
}

/** Starts a process and waits until it serves. Its error output goes to ours. */
export async function start(options: StartOptions): Promise<Started> {
  const { command, args, env, port, ready = () => accepts(port), output } = options;
  const begin = performance.now();
  const file = output === undefined ? undefined : openSync(output, 'a');
  const child = spawn(command, args, {
    stdio: ['ignore', file ?? 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  if (file !== undefined) closeSync(file);
  children.add(child);
  const ended = new Promise<void>((resolve) => {
    const gone = () => {
      children.delete(child);
      resolve();
    };
    child.once('exit', gone);
    child.once('error', gone);
  });
  await serving(child, ready, options.readyWithinMs ?? START_DEADLINE_MS);
  const readyMs = performance.now() - begin;
  const pid = child.pid!;
  return {
    pid,
    readyMs,
    cpuUs: () => cpuUs(pid),
    memory: () => memory(pid),
    stop: async (signal = 'SIGKILL') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
    },
  };
}
