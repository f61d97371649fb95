/** Load from a pod inside the cluster, by the script that the shop's image carries. */
import { namespaces } from './environment.ts';
import { outputOf, startPod } from './calls.ts';
import { exec, kubectl } from './kubectl.ts';
import { waitFor } from './waitFor.ts';

export interface LoadSummary {
  sent: number;
  failed: number;
  byStatus: Record<string, number>;
  byError: Record<string, number>;
  byReason: Record<string, number>;
  byVersion: Record<string, number>;
  latencyMs: { p50: number; p90: number; p99: number; max: number };
  failures: { at: string; what: string }[];
}

export interface LoadOptions {
  url: string;
  /** Requests per second. */
  rate: number;
  /** Seconds at most; `stop` ends it earlier. */
  seconds: number;
  method?: string;
  /** Requests that one connection serves; absent: any number. */
  reuse?: number;
  namespace?: string;
  name?: string;
}

export interface Load {
  /** Ends the load and gives its summary. */
  stop(): Promise<LoadSummary>;
  /** Waits for the load to end by itself. */
  done(): Promise<LoadSummary>;
}

export async function startLoad(options: LoadOptions): Promise<Load> {
  const { url, rate, seconds, method = 'GET', reuse = 0 } = options;
  const { namespace = namespaces.shop, name = 'load' } = options;
  const flags = { url, method, rate, duration: seconds, reuse };
  const command = ['node', 'load.ts'].concat(
    Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
  );
  await startPod({ namespace, name, command });
  await kubectl(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=60s']);
  const summary = async (): Promise<LoadSummary> => {
    const lines = (await outputOf({ namespace, name }, seconds + 30)).trim().split('\n');
    return JSON.parse(lines.at(-1) ?? '') as LoadSummary;
  };
  return {
    done: summary,
    async stop() {
      const target = { namespace, pod: name, container: name };
      await exec(target, ['node', '-e', 'process.kill(1, "SIGTERM")']);
      return await waitFor('the summary of the load', summary, 40_000);
    },
  };
}
