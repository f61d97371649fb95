/**
 * One snapshot after the other → what proxies get, made anew only where something changed. The result depends on the
 * last snapshot and on what is in use alone, whatever came before.
 *
 *   MeshIndex ── what changed ─► ServiceParts ──► ServiceLists ─┬─► documents
 *                            └─► PolicyParts, CommonParts ──────┘
 *                                ServiceParts ──► Directories
 */
import { type Snapshot, type WorkloadModel } from '../model/index.ts';
import { DOCUMENT_VERSION, joinHashes, type Hash } from '../proxyConfig/index.ts';
import type { Availability, Changes, CompiledDirectory, CompiledDocument } from './compiled.ts';
import { Directories } from './directories.ts';
import { Groups } from '../model/groups.ts';
import { MeshIndex, type Dirty } from './meshIndex.ts';
import type { LabelledPolicy } from './policyBook.ts';
import { PolicyParts, type OwnPart } from './policyParts.ts';
import type { CompiledService } from './service.ts';
import { ServiceLists } from './serviceLists.ts';
import { ServiceParts } from './serviceParts.ts';
import { commonParts, type CommonParts } from './settings.ts';

const NONE: Changes = { documents: new Set(), directories: new Set() };

function haveCommon<T>(some: ReadonlySet<T>, others: ReadonlySet<T>): boolean {
  for (const each of some) if (others.has(each)) return true;
  return false;
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));

export class Compiler {
  readonly #hash: Hash;
  #services: ServiceParts;
  #policies: PolicyParts;
  #lists: ServiceLists;
  #directories: Directories;
  readonly #documents = new Map<string, CompiledDocument>();
  /** workloadKeys of the documents of a namespace. */
  readonly #documentsOf = new Groups<true>();
  /** By workloadKey: services of other namespaces. */
  readonly #used = new Map<string, ReadonlySet<string>>();
  /** The same the other way round. */
  readonly #users = new Groups<true>();
  /** What is told of services and directories: of the last snapshot that was compiled whole. */
  #whole: Whole | undefined;
  /** workloadKeys of documents that are other ones than was said last. */
  #changed = new Set<string>();
  /** Undefined: the next snapshot is compiled from scratch. */
  #mesh: MeshIndex | undefined;
  #common: CommonParts | undefined;

  constructor({ hash }: { hash: Hash }) {
    this.#hash = hash;
    this.#services = new ServiceParts(hash);
    this.#policies = new PolicyParts(hash);
    this.#lists = new ServiceLists(hash);
    this.#directories = new Directories(hash);
  }

  /** By workloadKey. */
  get documents(): ReadonlyMap<string, CompiledDocument> {
    return this.#documents;
  }

