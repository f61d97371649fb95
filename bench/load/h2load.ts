/** HTTP/2 with prior knowledge in a closed loop. */
import { output, TRACE_HEADER } from './run.ts';
import type { Load } from './wrk.ts';

const UNIT_MS: Record<string, number> = { us: 0.001, ms: 1, s: 1000 };

/** h2load gives no percentiles of its own; the mean stands where the median would. */
export function parseH2load(report: string): Load {
  const finished = /finished in ([0-9.]+)(us|ms|s), ([0-9.]+) req\/s/.exec(report);
  const requests =
    /requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(
      report,
    );
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(report);
  if (finished === null || requests === null)
    throw new Error(`not a report of h2load: ${report.slice(0, 200)}`);
  const succeeded = Number(requests[4]);
  const refused = codes === null ? 0 : Number(codes[3]) + Number(codes[4]);
  const time = /time for request:\s+\S+\s+\S+\s+([0-9.]+)(us|ms|s)/.exec(report);
  return {
    requests: succeeded,
    requestsPerSecond: Number(finished[3]),
    p50Ms: time === null ? Number.NaN : Number(time[1]) * UNIT_MS[time[2]!]!,
    p99Ms: Number.NaN,
    // refused answers are among the failed ones in some versions, and among the succeeded in others
    errors: Math.max(Number(requests[5]) + Number(requests[6]), refused),
  };
}

export interface H2loadOptions {
  port: number;
  path: string;
  connections: number;
  streams: number;
  seconds: number;
  headers?: string[];
  /** A file that is posted. */
  data?: string;
}

export async function h2load(options: H2loadOptions): Promise<Load> {
  const { port, path, connections, streams, seconds, headers = [], data } = options;
  return parseH2load(
    await output('h2load', [
      '-t1',
      `-c${connections}`,
      `-m${streams}`,
      `-D${seconds}s`,
      ...[TRACE_HEADER, ...headers].flatMap((header) => ['-H', header]),
      ...(data === undefined ? [] : ['-d', data]),
      `http://127.0.0.1:${port}${path}`,
    ]),
  );
}
