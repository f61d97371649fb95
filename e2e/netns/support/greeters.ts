/** Servers inside a namespace that say their name to whoever connects: who answers shows where a connection went. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { run, tryRun } from '../../support/run.ts';
import type { PodNamespace } from './namespaces.ts';

/** Arguments: name, host and port of each server. Prints a line when all listen. */
const SERVERS = `
const { createServer } = require('node:net');
const args = process.argv.slice(1);
let waiting = args.length / 3;
for (let i = 0; i < args.length; i += 3)
  createServer((socket) => socket.on('error', () => {}).end(args[i]))
    .listen({ host: args[i + 1], port: Number(args[i + 2]) }, () => --waiting || console.log('ready'));
`;

/** Arguments: host, port, source address or ''. Prints who answered. */
const CLIENT = `
const [host, port, localAddress] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port: Number(port), ...(localAddress && { localAddress }) });
socket.setTimeout(3000, () => socket.destroy(new Error('no answer')));
socket.on('data', (data) => process.stdout.write(data)).on('error', (error) => process.stdout.write(error.code ?? error.message));
`;

export interface Greeter {
  name: string;
  host: string;
  port: number;
}

export async function startGreeters(pod: PodNamespace, greeters: readonly Greeter[]): Promise<ChildProcess> {
  const args = greeters.flatMap(({ name, host, port }) => [name, host, String(port)]);
  const [command, rest] = pod.exec([process.execPath, '-e', SERVERS, '--', ...args]);
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`the servers of ${pod.name} ended`))),
  ]);
  return child;
}

export interface Call {
  from: PodNamespace;
  to: string;
  port: number;
  user?: { uid: number; gid: number };
  source?: string;
}

/** Name of the server that answered, or the code of the error. */
export async function whoAnswers({ from, to, port, user, source = '' }: Call): Promise<string> {
  const [command, args] = from.exec([process.execPath, '-e', CLIENT, '--', to, String(port), source], user);
  return run(command, args);
}

/** Runs the init container's program inside. Gives its exit code and what it said. */
export function runInit(pod: PodNamespace, environment: Record<string, string> = {}) {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const main = new URL('../../../proxy/init/main.ts', import.meta.url).pathname;
  const [command, args] = pod.exec(['env', ...variables, process.execPath, '--no-warnings', main]);
  return tryRun(command, args);
}
