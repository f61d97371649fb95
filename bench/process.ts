/** Starting peers and proxies as child processes, and reading what the kernel accounts to them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';

/** Clock ticks of /proc: 100 a second on every Linux that Node runs on (USER_HZ). */
const TICK_US = 10_000;

export interface Started {
  readonly pid: number;
  /** CPU time of all threads so far, in microseconds. */
  cpuUs(): number;
  /** Private and resident memory, in KiB. */
  memory(): { rssAnon: number; rss: number };
  stop(): Promise<void>;
}

export function which(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

function cpuUs(pid: number): number {
  // the name in parentheses may hold spaces; the fields after it do not
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

function memory(pid: number): { rssAnon: number; rss: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { rssAnon: read('RssAnon'), rss: read('VmRSS') };
}

async function listening(port: number, child: ChildProcess, deadlineMs = 10_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`${child.spawnfile} exited with ${child.exitCode} before it listened`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => socket.destroy());
      socket.on('connect', () => socket.end());
    });
    if (open) return;
    if (Date.now() > end) throw new Error(`nothing listens on port ${port} after ${deadlineMs} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface StartOptions {
  command: string;
  args: string[];
  /** Replaces the environment; PATH is kept. */
  env?: Record<string, string>;
  /** The process counts as started when this loopback port accepts. */
  port: number;
}

/** Starts a process and waits until it listens. Its error output goes to ours, its output is dropped. */
export async function start({ command, args, env, port }: StartOptions): Promise<Started> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await listening(port, child);
  const pid = child.pid!;
  return {
    pid,
    cpuUs: () => cpuUs(pid),
    memory: () => memory(pid),
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
