/** The only reader of the webhook's environment. Pure: main.ts hands in process.env. */
import { WeftError } from '../core/errors/index.ts';
import { SYSTEM_NAMESPACE } from '../core/model/names.ts';
import { DEFAULT_REVISION } from './inject/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface WebhookEnvironment {
  systemNamespace: string;
  trustDomain: string;
  revision: string;
  image: { name: string; pullPolicy?: string };
  tlsDirectory: string;
  port: number;
  healthPort: number;
  logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** Between unready and closed: endpoints and the API server need to hear of it. */
  graceMs: number;
}

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

const wrong = (field: string, message: string) =>
  new WeftError('ENVIRONMENT_INVALID', message, { resource: 'environment', field });

function number(env: Env, name: string, [fallback, max]: [number, number]): number {
  const text = env[name];
  if (!text) return fallback;
  const value = /^[0-9]{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw wrong(name, `${JSON.stringify(text)} is not a number from 0 to ${max}`);
  return value;
}

function oneOf<T extends string>(env: Env, name: string, values: readonly T[]): T | undefined {
  const text = env[name];
  if (!text) return undefined;
  const value = values.find((known) => known === text);
  if (!value) throw wrong(name, `${JSON.stringify(text)} is none of ${values.join(', ')}`);
  return value;
}

/** Throws WeftError ENVIRONMENT_INVALID that names the variable. */
export function readEnvironment(env: Env): WebhookEnvironment {
  const image = env['WEFT_PROXY_IMAGE'];
  if (!image) throw wrong('WEFT_PROXY_IMAGE', 'is missing: the image of the proxy that pods get');
  const pullPolicy = oneOf(env, 'WEFT_PROXY_IMAGE_PULL_POLICY', PULL_POLICIES);
  return {
    systemNamespace: env['WEFT_SYSTEM_NAMESPACE'] || SYSTEM_NAMESPACE,
    trustDomain: env['WEFT_TRUST_DOMAIN'] || 'cluster.local',
    revision: env['WEFT_REVISION'] || DEFAULT_REVISION,
    image: { name: image, ...(pullPolicy ? { pullPolicy } : {}) },
    tlsDirectory: env['WEFT_TLS_DIR'] || '/etc/weft/tls',
    port: number(env, 'WEFT_PORT', [8443, 65_535]),
    healthPort: number(env, 'WEFT_HEALTH_PORT', [8080, 65_535]),
    logLevel: oneOf(env, 'WEFT_LOG_LEVEL', LEVELS) ?? 'info',
    graceMs: number(env, 'WEFT_GRACE_MS', [5_000, 60_000]),
  };
}
