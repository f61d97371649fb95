import { readFile } from 'node:fs/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { WeftError } from '../core/errors/index.ts';
import { systemClock, type Clock } from './clock.ts';

/** What to present to the API server. */
export interface Credentials {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
  /** Authorization, impersonation. */
  headers: Record<string, string>;
}

/** A way to one API server. */
export interface Access {
  /** `https://10.96.0.1:443`, without a path at the end. */
  readonly server: string;
  /** Namespace of the context or of the pod. */
  readonly namespace: string;
  /** Cheap to call for every request; `renew` forgets what is cached, after a 401. */
  credentials(options?: { renew?: boolean }): Promise<Credentials>;
}

/** How long credentials are used before they are looked at again (as client-go: tokens live an hour). */
const RENEW_MS = 60_000;

/** Caches what `load` gives; keeps the last good where a later load fails, since tokens outlive a bad moment. */
function cached(load: () => Promise<Credentials>, clock: Clock): Access['credentials'] {
  let current: { value: Promise<Credentials>; at: number } | undefined;
  return ({ renew = false } = {}) => {
    if (current && !renew && clock.monotonic() - current.at < RENEW_MS) return current.value;
    const previous = current?.value;
    const value = load().catch((error: unknown) => {
      if (previous) return previous;
      throw error;
    });
    current = { value, at: clock.monotonic() };
    value.catch(() => (current = undefined));
    return value;
  };
}

export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST. */
  host: string;
  /** KUBERNETES_SERVICE_PORT. */
  port: string;
  /** Where the ServiceAccount is mounted. */
  directory?: string;
  clock?: Clock;
}

/**
 * The ServiceAccount of this pod. Read here and not by client-node: that costs a second at start and 80 MB of
 * memory, in every operator and webhook, for three files.
 */
export async function inClusterAccess(options: InClusterOptions): Promise<Access> {
  const { host, port, directory = '/var/run/secrets/kubernetes.io/serviceaccount' } = options;
  const file = async (name: string): Promise<string> => {
    try {
      return await readFile(`${directory}/${name}`, 'utf8');
    } catch (cause) {
      throw new WeftError('KUBECONFIG_INVALID', `cannot read ${directory}/${name}`, { cause });
    }
  };
  const credentials = cached(async () => {
    const [ca, token] = await Promise.all([file('ca.crt'), file('token')]);
    return { ca, headers: { authorization: `Bearer ${token.trim()}` } };
  }, options.clock ?? systemClock);
  await credentials();
  const namespace = (await file('namespace')).trim();
  const address = host.includes(':') ? `[${host}]` : host;
  return { server: `https://${address}:${port}`, namespace, credentials };
}

export interface KubeconfigOptions {
  /** A file; absent: KUBECONFIG, else ~/.kube/config. */
  file?: string;
  context?: string;
  clock?: Clock;
}

/** A kubeconfig as it is written. Throws WeftError KUBECONFIG_INVALID. */
export async function loadKubeconfig({ file, context }: KubeconfigOptions = {}): Promise<KubeConfig> {
  // Imported here and only for this: see inClusterAccess.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (cause) {
    const message = `cannot read the kubeconfig: ${(cause as Error).message}`;
    throw new WeftError('KUBECONFIG_INVALID', message, { cause });
  }
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

/** A kubeconfig with certificates, tokens, token files, exec plug-ins, OIDC: what client-node knows. */
export const kubeconfigAccess = async (options: KubeconfigOptions = {}): Promise<Access> =>
  accessBy(await loadKubeconfig(options), options.clock);

/** The way that a loaded kubeconfig names. Throws WeftError KUBECONFIG_INVALID. */
export function accessBy(config: KubeConfig, clock: Clock = systemClock): Access {
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    const name = config.getCurrentContext();
    throw new WeftError('KUBECONFIG_INVALID', `no cluster for context ${JSON.stringify(name)}`, {
      field: 'current-context',
    });
  }
  if (cluster.proxyUrl) {
    throw new WeftError('KUBECONFIG_INVALID', 'a proxy to the API server is not supported', {
      field: `clusters[${cluster.name}].cluster.proxy-url`,
      remedy: 'use a kubeconfig without proxy-url',
    });
  }
  const load = async (): Promise<Credentials> => {
    const found: Parameters<typeof config.applyToHTTPSOptions>[0] & { auth?: string } = {};
    await config.applyToHTTPSOptions(found);
    return credentialsOf(found as HttpsOptions);
  };
  const server = cluster.server.replace(/\/+$/, '');
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  return { server, namespace, credentials: cached(load, clock) };
}

/** What client-node fills in, of https.RequestOptions. */
interface HttpsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
  /** `user:password`. */
  auth?: string;
  headers?: Record<string, string>;
}

function credentialsOf(found: HttpsOptions): Credentials {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(found.headers ?? {}))
    headers[name.toLowerCase()] = String(value);
  if (found.auth) headers['authorization'] = `Basic ${Buffer.from(found.auth).toString('base64')}`;
  return {
    ...(found.ca ? { ca: found.ca } : {}),
    ...(found.cert ? { cert: found.cert } : {}),
    ...(found.key ? { key: found.key } : {}),
    ...(found.servername ? { servername: found.servername } : {}),
    ...(found.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: found.rejectUnauthorized }),
    headers,
  };
}

/** An API server that asks for nothing, such as the double in testing/. */
export const plainAccess = (server: string, headers: Record<string, string> = {}): Access => ({
  server,
  namespace: 'default',
  credentials: () => Promise.resolve({ headers }),
});

/**
 * KUBECONFIG where it is set, else the pod's ServiceAccount, else ~/.kube/config. Takes the environment, because
 * each binary reads its environment in one place. Throws WeftError KUBECONFIG_INVALID.
 */
export async function accessOf(env: Readonly<Record<string, string | undefined>>): Promise<Access> {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!KUBECONFIG && host) return inClusterAccess({ host, port: port ?? '443' });
  // Several files joined by ':' are merged by client-node, which reads the variable itself.
  return kubeconfigAccess(KUBECONFIG && !KUBECONFIG.includes(':') ? { file: KUBECONFIG } : {});
}
