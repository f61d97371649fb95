/** Reads the `weft.dev/…` annotations of a pod. What is wrong is refused by name; what is unknown is warned of. */
import { durationMs, parseCidr, quantity } from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import { annotation, label } from '../../core/model/names.ts';

export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ['Error', 'Warn', 'Info', 'Debug'] as const;

/** Bounds of a list: each entry becomes an element of an nftables set. */
const MAX_ENTRIES = 64;
const MAX_DRAIN_MS = 3_600_000;
/** A proxy with less is killed before it is up. */
const MIN_MEMORY = 64 * 2 ** 20;

export interface Amount {
  request: string;
  limit?: string;
}

/** What annotations say; a field is absent where its annotation is. */
export interface PodSettings {
  excludeInboundPorts?: number[];
  excludeOutboundPorts?: number[];
  /** Canonical only in form: each is an IPv4 or IPv6 address or CIDR. */
  excludeOutboundCidrs?: string[];
  proxyCpu?: Amount;
  proxyMemory?: Amount;
  drainMs?: number;
  logLevel?: LogLevel;
}

/** Throws RangeError with what is wrong with the value. */
type Reader<T> = (value: string) => T;

function list(value: string): string[] {
  const items = value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length > MAX_ENTRIES)
    throw new RangeError(`has ${items.length} entries; ${MAX_ENTRIES} are allowed`);
  return items;
}

const ports: Reader<number[]> = (value) =>
  list(value).map((item) => {
    const port = /^[0-9]{1,5}$/.test(item) ? Number(item) : 0;
    if (port < 1 || port > 65535)
      throw new RangeError(`${JSON.stringify(item)} is not a port from 1 to 65535`);
    return port;
  });

const cidrs: Reader<string[]> = (value) =>
  list(value).map((item) => {
    if (!parseCidr(item)) throw new RangeError(`${JSON.stringify(item)} is neither an address nor a CIDR`);
    return item;
  });

function amount(value: string, example: string, form: RegExp): Amount {
  const parts = value.split('/').map((part) => part.trim());
  const [request, limit] = parts;
  if (parts.length > 2 || !parts.every((part) => form.test(part) && (quantity(part) ?? 0) > 0)) {
    throw new RangeError(`must be a request, or request/limit, such as ${example}`);
  }
  if (limit === undefined) return { request: request! };
  if (quantity(limit)! < quantity(request!)!) throw new RangeError('the limit is less than the request');
  return { request: request!, limit };
}

const cpu: Reader<Amount> = (value) => amount(value, '50m/1', /^[0-9]+(\.[0-9]+)?m?$/);

const memory: Reader<Amount> = (value) => {
  const found = amount(value, '64Mi/256Mi', /^[0-9]+(\.[0-9]+)?(k|Ki|M|Mi|G|Gi)?$/);
  if (found.limit !== undefined && quantity(found.limit)! < MIN_MEMORY) {
    throw new RangeError(`a limit of ${found.limit} is too little for the proxy; 64Mi is the least`);
  }
  return found;
};

const drain: Reader<number> = (value) => {
  const ms = durationMs(value);
  if (ms > MAX_DRAIN_MS) throw new RangeError('is longer than 1h');
  return ms;
};

const logLevel: Reader<LogLevel> = (value) => {
  const level = LOG_LEVELS.find((known) => known === value);
  if (!level) throw new RangeError(`must be one of ${LOG_LEVELS.join(', ')}`);
  return level;
};

const readers: {
  readonly [Key in keyof Required<PodSettings>]: [string, Reader<Required<PodSettings>[Key]>];
} = {
  excludeInboundPorts: [annotation.excludeInboundPorts, ports],
  excludeOutboundPorts: [annotation.excludeOutboundPorts, ports],
  excludeOutboundCidrs: [annotation.excludeOutboundCidrs, cidrs],
  proxyCpu: [annotation.proxyCpu, cpu],
  proxyMemory: [annotation.proxyMemory, memory],
  drainMs: [annotation.drain, drain],
  logLevel: [annotation.logLevel, logLevel],
};

/** Annotations that a person may set on a pod. */
export const podAnnotations: readonly string[] = Object.values(readers).map(([name]) => name);

const KNOWN = new Set<string>([...podAnnotations, annotation.proxy, annotation.refresh]);
const LABELS = new Set<string>([label.inject, label.injection, label.revision]);

function unknown(annotations: Readonly<Record<string, string>>): string[] {
  return Object.keys(annotations)
    .filter((name) => name.startsWith('weft.dev/') && !KNOWN.has(name))
    .map((name) =>
      LABELS.has(name)
        ? `annotation ${name} has no effect: it must be a label`
        : `annotation ${name} is not known to this version and has no effect; check the spelling`,
    );
}

export interface AnnotationResult {
  settings: PodSettings;
  problems: Problem[];
  warnings: string[];
}

/** Reads all annotations of Weft on a pod; every wrong one is a problem of its own. Other annotations are not read. */
export function readAnnotations(annotations: Readonly<Record<string, string>>): AnnotationResult {
  const settings: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [key, [name, read]] of Object.entries(readers)) {
    const value = annotations[name];
    if (value === undefined) continue;
    try {
      settings[key] = read(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({
        code: 'INVALID_ANNOTATION',
        field: `metadata.annotations[${name}]`,
        message: error.message,
      });
    }
  }
  return { settings: settings as PodSettings, problems, warnings: unknown(annotations) };
}