  /** What workloads of the namespace know of the mesh. The same value for all namespaces that see the same. */
  directory(namespace: string): CompiledDirectory {
    return (this.#whole?.directories ?? this.#directories).of(namespace);
  }

  /** Whether workloads of the namespace may have the service, by `namespace/name`, in their documents. */
  availability(namespace: string, service: string): Availability {
    return this.#whole ? availabilityIn(this.#whole, namespace, service) : 'Unknown';
  }

  /** Takes the next snapshot; says what it changed. After one that cannot be compiled the next is compiled from scratch. */
  take(snapshot: Snapshot): Changes {
    try {
      return this.#take(snapshot);
    } catch (error) {
      // what is half done would look like what is done
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#mesh = undefined;
    this.#services = new ServiceParts(this.#hash);
    this.#policies = new PolicyParts(this.#hash);
    this.#lists = new ServiceLists(this.#hash);
    this.#directories = new Directories(this.#hash);
  }

  #take(snapshot: Snapshot): Changes {
    const before = this.#mesh?.snapshot;
    const dirty = this.#look(snapshot);
    const mesh = this.#mesh!;
    const common =
      this.#common && before?.meshConfig === snapshot.meshConfig
        ? this.#common
        : commonParts(snapshot.meshConfig, this.#hash, this.#common);
    const services = this.#services.compile(dirty.services, mesh);
    const documents = this.#policies.compile(dirty.workloads, mesh);
    const everything = common !== this.#common || isOpen(before) !== isOpen(snapshot);
    this.#common = common;
    if (everything) for (const key of this.#policies.keys()) documents.add(key);
    if (!before) for (const key of this.#documents.keys()) documents.add(key);
    for (const namespace of this.#lists.update(services)) {
      for (const key of this.#documentsOf.get(namespace)?.keys() ?? []) documents.add(key);
    }
    for (const service of services.keys()) {
      for (const key of this.#users.get(service)?.keys() ?? []) documents.add(key);
    }
    this.#assembleAll(documents);
    mesh.book.prune(() => this.#policiesInUse());
    const directories = this.#directories.update({
      changed: services,
      settings: {
        everybody: isOpen(snapshot),
        withOutside: snapshot.meshConfig.outbound.default === 'RegistryOnly',
      },
      namespaces: this.#documentsOf.names(),
    });
    if (!before)
      for (const namespace of this.#whole?.directories.namespaces ?? []) directories.add(namespace);
    this.#whole = { services: this.#services, directories: this.#directories, everybody: isOpen(snapshot) };
    return { documents: this.#news(), directories };
  }

  /**
   * Sets the services of other namespaces, by `namespace/name`, that a workload uses, instead of those before. What it
   * may not have, or what does not exist, comes when it may and does.
   */
  use(workload: string, services: ReadonlySet<string>): Changes {
    for (const service of this.#used.get(workload) ?? []) this.#users.delete(service, workload);
    if (services.size === 0) this.#used.delete(workload);
    else this.#used.set(workload, new Set(services));
    for (const service of services) this.#users.set(service, workload, true);
    if (!this.#policies.get(workload)) return NONE;
    this.#assembleAll([workload]);
    return { documents: this.#news(), directories: NONE.directories };
  }

  #news(): ReadonlySet<string> {
    const news = this.#changed;
    this.#changed = new Set();
    return news;
  }

  /** What may have become other by this snapshot. */
  #look(snapshot: Snapshot): Dirty {
    const { systemNamespace, clusterDomain, meshConfig, meshConfigResource } = snapshot;
    const { trustDomain } = meshConfig;
    const last = this.#mesh;
    const isOther =
      last?.snapshot.clusterDomain !== clusterDomain ||
      last.book.facts.trustDomain !== trustDomain ||
      last.book.facts.systemNamespace !== systemNamespace;
    const before = last?.snapshot.meshConfigResource?.metadata;
    const mesh = isOther ? new MeshIndex({ systemNamespace, trustDomain }) : last;
    this.#mesh = mesh;
    const dirty = mesh.take(snapshot);
    const resource = meshConfigResource?.metadata;
    if (isOther) for (const key of this.#services.keys()) dirty.services.add(key);
    if (isOther || before?.uid !== resource?.uid || before?.generation !== resource?.generation) {
      for (const key of this.#policies.keys()) dirty.workloads.add(key);
    }
    this.#addStale(dirty);
    return dirty;
  }

  /** What was made with policies that do not hold any more. */
  #addStale({ policies, services, workloads }: Dirty): void {
    if (policies.size === 0) return;
    for (const [key, consulted] of this.#services.consulted()) {
      if (haveCommon(consulted, policies)) services.add(key);
    }
    for (const [key, consulted] of this.#policies.consulted()) {
      if (haveCommon(consulted, policies)) workloads.add(key);
    }
  }

  #policiesInUse(): Set<LabelledPolicy> {
    const inUse = new Set<LabelledPolicy>();
    for (const known of [this.#services, this.#policies]) {
      for (const [, consulted] of known.consulted()) for (const policy of consulted) inUse.add(policy);
    }
    return inUse;
  }

  #assembleAll(workloads: Iterable<string>): void {
    for (const key of workloads) {
      const own = this.#policies.get(key);
      const last = this.#documents.get(key);
      const next = own && this.#assemble(key, own, last);
      if (next === last) continue;
      this.#changed.add(key);
      if (next) this.#documents.set(key, next);
      else this.#documents.delete(key);
      if (next && !last) this.#documentsOf.set(next.workload.namespace, key, true);
      if (last && !next) this.#documentsOf.delete(last.workload.namespace, key);
    }
  }

  #assemble(key: string, { workload, policy, resources }: OwnPart, last: CompiledDocument | undefined) {
    const parts = { policy, ...this.#common! };
    const list = this.#lists.with(workload.namespace, this.#usedBy(key, workload));
    const hashes = {
      policy: policy.hash,
      trust: parts.trust.hash,
      telemetry: parts.telemetry.hash,
      settings: parts.settings.hash,
    };
    const hash = joinHashes({ version: DOCUMENT_VERSION, parts: hashes, services: list.hash }, this.#hash);
    if (last?.hash === hash && last.workload === workload) return last;
    return { workload, hash, resources, parts, services: list.services };
  }

  /** The services of other namespaces that its document holds. */
  #usedBy(key: string, { namespace }: WorkloadModel): ReadonlyMap<string, CompiledService> {
    const services = new Map<string, CompiledService>();
    const now = { services: this.#services, everybody: isOpen(this.#mesh?.snapshot) };
    for (const service of this.#used.get(key) ?? []) {
      if (namespaceOf(service) === namespace || availabilityIn(now, namespace, service) !== 'Available')
        continue;
      services.set(service, this.#services.get(service)!);
    }
    return services;
  }
}

interface Whole {
  readonly services: ServiceParts;
  readonly directories: Directories;
  /** Whether everybody sees services that say nothing of it. */
  readonly everybody: boolean;
}

function availabilityIn(
  { services, everybody }: Pick<Whole, 'services' | 'everybody'>,
  namespace: string,
  service: string,
): Availability {
  const found = services.get(service);
  if (!found?.isMesh) return 'Unknown';
  return found.isVisibleTo(namespace, everybody) ? 'Available' : 'Hidden';
}

/** Whether everybody sees services that say nothing of it. */
const isOpen = (snapshot: Snapshot | undefined): boolean =>
  snapshot?.meshConfig.visibility.default !== 'Namespace';
