/** Documents from a snapshot. Pure: equal snapshots give equal documents, whatever order their objects came in. */
import { durationMs } from '../api/index.ts';
import { resourceKey, type Snapshot, type WorkloadRef } from '../model/index.ts';
import {
  DOCUMENT_VERSION,
  hashContent,
  hashDirectory,
  type DocumentContent,
  type Directory,
  type Hash,
  type ProxyConfig,
  type ResourceVersion,
  type Service,
} from '../proxyConfig/index.ts';
import { sectionsOf, type LabelledSection } from './sections.ts';
import { compileService, type CompiledService } from './service.ts';
import { order, viewOf, type View } from './view.ts';

export interface CompileTools {
  readonly hash: Hash;
  readonly epoch: number;
}

/** What all documents of a snapshot share. */
interface Shared {
  readonly services: readonly CompiledService[];
  /** By namespace: its own services and the mixed ones of others, by namespace and name. */
  readonly documents: Map<string, readonly Service[]>;
  readonly trust: ProxyConfig['trust'];
  readonly telemetry: ProxyConfig['telemetry'];
  readonly settings: ProxyConfig['settings'];
}

const shared = new WeakMap<Snapshot, { hash: Hash; value: Shared }>();

function sharedOf(view: View, hash: Hash): Shared {
  const last = shared.get(view.snapshot);
  if (last?.hash === hash) return last.value;
  const { trustDomain, telemetry, proxy, outbound } = view.snapshot.meshConfig;
  const value: Shared = {
    services: [...view.services.keys()]
      .sort(order)
      .flatMap((namespace) =>
        view.services.get(namespace)!.map((model) => compileService(model, view, hash)),
      ),
    documents: new Map(),
    trust: { trustDomain },
    telemetry: { accessLog: telemetry.accessLog },
    settings: {
      logLevel: proxy.logLevel,
      connectTimeoutMs: durationMs(proxy.connectTimeout),
      idleTimeoutMs: durationMs(proxy.idleTimeout),
      drainMs: durationMs(proxy.drain),
      // only where it says something, so that proxies of older versions take the documents of all other meshes
      ...(outbound.default === 'RegistryOnly' ? { outbound: outbound.default } : {}),
    },
  };
  shared.set(view.snapshot, { hash, value });
  return value;
}

/** The services in the documents of a namespace; the same array for all its workloads. */
function servicesFor(namespace: string, { services, documents }: Shared): readonly Service[] {
  let list = documents.get(namespace);
  if (!list) {
    list = services.flatMap(({ local, foreign, place }) => {
      if (local.namespace === namespace) return [local];
      return place === 'mixed' ? [foreign] : [];
    });
    documents.set(namespace, list);
  }
  return list;
}

function resourcesOf(sections: readonly LabelledSection[], snapshot: Snapshot): ProxyConfig['resources'] {
  const version = ({ uid = '', generation = 0 }: { uid?: string; generation?: number }): ResourceVersion => ({
    uid,
    generation,
  });
  const policies = sections.flatMap(({ policy }) => policy.selecting);
  const entries = new Map(
    policies.map(({ metadata }) => [resourceKey('MeshPolicy', metadata), version(metadata)]),
  );
  const config = snapshot.meshConfigResource;
  if (config) entries.set(resourceKey('MeshConfig', config.metadata), version(config.metadata));
  return Object.fromEntries([...entries].sort(([a], [b]) => order(a, b)));
}

/** The document of a workload, `config.json`. */
export function compileWorkload(
  snapshot: Snapshot,
  { kind, namespace, name }: WorkloadRef,
  { hash, epoch }: CompileTools,
): ProxyConfig {
  const view = viewOf(snapshot);
  const ref = { kind, namespace, name };
  const parts = sharedOf(view, hash);
  const sections = sectionsOf(ref, view);
  const content: DocumentContent = {
    version: DOCUMENT_VERSION,
    workload: ref,
    resources: resourcesOf(sections, snapshot),
    trust: parts.trust,
    telemetry: parts.telemetry,
    settings: parts.settings,
    sections: sections.map(({ section }) => section),
    // shared by all documents of the namespace, and never written to
    services: servicesFor(namespace, parts) as Service[],
  };
  return { ...content, epoch, revision: snapshot.revision, hash: hashContent(content, hash) };
}

/**
 * The directory, `directory.json`: the same for every namespace. Where a document knows a service too, it wins. Services
 * outside the mesh are listed only where that is needed to tell them from what is no service at all.
 */
export function compileDirectory(snapshot: Snapshot, { hash, epoch }: CompileTools): Directory {
  const { services } = sharedOf(viewOf(snapshot), hash);
  const content = {
    version: DOCUMENT_VERSION as Directory['version'],
    services: services.filter(({ listed }) => listed).map(({ directory }) => directory),
    ...(snapshot.meshConfig.outbound.default === 'RegistryOnly'
      ? { outside: services.flatMap(({ outside }) => outside ?? []) }
      : {}),
  };
  return { ...content, epoch, revision: snapshot.revision, hash: hashDirectory(content, hash) };
}
