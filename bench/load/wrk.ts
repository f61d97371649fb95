/** HTTP/1.1 in a closed loop: each connection sends its next request when the answer is there. */
import { output, TRACE_HEADER } from './run.ts';

export interface Load {
  requests: number;
  requestsPerSecond: number;
  /** NaN where the generator does not say. */
  p50Ms: number;
  p99Ms: number;
  /** Socket errors and answers other than 2xx and 3xx; a run with any is not a measurement. */
  errors: number;
}

const UNIT_MS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function milliseconds(report: string, percentile: string): number {
  const [, amount, unit] = new RegExp(`^\\s*${percentile}%\\s+([0-9.]+)(us|ms|s|m)`, 'm').exec(report) ?? [];
  return amount === undefined ? Number.NaN : Number(amount) * UNIT_MS[unit!]!;
}

export function parseWrk(report: string): Load {
  const number = (pattern: RegExp) => Number(pattern.exec(report)?.[1] ?? 0);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report);
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([0-9.]+)/),
    p50Ms: milliseconds(report, '50'),
    p99Ms: milliseconds(report, '99'),
    errors:
      number(/Non-2xx or 3xx responses: (\d+)/) +
      (socketErrors?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0),
  };
}

export interface WrkOptions {
  port: number;
  path?: string;
  connections: number;
  seconds: number;
  /** A new connection for each request. */
  close?: boolean;
}

/** wrk takes whole seconds only. */
const wholeSeconds = (seconds: number) => Math.max(1, Math.round(seconds));

export async function wrk({ port, path = '/', connections, seconds, close }: WrkOptions): Promise<Load> {
  const headers = ['-H', TRACE_HEADER, ...(close ? ['-H', 'Connection: close'] : [])];
  const duration = `-d${wholeSeconds(seconds)}s`;
  const url = `http://127.0.0.1:${port}${path}`;
  return parseWrk(
    await output('wrk', [
      '-t1',
      `-c${connections}`,
      duration,
      '--timeout',
      '10s',
      '--latency',
      ...headers,
      url,
    ]),
  );
}
