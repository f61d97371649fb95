/** Streams of gRPC messages by grpc-go, which needs Go; the rest of the benchmark does not. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { start, which, type Started } from '../peers/process.ts';
import type { Load } from './wrk.ts';

const MODULE = join(import.meta.dirname, 'grpc');
const BUILD_MS = 180_000;
/** What go.mod says; Debian 12's golang is older. */
const NEEDED = 'Go 1.26 or newer in PATH or /usr/local/go/bin';
const run = promisify(execFile);

/** Builds the program into `dir`. Throws with one line that says what is missing. */
export async function buildGrpcStreams(dir: string): Promise<string> {
  const go = which('go');
  if (go === undefined) throw new Error(`go is missing; it needs ${NEEDED}`);
  const file = join(dir, 'grpc-streams');
  try {
    await run(go, ['build', '-o', file, '.'], { cwd: MODULE, timeout: BUILD_MS });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const reason = stderr.trim().split('\n').at(-1) || message;
    throw new Error(`bench/load/grpc does not build (it needs ${NEEDED}): ${reason}`, { cause: error });
  }
  return file;
}

export const grpcServer = (program: string, port: number): Promise<Started> =>
  start({ command: program, args: ['server', String(port)], port });

export interface StreamOptions {
  port: number;
  /** echo: message and answer in turn, on each stream. flood: the server sends as fast as it is taken. */
  mode: 'echo' | 'flood';
  streams: number;
  seconds: number;
}

/** A message counts as a request. */
export async function grpcStreams(program: string, options: StreamOptions): Promise<Load> {
  const { port, mode, streams, seconds } = options;
  const asked = ['client', mode, String(port), String(seconds), String(streams)];
  const { stdout, stderr } = await run(program, asked);
  // why streams broke
  process.stderr.write(stderr);
  return parseStreams(stdout);
}

export function parseStreams(report: string): Load {
  const { messages, seconds, p50Ms, p99Ms, errors } = JSON.parse(report) as Record<string, number>;
  return {
    requests: messages!,
    requestsPerSecond: messages! / seconds!,
    p50Ms: p50Ms!,
    p99Ms: p99Ms!,
    errors: errors!,
  };
}
