/** A pod's proxy, asked itself: its admin pages (proxy/admin/pages.ts). */
import { WeftError, type Code } from '../../core/errors/index.ts';
import { container, port } from '../../core/model/names.ts';
import type { Directory, PartName, ProxyConfig, Section } from '../../core/proxyConfig/index.ts';
import { resources, type Pod } from '../../kube/index.ts';
import type { Cluster } from './cluster.ts';

interface Position {
  readonly epoch: number;
  readonly revision: string;
  readonly hash: string;
}

export interface ConfigPage {
  readonly inForceSince: string | null;
  /** By which way it came, and hashes by the names of its parts. */
  readonly inForce: {
    readonly source: string | null;
    readonly position: Position;
    readonly parts: Readonly<Record<PartName, string>> & {
      readonly services: Readonly<Record<string, string>>;
    };
  } | null;
  readonly directoryInForce: { readonly position: Position } | null;
  readonly refused: readonly {
    readonly subject: string;
    readonly code: Code;
    readonly field?: string;
    readonly message: string;
  }[];
  readonly section: Section | null;
  readonly document: ProxyConfig | null;
  readonly directory: Directory | null;
}

export interface ShownCertificate {
  readonly subjectAltName: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface CertificatesPage {
  readonly inUse: {
    readonly spiffeId: string;
    readonly chain: readonly ShownCertificate[];
    readonly roots: readonly ShownCertificate[];
  } | null;
}

export interface StatsPage {
  readonly version: string;
  readonly control: { readonly connected?: boolean };
}

interface Pages {
  '/config': ConfigPage;
  '/certificates': CertificatesPage;
  '/stats': StatsPage;
}

const nameOf = ({ metadata }: Pod): string => `Pod ${metadata.namespace}/${metadata.name}`;

export const hasProxy = ({ spec }: Pod): boolean =>
  (spec?.initContainers ?? []).some(({ name }) => name === container.proxy);

/** Throws WeftError POD_UNKNOWN or PROXY_MISSING. */
export async function podWithProxy(cluster: Cluster, namespace: string, name: string): Promise<Pod> {
  const pod = await cluster.client.find(resources.pods, { namespace, name });
  const resource = `Pod ${namespace}/${name}`;
  if (!pod) throw new WeftError('POD_UNKNOWN', `there is no pod ${name} in ${namespace}`, { resource });
  if (!hasProxy(pod)) throw new WeftError('PROXY_MISSING', `it has no ${container.proxy}`, { resource });
  return pod;
}

/** Throws WeftError PROXY_UNREACHABLE, or that of a port-forward that is not permitted. */
export async function proxyPage<P extends keyof Pages>(
  cluster: Cluster,
  pod: Pod,
  path: P,
): Promise<Pages[P]> {
  const { namespace = '', name } = pod.metadata;
  const failed = (message: string, cause?: unknown): WeftError =>
    new WeftError('PROXY_UNREACHABLE', message, {
      resource: nameOf(pod),
      field: path,
      ...(cause === undefined ? {} : { cause }),
    });
  if (pod.status?.phase !== 'Running') throw failed(`the pod is ${pod.status?.phase ?? 'Pending'}`);
  try {
    const { status, value } = await cluster.page({ namespace, pod: name, port: port.admin }, path);
    if (status === 200) return value as Pages[P];
    throw failed(`it was answered with ${status}`);
  } catch (error) {
    if (error instanceof WeftError) throw error;
    throw failed((error as Error).message, error);
  }
}
