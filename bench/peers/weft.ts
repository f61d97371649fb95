/** Our proxies in process mode: mounted files as the operator writes them, fixed listeners instead of redirection. */
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { configText, directoryText, NAMESPACE, TRUST_DOMAIN, type DocumentOptions } from './documents.ts';
import { MEMORY } from '../../webhook/inject/memory.ts';
import { freePort, start, type Started } from './process.ts';

export interface WeftOptions extends DocumentOptions {
  dir: string;
  /** The bundle that runs. */
  bundle: string;
  account: 'client' | 'server';
  /** Certificate files of the account: tls.crt, tls.key, ca.crt. */
  identity: Record<string, string>;
  listen: object;
  /** Loopback port that shows that the proxy serves. */
  port: number;
  /** Arguments of Node before the bundle. */
  nodeArguments?: string[];
}

export interface Weft extends Started {
  metricsPort: number;
  healthPort: number;
}

/** Writes the files of a proxy, gives what starts it. */
export async function prepareWeft(options: WeftOptions) {
  const home = join(options.dir, `weft-${options.account}-${options.port}`);
  const write = async (path: string, text: string) => {
    await mkdir(join(home, path, '..'), { recursive: true });
    await writeFile(join(home, path), text);
  };
  await write('config/config.json', configText(options));
  await write('directory/directory.json', directoryText(options));
  await write('pod/labels', `app="${options.account}"\n`);
  for (const [name, text] of Object.entries(options.identity)) await write(`identity/${name}`, text);
  await mkdir(join(home, 'run'), { recursive: true });
  const ports = { admin: await freePort(), metrics: await freePort(), health: await freePort() };
  return {
    command: process.execPath,
    args: [...(options.nodeArguments ?? []), options.bundle],
    env: environment(options, { home, ports }),
    ports,
  };
}

export async function weft(options: WeftOptions): Promise<Weft> {
  const { command, args, env, ports } = await prepareWeft(options);
  const ready = () =>
    get(ports.health, '/healthz/ready').then(
      ({ status }) => status === 200,
      () => false,
    );
  const started = await start({ command, args, env, port: options.port, ready });
  return { ...started, metricsPort: ports.metrics, healthPort: ports.health };
}

/** The default memory limit of a proxy's container. */
const DEFAULT_LIMIT_MIB = 256;

/** As injection sets it; but here is no container whose limit Node could take its share of. */
const withHeapOf = (limitMib: number): string =>
  MEMORY.NODE_OPTIONS.replace(
    /--max-old-space-size-percentage=(\d+)/,
    (_, percent: string) => `--max-old-space-size=${Math.floor((limitMib * Number(percent)) / 100)}`,
  );

interface Place {
  home: string;
  ports: { admin: number; metrics: number; health: number };
}

function environment(options: WeftOptions, { home, ports }: Place): Record<string, string> {
  return {
    WEFT_POD_NAME: options.account,
    WEFT_POD_NAMESPACE: NAMESPACE,
    WEFT_POD_UID: options.account,
    WEFT_POD_IPS: '127.0.0.1',
    WEFT_NODE_NAME: 'bench',
    WEFT_SERVICE_ACCOUNT: options.account,
    WEFT_WORKLOAD_KIND: 'deployment',
    WEFT_WORKLOAD_NAME: options.account,
    WEFT_TRUST_DOMAIN: TRUST_DOMAIN,
    WEFT_SYSTEM_NAMESPACE: 'weft-system',
    WEFT_CONFIG_DIR: join(home, 'config'),
    WEFT_DIRECTORY_DIR: join(home, 'directory'),
    WEFT_IDENTITY_DIR: join(home, 'identity'),
    WEFT_POD_INFO_DIR: join(home, 'pod'),
    WEFT_RUN_DIR: join(home, 'run'),
    // nothing listens there: a data plane does not need its control plane to carry traffic
    WEFT_CONTROL: '127.0.0.1:9',
    WEFT_LOG_LEVEL: 'Error',
    WEFT_ADMIN_PORT: String(ports.admin),
    WEFT_METRICS_PORT: String(ports.metrics),
    WEFT_HEALTH_PORT: String(ports.health),
    WEFT_LISTEN: JSON.stringify(options.listen),
    ...MEMORY,
    NODE_OPTIONS: withHeapOf(DEFAULT_LIMIT_MIB),
  };
}

export function get(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

/** Sum of a counter over its series in an exposition of Prometheus' text format. */
export function sumOf(exposition: string, metric: string): number {
  const samples = exposition.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)$`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** What the proxy itself counted: HTTP requests, and connections that it carried as bytes. */
export async function counted(metricsPort: number): Promise<{ requests: number; connections: number }> {
  const { body } = await get(metricsPort, '/metrics');
  return {
    requests: sumOf(body, 'weft_requests_total'),
    connections: sumOf(body, 'weft_tcp_connections_total'),
  };
}
