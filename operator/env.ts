/** The only reader of the operator's environment. */
import { isIP } from 'node:net';
import { WeftError } from '../core/errors/index.ts';
import { SYSTEM_NAMESPACE } from '../core/model/names.ts';

export interface OperatorEnv {
  readonly systemNamespace: string;
  readonly podName: string;
  /** Where other replicas send proxies to when this one leads. */
  readonly podIp: string;
  readonly clusterDomain: string;
  /** Of the MeshConfig that is made where there is none. */
  readonly trustDomain: string;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** For the way to the Kubernetes API: KUBECONFIG, KUBERNETES_SERVICE_*. */
  readonly raw: Readonly<Record<string, string | undefined>>;
}

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

const wrong = (field: string, message: string, remedy?: string): WeftError =>
  new WeftError('ENVIRONMENT_INVALID', message, {
    field,
    resource: 'operator',
    ...(remedy ? { remedy } : {}),
  });

export function readLogLevel(text: string | undefined): OperatorEnv['logLevel'] {
  const level = LEVELS.find((known) => known === (text ?? 'info').toLowerCase());
  if (!level) throw wrong('WEFT_LOG_LEVEL', `${JSON.stringify(text)} is none of ${LEVELS.join(', ')}`);
  return level;
}

/** Throws WeftError ENVIRONMENT_INVALID that names the variable. */
export function readEnv(env: Readonly<Record<string, string | undefined>>): OperatorEnv {
  const podIp = env['WEFT_POD_IP'] ?? '';
  if (isIP(podIp) === 0) {
    const remedy = 'set it by the downward API from status.podIP';
    throw wrong('WEFT_POD_IP', `${JSON.stringify(podIp)} is not an IP address`, remedy);
  }
  const podName = env['WEFT_POD_NAME'];
  if (!podName) throw wrong('WEFT_POD_NAME', 'is missing', 'set it by the downward API from metadata.name');
  return {
    systemNamespace: env['WEFT_SYSTEM_NAMESPACE'] || SYSTEM_NAMESPACE,
    podName,
    podIp,
    clusterDomain: env['WEFT_CLUSTER_DOMAIN'] || 'cluster.local',
    trustDomain: env['WEFT_TRUST_DOMAIN'] || 'cluster.local',
    logLevel: readLogLevel(env['WEFT_LOG_LEVEL']),
    raw: env,
  };
}

/** The environment of this process. */
export const processEnv = (): NodeJS.ProcessEnv => process.env;
