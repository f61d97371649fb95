/** What the proxy knows, for a person or a tool on the pod's loopback. Read-only, and without key material. */
import type { X509Certificate } from 'node:crypto';
import type { Service } from '../../core/proxyConfig/index.ts';
import { WEFT_VERSION } from '../../core/proxyConfig/version.ts';
import type { LoadedIdentity } from '../config/identity.ts';
import type { ConfigStore } from '../config/store.ts';
import type { Serving } from '../serving.ts';
import { health, type HealthOptions } from './health.ts';
import { json, notFound, type Answer } from './http.ts';

export interface PagesOptions {
  store: ConfigStore;
  health: HealthOptions;
  /** Undefined before there is something to serve by. */
  serving: () => Serving | undefined;
  draining: () => boolean;
  /** State of the session to the operator. */
  control: () => object;
}

type Page = (options: PagesOptions) => unknown;

const index = {
  '/config': 'the document in force and what was refused',
  '/clusters': 'services and endpoints that the application can call',
  '/certificates': 'the certificate in use and the trusted roots',
  '/stats': 'connections, requests, workers, memory, control session',
  '/healthz/startup': 'what is missing for the proxy to serve',
};

const documentOf = ({ config, core }: ConfigStore) => {
  const state = config.current;
  if (!state) return null;
  const { document, services } = state;
  const hashes = Object.fromEntries([...services].map(([key, { hash }]) => [key, hash]));
  return {
    source: core.document?.source ?? null,
    position: { epoch: document.epoch, revision: document.revision, hash: document.hash },
    parts: { ...core.document?.hashes, services: hashes },
  };
};

const directoryOf = ({ config, core }: ConfigStore) => {
  const directory = config.current?.directory;
  if (!directory) return null;
  const { epoch, revision, hash, services } = directory;
  return {
    source: core.directorySource ?? null,
    position: { epoch, revision, hash },
    services: services.byKey.size,
  };
};

const config: Page = ({ store }) => {
  const state = store.config.current;
  return {
    inForceSince: store.since?.toISOString() ?? null,
    inForce: documentOf(store),
    directoryInForce: directoryOf(store),
    refused: store.refusals,
    section: state?.section ?? null,
    document: state ? { ...state.document, services: [...state.services.values()] } : null,
    directory: state?.directory ?? null,
  };
};

const endpointsOf = (service: Service) => ({
  name: `${service.namespace}/${service.name}`,
  hash: service.hash,
  addresses: service.addresses,
  hosts: service.hosts,
  ports: service.ports.map(({ port, protocol, endpoints }) => ({ port, protocol, endpoints })),
});

const clusters: Page = ({ store }) => {
  const state = store.config.current;
  return {
    inForce: documentOf(store),
    directoryInForce: directoryOf(store),
    services: state ? [...state.services.values()].map(endpointsOf) : [],
    directory: state?.directory?.toJSON().services ?? [],
  };
};

const describe = (certificate: X509Certificate) => ({
  subject: certificate.subject,
  subjectAltName: certificate.subjectAltName ?? null,
  issuer: certificate.issuer,
  serial: certificate.serialNumber.toLowerCase(),
  notBefore: certificate.validFromDate.toISOString(),
  notAfter: certificate.validToDate.toISOString(),
  sha256: certificate.fingerprint256,
});

const inUse = ({ spiffeId, chain, roots }: LoadedIdentity) => ({
  spiffeId,
  chain: chain.map(describe),
  roots: roots.map(describe),
});

const certificates: Page = ({ store }) => ({
  inUse: store.identity.current ? inUse(store.identity.current) : null,
  refused: store.refusal('identity') ?? null,
});

const stats: Page = async ({ serving, draining, control }) => {
  const running = serving();
  const { inbound, outbound, workers } = (await running?.stats()) ?? {};
  return {
    version: WEFT_VERSION,
    uptimeSeconds: Math.round(process.uptime()),
    draining: draining(),
    inbound: inbound ? { addresses: running!.addresses.inbound, ...inbound } : null,
    outbound: outbound ? { addresses: running!.addresses.outbound, ...outbound } : null,
    ...(workers && { workers }),
    control: control(),
    memory: process.memoryUsage(),
  };
};

const pages: Readonly<Record<string, Page>> = {
  '/': () => index,
  '/config': config,
  '/clusters': clusters,
  '/certificates': certificates,
  '/stats': stats,
};

export async function adminPage(options: PagesOptions, path: string): Promise<Answer> {
  if (path.startsWith('/healthz'))
    return health(options.health, path === '/healthz' ? '/healthz/ready' : path);
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  return page ? json(await page(options)) : notFound;
}
