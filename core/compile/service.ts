/** One service, compiled: what documents and directories hold of it. Made once for all who share it. */
import type { ServiceModel, VisibleTo } from '../model/index.ts';
import type { DirectoryService, Hash, OutsideService, Service } from '../proxyConfig/index.ts';
import type { Part } from './compiled.ts';
import { endpointsOf, type EndpointContext } from './endpoints.ts';
import { directoryEntry, hiddenEntry, outsideEntry, proxiesBehind } from './entries.ts';
import type { MeshIndex } from './meshIndex.ts';
import { keep, partOf, renamed, servicePart } from './part.ts';
import type { LabelledPolicy } from './policyBook.ts';
import { protocolOf } from './protocol.ts';

interface Content {
  readonly namespace: string;
  readonly visibleTo: VisibleTo | undefined;
  /**
   * mesh: every endpoint speaks mTLS.
   * mixed: some endpoints are reached by plain text.
   * outside: no endpoint has a proxy and none is to be expected: passed through as it is.
   */
  readonly place: 'mesh' | 'mixed' | 'outside';
  /**
   * In the directory. A mixed service too, from its first endpoint with a proxy on; not before, for mTLS to its address
   * would reach pods that have no proxy yet.
   */
  readonly listed: boolean;
  /** For documents of its own namespace, where its bare name resolves to it. */
  readonly local: Part;
  readonly entry: Part;
  /** The addresses that `entry` does not cover, since nobody speaks mTLS there. */
  readonly outside: Part | undefined;
}

interface Names {
  readonly addresses: readonly string[];
  readonly hosts: readonly string[];
}

export class CompiledService implements Content {
  readonly namespace: string;
  readonly visibleTo: VisibleTo | undefined;
  readonly place: Content['place'];
  readonly listed: boolean;
  readonly local: Part;
  readonly entry: Part;
  readonly outside: Part | undefined;
  readonly #names: Names;
  readonly #hash: Hash;
  #foreign: Part | undefined;
  #hidden: Part | undefined;

  constructor(content: Content, names: Names, { hash, last }: Pick<ServiceTools, 'hash' | 'last'>) {
    this.namespace = content.namespace;
    this.visibleTo = content.visibleTo;
    this.place = content.place;
    this.listed = content.listed;
    this.local = content.local;
    this.entry = content.entry;
    this.outside = content.outside;
    this.#names = names;
    this.#hash = hash;
    if (last?.local === content.local) this.#foreign = last.#foreign;
    if (last?.entry === content.entry && last.outside === content.outside) this.#hidden = last.#hidden;
  }

  /** For documents of other namespaces. Few need it, so it is made when the first does. */
  get foreign(): Part {
    const { addresses, hosts } = this.#names;
    this.#foreign ??= renamed(this.local, { addresses, hosts, to: hosts.slice(1) }, this.#hash);
    return this.#foreign;
  }

  /** For directories of namespaces that may not see it. */
  get hidden(): Part {
    const { entry, outside } = this;
    this.#hidden ??= partOf(
      hiddenEntry(
        JSON.parse(entry.text) as DirectoryService,
        outside && (JSON.parse(outside.text) as OutsideService),
      ),
      this.#hash,
    );
    return this.#hidden;
  }

  /** Part of the mesh: workloads of other namespaces may have it in their documents. */
  get isMesh(): boolean {
    return this.listed || this.place !== 'outside';
  }

  /** `everybody`: who may see services that say nothing of it. */
  isVisibleTo(namespace: string, everybody: boolean): boolean {
    if (namespace === this.namespace) return true;
    const { visibleTo = everybody ? '*' : [] } = this;
    return visibleTo === '*' || visibleTo.includes(namespace);
  }
}

const sameTexts = (a: VisibleTo | undefined, b: VisibleTo | undefined): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && a.join() === b.join());

/** The last value where it says the same, else the next one with those parts of it that do. */
function keepService(
  last: CompiledService | undefined,
  next: Content,
  make: (content: Content) => CompiledService,
) {
  if (!last) return make(next);
  const kept = {
    ...next,
    visibleTo: sameTexts(last.visibleTo, next.visibleTo) ? last.visibleTo : next.visibleTo,
    local: keep(last.local, next.local),
    entry: keep(last.entry, next.entry),
    outside: next.outside && keep(last.outside, next.outside),
  };
  const same = (Object.keys(kept) as (keyof Content)[]).every((field) => kept[field] === last[field]);
  return same ? last : make(kept);
}

function placeOf({ ports }: Omit<Service, 'hash'>, model: ServiceModel, enabled: boolean): Content['place'] {
  const endpoints = ports.flatMap((port) => port.endpoints);
  const secured = endpoints.some(({ wire }) => wire);
  if (endpoints.some(({ wire }) => !wire)) {
    // addresses that belong to no pod are of no namespace's mesh
    return secured || (enabled && endpoints.some(({ pod }) => pod)) ? 'mixed' : 'outside';
  }
  return secured || (enabled && Object.keys(model.selector).length > 0) ? 'mesh' : 'outside';
}

export interface ServiceResult {
  readonly service: CompiledService;
  /** The policies that decided of its endpoints. */
  readonly consulted: ReadonlySet<LabelledPolicy>;
}

export interface ServiceTools {
  readonly mesh: MeshIndex;
  readonly hash: Hash;
  readonly last: CompiledService | undefined;
}

export function compileService(model: ServiceModel, { mesh, hash, last }: ServiceTools): ServiceResult {
  const { namespace, name } = model;
  const context: EndpointContext = { mesh, consulted: new Set() };
  const hosts = [
    name,
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    `${name}.${namespace}.svc.${mesh.snapshot.clusterDomain}`,
  ];
  const content = {
    namespace,
    name,
    addresses: [...model.addresses],
    hosts,
    ports: model.ports.map((port) => ({
      port: port.port,
      ...(port.name ? { name: port.name } : {}),
      protocol: protocolOf(port),
      endpoints: endpointsOf(model, port, context),
    })),
  };
  const place = placeOf(content, model, mesh.snapshot.namespaces.get(namespace)?.enabled === true);
  const proxies = proxiesBehind(model, mesh);
  // where policy says Disabled, clients send plain text, but the proxies take mTLS all the same
  const listed = place === 'mesh' || proxies.length > 0;
  const outside = outsideEntry(content, model, { mesh, listed });
  const next: Content = {
    namespace,
    visibleTo: model.visibleTo,
    place,
    listed,
    local: servicePart(content, hash),
    entry: partOf(directoryEntry(content, model, { mesh, proxies }), hash),
    outside: outside && partOf(outside, hash),
  };
  const names = { addresses: content.addresses, hosts };
  const service = keepService(last, next, (kept) => new CompiledService(kept, names, { hash, last }));
  return { service, consulted: context.consulted };
}
