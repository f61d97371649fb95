/** What a proxy says of itself: its access log and its metrics. */
import { exec, kubectl, livingPods, type Pod } from './kubectl.ts';

/** A line of the access log (docs/proxy.md). */
export interface AccessLine {
  direction?: 'inbound' | 'outbound';
  source?: string;
  destination?: string;
  security?: 'mtls' | 'plain';
  protocol?: string;
  service?: string;
  method?: string;
  path?: string;
  status?: number;
  flag?: string;
  policy?: string;
  rule?: string;
  shadow?: string;
  requestId?: string;
}

/** Lines of the access log of a pod's proxy, without its other log lines. */
export async function accessLog(namespace: string, pod: string, sinceSeconds = 120): Promise<AccessLine[]> {
  const text = await kubectl(['logs', '-n', namespace, pod, '-c', 'weft-proxy', `--since=${sinceSeconds}s`]);
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as AccessLine)
    .filter(({ direction }) => direction !== undefined);
}

/** The access logs of all pods that a selector names, together. */
export async function accessLogs(namespace: string, selector: string): Promise<AccessLine[]> {
  const pods = await livingPods(namespace, selector);
  return (await Promise.all(pods.map(({ metadata }) => accessLog(namespace, metadata.name)))).flat();
}

/** Names of the metrics that tests look at (docs/proxy.md). */
export const metric = {
  requests: 'weft_requests_total',
  connections: 'weft_tcp_connections_total',
  reloadFailures: 'weft_config_reload_failures_total',
  refused: 'weft_config_refused',
} as const;

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Samples of the Prometheus text format (without exemplars and timestamps, which no proxy writes). */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const [, name, inner = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const labels: Record<string, string> = {};
    for (const [, key, quoted] of inner.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key!] = quoted!.replaceAll('\\n', '\n').replaceAll(/\\(.)/g, '$1');
    }
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

/** A page of a pod's proxy, asked for from inside its own container. */
async function pageOf({ metadata: { name, namespace } }: Pod, at: string): Promise<string> {
  const script = `fetch('http://127.0.0.1:${at}').then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const target = { namespace: namespace!, pod: name, container: 'weft-proxy' };
  const { code, stdout, stderr } = await exec(target, ['node', '-e', script]);
  if (code !== 0) throw new Error(`no ${at} of ${name}: ${stderr}`);
  return stdout;
}

export const metricsOf = async (pod: Pod): Promise<Sample[]> =>
  parseMetrics(await pageOf(pod, '15020/metrics'));

interface Clusters {
  services: { name: string; ports: { endpoints: { state: string }[] }[] }[];
}

/** `namespace/name` of the services with a Ready endpoint at each port, as a pod's proxy knows them. */
export async function readyServices(pod: Pod): Promise<string[]> {
  const { services } = JSON.parse(await pageOf(pod, '15000/clusters')) as Clusters;
  return services
    .filter(({ ports }) => ports.every(({ endpoints }) => endpoints.some(({ state }) => state === 'Ready')))
    .map(({ name }) => name);
}

/** Sum over all pods of a selector of the samples with this name and at least these labels. */
export async function sumOf(
  target: { namespace: string; selector: string },
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const pods = await livingPods(target.namespace, target.selector);
  const samples = (await Promise.all(pods.map(metricsOf))).flat();
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
