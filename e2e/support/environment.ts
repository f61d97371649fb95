/** What the cluster's tests read from the environment; docs/testing.md lists it. */
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** Namespaces that the tests make and remove. */
export const namespaces = {
  system: 'weft-system',
  shop: 'shop',
  /** In the mesh, for workloads that are not the shop's. */
  workloads: 'weft-e2e-workloads',
  /** Never in the mesh. */
  outside: 'weft-e2e-outside',
  /** In the mesh and Strict, for servers and clients of every protocol. */
  protocols: 'weft-e2e-protocols',
  /** In the mesh, for the tests of the configuration stream: callers and what they call in their own namespace. */
  stream: 'weft-e2e-stream',
  /** In the mesh and Strict: many services that nobody has called yet. */
  many: 'weft-e2e-many',
} as const;

export const images = {
  weft: 'weft:dev',
  shop: 'weft-shop:dev',
  protocols: 'weft-e2e-protocols:dev',
} as const;

export const trustDomain = process.env['WEFT_E2E_TRUST_DOMAIN'] ?? 'cluster.local';

const words = (text: string) => text.split(/\s+/).filter(Boolean);

/** `kind`, or a command that has `build TAG DIR` and `load TAG`. */
export const imageLoader = process.env['IMAGE_LOADER'] ?? 'kind';

export const kindCluster = process.env['KIND_CLUSTER'] ?? 'weft';

/** Words before a command that is to run as root in the network of the node; `inside`: where its processes are seen. */
export function nodeCommand({ inside = false } = {}): string[] {
  const own = process.env['WEFT_NODE_EXEC'];
  if (own) return words(own);
  if (imageLoader === 'kind') return ['docker', 'exec', '-i', `${kindCluster}-control-plane`];
  return [imageLoader, 'exec', ...(inside ? ['--inside'] : [])];
}

export const skipBuild = process.env['WEFT_E2E_SKIP_BUILD'] === '1';

/** Leaves everything installed after the run, to look at it or to run again at once. */
export const keep = process.env['WEFT_E2E_KEEP'] === '1';

export const identityOf = (namespace: string, serviceAccount: string) =>
  `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
