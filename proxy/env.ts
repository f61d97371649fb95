/** The only reader of process.env in the proxy. Everything is checked here, so that no other part meets a bad value. */
import { isIP } from 'node:net';
import type { ProxyConfig } from '../core/proxyConfig/index.ts';
import { parseProbes, type Probe } from './admin/probeConfig.ts';
import type { Address } from './context.ts';
import { environmentError } from './environmentError.ts';
import { parseListen, type ListenConfig } from './listen.ts';

export type LogLevel = ProxyConfig['settings']['logLevel'];

export interface Environment {
  pod: {
    name: string;
    namespace: string;
    uid: string;
    /** At least one; the first is the pod's primary address. */
    ips: readonly string[];
    node: string;
    serviceAccount: string;
  };
  workload: { kind: string; name: string };
  trustDomain: string;
  systemNamespace: string;
  /** Mounted folders: config.json, directory.json, the certificate's files, and the pod's labels. */
  configDir: string;
  directoryDir: string;
  identityDir: string;
  podInfoDir: string;
  /** A folder that only the proxy mounts; holds the control socket. */
  runDir: string;
  /** The operator; absent where a proxy runs without one. */
  control: Address | undefined;
  /** Set for this pod; wins over the document. */
  logLevel: LogLevel | undefined;
  drainMs: number | undefined;
  probes: ReadonlyMap<string, Probe>;
  ports: { outbound: number; inbound: number; admin: number; metrics: number; health: number };
  /** Threads that serve; 1: the main thread itself, and no other. */
  workers: number;
  /** Process mode: fixed mappings instead of redirection. */
  listen: ListenConfig | undefined;
}

export type Variables = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORTS = { outbound: 15001, inbound: 15006, admin: 15000, metrics: 15020, health: 15021 };
const LEVELS: readonly LogLevel[] = ['Error', 'Warn', 'Info', 'Debug'];
const MAX_DRAIN_MS = 24 * 3_600_000;
const MAX_WORKERS = 16;

class Reader {
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  /** Undefined where absent or empty: Kubernetes gives '' for a downward value that is not there. */
  optional(name: string): string | undefined {
    return this.#variables[name] || undefined;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw environmentError(name, 'is not set');
    return value;
  }

  /** A name of the Kubernetes API (RFC 1123 subdomain). */
  dnsName(name: string): string {
    const value = this.required(name);
    if (value.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value))
      throw environmentError(name, `is ${JSON.stringify(value)}, which is no Kubernetes name`);
    return value;
  }

  integer(name: string, range: { min: number; max: number }): number | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^[0-9]{1,15}$/.test(text) || value < range.min || value > range.max)
      throw environmentError(
        name,
        `is ${JSON.stringify(text)}, not a number from ${range.min} to ${range.max}`,
      );
    return value;
  }

  /** Port 0 lets the system choose, for processes beside each other. */
  port(name: string, otherwise: number): number {
    return this.integer(name, { min: 0, max: 65_535 }) ?? otherwise;
  }

  folder(name: string, otherwise: string): string {
    const value = this.optional(name) ?? otherwise;
    if (!value.startsWith('/'))
      throw environmentError(name, `is ${JSON.stringify(value)}, not an absolute path`);
    return value;
  }
}

function podIps(reader: Reader): string[] {
  const ips = reader.required('WEFT_POD_IPS').split(',');
  const wrong = ips.find((ip) => isIP(ip) === 0);
  if (wrong !== undefined)
    throw environmentError('WEFT_POD_IPS', `holds ${JSON.stringify(wrong)}, no IP address`);
  return ips;
}

function logLevel(reader: Reader): LogLevel | undefined {
  const text = reader.optional('WEFT_LOG_LEVEL');
  if (text === undefined) return undefined;
  const level = LEVELS.find((level) => level.toLowerCase() === text.toLowerCase());
  if (!level)
    throw environmentError('WEFT_LOG_LEVEL', `is ${JSON.stringify(text)}, not one of ${LEVELS.join(', ')}`);
  return level;
}

function control(reader: Reader): Address | undefined {
  const text = reader.optional('WEFT_CONTROL');
  if (text === undefined) return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port < 1 || port > 65_535)
    throw environmentError('WEFT_CONTROL', `is ${JSON.stringify(text)}, not host:port`);
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}

/** Threads share a port by its number, so the system cannot choose one for each. */
function workers(reader: Reader, { ports, listen }: Pick<Environment, 'ports' | 'listen'>): number {
  const count = reader.integer('WEFT_WORKERS', { min: 1, max: MAX_WORKERS }) ?? 1;
  const chosen = listen
    ? [...listen.inbound, ...listen.outbound].some(({ listen: { port } }) => port === 0)
    : ports.inbound === 0 || ports.outbound === 0;
  if (count > 1 && chosen)
    throw environmentError('WEFT_WORKERS', `is ${count}: several workers cannot listen at a port 0`);
  return count;
}

/** Reads all variables. Throws WeftError ENVIRONMENT_INVALID that names the first wrong one. */
export function readEnvironment(variables: Variables = process.env): Environment {
  const reader = new Reader(variables);
  const ports = {
    outbound: reader.port('WEFT_OUTBOUND_PORT', DEFAULT_PORTS.outbound),
    inbound: reader.port('WEFT_INBOUND_PORT', DEFAULT_PORTS.inbound),
    admin: reader.port('WEFT_ADMIN_PORT', DEFAULT_PORTS.admin),
    metrics: reader.port('WEFT_METRICS_PORT', DEFAULT_PORTS.metrics),
    health: reader.port('WEFT_HEALTH_PORT', DEFAULT_PORTS.health),
  };
  const listen = parseListen(reader.optional('WEFT_LISTEN'));
  return {
    pod: {
      name: reader.dnsName('WEFT_POD_NAME'),
      namespace: reader.dnsName('WEFT_POD_NAMESPACE'),
      uid: reader.required('WEFT_POD_UID'),
      ips: podIps(reader),
      node: reader.optional('WEFT_NODE_NAME') ?? '',
      serviceAccount: reader.dnsName('WEFT_SERVICE_ACCOUNT'),
    },
    workload: { kind: reader.dnsName('WEFT_WORKLOAD_KIND'), name: reader.dnsName('WEFT_WORKLOAD_NAME') },
    trustDomain: reader.dnsName('WEFT_TRUST_DOMAIN'),
    systemNamespace: reader.dnsName('WEFT_SYSTEM_NAMESPACE'),
    configDir: reader.folder('WEFT_CONFIG_DIR', '/etc/weft/config'),
    directoryDir: reader.folder('WEFT_DIRECTORY_DIR', '/etc/weft/directory'),
    identityDir: reader.folder('WEFT_IDENTITY_DIR', '/etc/weft/identity'),
    podInfoDir: reader.folder('WEFT_POD_INFO_DIR', '/etc/weft/pod'),
    runDir: runDir(variables),
    control: control(reader),
    logLevel: logLevel(reader),
    drainMs: reader.integer('WEFT_DRAIN_MS', { min: 0, max: MAX_DRAIN_MS }),
    probes: parseProbes(reader.optional('WEFT_PROBES')),
    ports,
    workers: workers(reader, { ports, listen }),
    listen,
  };
}

/** All that the `drain` command needs; it must work where nothing else is set. */
export const runDir = (variables: Variables = process.env): string =>
  new Reader(variables).folder('WEFT_RUN_DIR', '/run/weft');
