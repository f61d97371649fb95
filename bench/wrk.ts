/** Runs wrk and reads its report. */
import { spawn } from 'node:child_process';

export interface Load {
  requests: number;
  requestsPerSecond: number;
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

export function parseReport(report: string): Load {
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

export interface LoadOptions {
  url: string;
  connections: number;
  seconds: number;
}

export async function wrk({ url, connections, seconds }: LoadOptions): Promise<Load> {
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let report = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (report += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`wrk ended with ${code}: ${report}`);
  return parseReport(report);
}
