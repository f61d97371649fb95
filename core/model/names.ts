/** The names that Weft gives and reads, in one place (docs/ARCHITECTURE.md, Names). */
import type { WorkloadRef } from './index.ts';

export const SYSTEM_NAMESPACE = 'weft-system';
export const FIELD_MANAGER = 'weft-operator';

export const label = {
  injection: 'weft.dev/injection',
  inject: 'weft.dev/inject',
  revision: 'weft.dev/revision',
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const annotation = {
  /** JSON {version, wires}: stamped by the webhook on an injected pod. */
  proxy: 'weft.dev/proxy',
  /** Changed through pods/status so that kubelet refreshes mounted volumes at once. */
  refresh: 'weft.dev/refresh',
  /** On a document's ConfigMap: JSON {epoch, revision, hash, textHash, shape, used}, its state without reading it. */
  document: 'weft.dev/document',
  excludeInboundPorts: 'weft.dev/exclude-inbound-ports',
  excludeOutboundPorts: 'weft.dev/exclude-outbound-ports',
  excludeOutboundCidrs: 'weft.dev/exclude-outbound-cidrs',
  proxyCpu: 'weft.dev/proxy-cpu',
  proxyMemory: 'weft.dev/proxy-memory',
  drain: 'weft.dev/drain',
  logLevel: 'weft.dev/log-level',
  /** On a Service: who may use it. `*`, `.` for its own namespace alone, or namespaces with commas between. */
  visibleTo: 'weft.dev/visible-to',
  /** On an identity Secret: RFC 3339 times and the issuer, so that no key need be read to know when to renew. */
  notAfter: 'weft.dev/not-after',
  renewAt: 'weft.dev/renew-at',
  issuer: 'weft.dev/issuer',
  /** On the same: its SPIFFE id, and the name (a hash) of the trust bundle beside it. */
  identity: 'weft.dev/identity',
  trustBundle: 'weft.dev/trust-bundle',
} as const;

export const port = {
  outbound: 15001,
  inbound: 15006,
  admin: 15000,
  metrics: 15020,
  health: 15021,
  control: 15010,
} as const;

/** uid and gid of the proxy. */
export const PROXY_ID = 1337;

export const container = { init: 'weft-init', proxy: 'weft-proxy' } as const;

/** Audience of the projected ServiceAccount token. */
export const TOKEN_AUDIENCE = 'weft.dev';

const BUILT_IN = new Set([
  'deployment',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
  'replicaset',
  'serviceaccount',
]);
const MAX_NAME = 253;

/** FNV-1a, 64 bit, hex: a short name for a long one; not a security boundary. */
function shortHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const char of text) {
    hash ^= BigInt(char.codePointAt(0)!);
    hash = (hash * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, '0');
}

/** `weft.<kind>.<name>`, shortened with a hash where too long or where the kind is not a built-in one. */
export function configMapName({ kind, name }: Pick<WorkloadRef, 'kind' | 'name'>): string {
  const plain = `weft.${kind}.${name}`;
  if (BUILT_IN.has(kind) && plain.length <= MAX_NAME) return plain;
  const suffix = `.${shortHash(`${kind}/${name}`)}`;
  return `${plain.slice(0, MAX_NAME - suffix.length).replace(/[^a-z0-9]+$/, '')}${suffix}`;
}

/** Secret of the system namespace with the authorities: root, intermediate, and that of the webhook. */
export const AUTHORITY_SECRET = 'weft-authority';

/** The webhook: its Service, the Secret with its certificate, and its registrations with the API server. */
export const webhook = {
  service: 'weft-webhook',
  secret: 'weft-webhook-tls',
  mutating: 'weft-injector',
  validating: 'weft-validator',
} as const;

/** ServiceAccount of the operator; proxies expect its identity on the control port. */
export const OPERATOR_SERVICE_ACCOUNT = 'weft-operator';

export const DIRECTORY_NAME = 'weft.directory';

/** `weft.serviceaccount.<name>`. */
export const identitySecretName = (serviceAccount: string): string =>
  configMapName({ kind: 'serviceaccount', name: serviceAccount });

export const isSystemNamespace = (name: string, systemNamespace: string): boolean =>
  name === systemNamespace || name === 'kube-system' || name === 'kube-public' || name === 'kube-node-lease';
