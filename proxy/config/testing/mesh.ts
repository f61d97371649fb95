/** A mesh as an operator would say it, for tests: what its documents are, and the messages that change them. */
import type { DirectoryMessage, UpdateMessage } from '../../../core/control/index.ts';
import {
  canonicalJson,
  DOCUMENT_VERSION,
  hashOfEntry,
  PART_NAMES,
  partsOf,
  sealDirectory,
  sealDocument,
  serviceKey,
  type Directory,
  type DirectoryService,
  type ProxyConfig,
  type Service,
} from '../../../core/proxyConfig/index.ts';
import type { ConfigCore } from '../core.ts';
import { documentHash } from '../position.ts';
import { sectionOf } from './volumes.ts';

const ordered = <T extends { namespace: string; name: string }>(services: readonly T[]): T[] =>
  services.toSorted((a, b) => (serviceKey(a) < serviceKey(b) ? -1 : 1));

/** One service of the mesh with endpoints, as the document of a workload that calls it has it. */
export function serviceOf(
  name: string,
  { namespace = 'shop', address = '10.96.0.1', endpoints = ['10.1.0.1'], port = 8080 } = {},
): Service {
  const identity = `spiffe://cluster.local/ns/${namespace}/sa/${name}`;
  return {
    hash: '',
    namespace,
    name,
    addresses: [address],
    hosts: [...(namespace === 'shop' ? [name] : []), `${name}.${namespace}`, `${name}.${namespace}.svc`],
    ports: [
      {
        port,
        protocol: 'Auto',
        endpoints: endpoints.map((at) => ({ address: at, port, state: 'Ready', wire: 'weft/1', identity })),
      },
    ],
  };
}

/** The same service as the directory has it. */
export const listed = ({ namespace, name, addresses, ports }: Service): DirectoryService => ({
  namespace,
  name,
  addresses,
  ports: ports.map(({ port, protocol }) => ({ port, protocol })),
  identities: [`spiffe://cluster.local/ns/${namespace}/sa/${name}`],
  wire: 'weft/1',
});

export function documentOf(change: Partial<ProxyConfig> = {}): ProxyConfig {
  const document: ProxyConfig = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '10',
    hash: '',
    workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
    resources: {},
    trust: { trustDomain: 'cluster.local' },
    telemetry: { accessLog: 'All' },
    settings: { logLevel: 'Info', connectTimeoutMs: 5000, idleTimeoutMs: 3_600_000, drainMs: 25_000 },
    sections: [sectionOf({ app: 'cart' })],
    ...change,
    services: ordered(change.services ?? []),
  };
  return sealDocument(document, documentHash);
}

export function directoryOf(change: Partial<Directory> = {}): Directory {
  const { outside } = change;
  return sealDirectory(
    {
      version: DOCUMENT_VERSION,
      epoch: 1,
      revision: '10',
      ...change,
      hash: '',
      services: ordered(change.services ?? []),
      ...(outside && { outside: ordered(outside) }),
    },
    documentHash,
  );
}

/** What the operator sends to a proxy that has this. */
export function updateOf(document: ProxyConfig, has: ReturnType<ConfigCore['has']>): UpdateMessage {
  const { epoch, revision, hash, services } = document;
  const parts = partsOf(document);
  const differs = PART_NAMES.filter((name) => documentHash(canonicalJson(parts[name])) !== has.parts[name]);
  const keys = new Set(services.map(serviceKey));
  return {
    type: 'update',
    epoch,
    revision,
    hash,
    ...(Object.keys(has.parts).length === 0 && { whole: true as const }),
    parts: Object.fromEntries(differs.map((name) => [name, parts[name]])),
    services: services.filter((service) => has.services[serviceKey(service)] !== service.hash),
    removed: Object.keys(has.services).filter((key) => !keys.has(key)),
  };
}

/** What makes `after` of `before`, or a whole one. */
export function directoryMessage(after: Directory, before?: Directory): DirectoryMessage {
  const { epoch, revision, hash, services, outside } = after;
  const changes = <T extends DirectoryService | NonNullable<Directory['outside']>[number]>(
    now: readonly T[],
    then: readonly T[] = [],
  ) => {
    const had = new Map(then.map((entry) => [serviceKey(entry), hashOfEntry(entry, documentHash)]));
    const keys = new Set(now.map(serviceKey));
    return {
      services: now.filter((entry) => had.get(serviceKey(entry)) !== hashOfEntry(entry, documentHash)),
      removed: [...had.keys()].filter((key) => !keys.has(key)),
    };
  };
  return {
    type: 'directory',
    epoch,
    revision,
    hash,
    ...(before && { base: before.hash }),
    ...changes(services, before?.services),
    ...(outside && { outside: changes(outside, before?.outside) }),
  };
}
