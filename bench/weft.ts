/** Our proxies in process mode: documents as the operator writes them, fixed listeners instead of redirection. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalJson,
  contentOf,
  DOCUMENT_VERSION,
  type Directory,
  type ProxyConfig,
  type Rule,
  type Section,
  type Service,
} from '../core/proxyConfig/index.ts';
import { start, type Started } from './process.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);
export const NAMESPACE = 'bench';
export const TRUST_DOMAIN = 'cluster.local';
export const WORKLOAD_PORT = 8080;
export const SERVICE_ADDRESS = '10.96.0.10';
export const identityOf = (account: string) => `spiffe://${TRUST_DOMAIN}/ns/${NAMESPACE}/sa/${account}`;

/** The same decisions that the peers make by ACLs: two denied prefixes, three allowed methods. */
const RULES: Rule[] = [
  { policy: 'bench/server', name: 'internal', action: 'Deny', to: [{ paths: ['/admin*', '/internal*'] }] },
  { policy: 'bench/server', name: 'methods', action: 'Allow', to: [{ methods: ['GET', 'HEAD', 'POST'] }] },
];

export interface Addresses {
  /** Loopback port of the server side's proxy, where the client side's finds its peer. */
  inboundPort: number;
}

function section(account: string): Section {
  return {
    labels: { app: account },
    inbound: {
      mtls: { mode: 'Permissive', ports: {} },
      authorization: { default: 'Deny', policies: ['bench/server'], rules: RULES },
    },
    protocols: { [String(WORKLOAD_PORT)]: 'Http' },
  };
}

function service({ inboundPort }: Addresses): Service {
  const part = {
    namespace: NAMESPACE,
    name: 'server',
    addresses: [SERVICE_ADDRESS],
    hosts: ['server', `server.${NAMESPACE}`],
    ports: [
      {
        port: WORKLOAD_PORT,
        protocol: 'Http' as const,
        endpoints: [
          {
            address: '127.0.0.1',
            port: inboundPort,
            state: 'Ready' as const,
            wire: 'weft-tcp/1' as const,
            identity: identityOf('server'),
          },
        ],
      },
    ],
  };
  return { hash: hash(canonicalJson(part)), ...part };
}

function sealed<T extends { epoch: number; revision: string; hash: string }>(document: T): string {
  return JSON.stringify({ ...document, hash: hash(contentOf(document)) });
}

function documentOf(account: string, addresses: Addresses): string {
  const document: ProxyConfig = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '1',
    hash: '',
    workload: { kind: 'deployment', namespace: NAMESPACE, name: account },
    resources: {},
    trust: { trustDomain: TRUST_DOMAIN },
    telemetry: { accessLog: 'All' },
    settings: { logLevel: 'Warn', connectTimeoutMs: 5000, idleTimeoutMs: 3_600_000, drainMs: 1000 },
    sections: [section(account)],
    services: [service(addresses)],
  };
  return sealed(document);
}

export interface WeftOptions extends Addresses {
  dir: string;
  account: 'client' | 'server';
  /** Certificate files of the account: tls.crt, tls.key, ca.crt. */
  identity: Record<string, string>;
  listen: object;
  /** Loopback port that shows that the proxy serves. */
  port: number;
  /** First of three loopback ports for admin, metrics and health. */
  adminPort: number;
}

export async function weft(options: WeftOptions): Promise<Started> {
  const home = join(options.dir, `weft-${options.account}-${options.port}`);
  const write = async (path: string, text: string) => {
    await mkdir(join(home, path, '..'), { recursive: true });
    await writeFile(join(home, path), text);
  };
  const directory: Directory = { version: DOCUMENT_VERSION, epoch: 1, revision: '1', hash: '', services: [] };
  await write('config/config.json', documentOf(options.account, options));
  await write('directory/directory.json', sealed(directory));
  await write('pod/labels', `app="${options.account}"\n`);
  for (const [name, text] of Object.entries(options.identity)) await write(`identity/${name}`, text);
  await mkdir(join(home, 'run'), { recursive: true });
  return start({
    command: process.execPath,
    args: [join(import.meta.dirname, '../dist/proxy.mjs')],
    port: options.port,
    env: environment(options, home),
  });
}

function environment(options: WeftOptions, home: string): Record<string, string> {
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
    WEFT_ADMIN_PORT: String(options.adminPort),
    WEFT_METRICS_PORT: String(options.adminPort + 1),
    WEFT_HEALTH_PORT: String(options.adminPort + 2),
    WEFT_LISTEN: JSON.stringify(options.listen),
    // as injection sets it for the default memory limit
    NODE_OPTIONS: '--max-old-space-size=153',
  };
}
