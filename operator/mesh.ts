/**
 * The mesh as it is compiled, on every replica: what the control server sends and what the leader writes.
 *
 *   snapshots ────────────────────────► Compiler ─► documents, directories ─► listeners
 *   what proxies ask for ─► UsedServices ─┘ ▲
 *   stamps of the documents in place ───────┘   so that replicas agree, and one that starts anew goes on as before
 */
import type { Availability, Changes, CompiledDirectory, CompiledDocument } from '../core/compile/index.ts';
import type { Snapshot, WorkloadRef } from '../core/model/index.ts';
import { configMapName, DIRECTORY_NAME } from '../core/model/names.ts';
import type { Clock } from '../kube/index.ts';
import type { ConfigSource, Position } from './control/types.ts';
import { Epochs } from './epochs.ts';
import { refKey, type DocumentSink } from './sinks/types.ts';
import { EarlyUses, UsedServices, type Answers } from './usedServices.ts';

/** What the mesh needs of core/compile's Compiler. */
export interface MeshCompiler {
  take(snapshot: Snapshot): Changes;
  use(workload: string, services: ReadonlySet<string>): Changes;
  readonly documents: ReadonlyMap<string, CompiledDocument>;
  directory(namespace: string): CompiledDirectory;
  availability(namespace: string, service: string): Availability;
}

export interface MeshOptions {
  readonly compiler: MeshCompiler;
  /** The documents in place, whose stamps every replica sees. */
  readonly inPlace: Pick<DocumentSink, 'existing' | 'onChange'>;
  readonly clock: Clock;
  /** One call for each snapshot. */
  readonly onCompiled?: (ms: number) => void;
  /** A snapshot could not be compiled, or a listener failed; the others are told regardless. */
  readonly onError: (error: Error) => void;
}

/** refKey of a workload's document. */
export const documentKey = (workload: WorkloadRef): string =>
  refKey({ namespace: workload.namespace, name: configMapName(workload) });

/** refKey of a namespace's directory. */
export const directoryKey = (namespace: string): string => refKey({ namespace, name: DIRECTORY_NAME });

/** Of the refKey of a directory; undefined of any other. */
const directoryNamespace = (key: string): string | undefined =>
  key.endsWith(`/${DIRECTORY_NAME}`) ? key.slice(0, key.indexOf('/')) : undefined;

/** A snapshot that takes longer is followed by a pause as long as itself: others have work too. */
const LONG_MS = 50;

/** What could not be compiled is tried again, ms, though nothing newer has come. */
export const COMPILE_AGAIN_MS = 10_000;

interface Gathered extends Changes {
  readonly documents: Set<string>;
  readonly directories: Set<string>;
}

export class Mesh implements ConfigSource {
  readonly #options: MeshOptions;
  readonly #snapshotListeners = new Set<(snapshot: Snapshot) => void>();
  readonly #changeListeners = new Set<(changes: Changes) => void>();
  readonly #used = new UsedServices();
  readonly #early = new EarlyUses();
  readonly #epochs = new Epochs();
  /** workloadKey of each document, by its refKey. */
  readonly #workloads = new Map<string, string>();
  #snapshot: Snapshot | undefined;
  #waiting: Snapshot | undefined;
  #paused = false;
  #cancelRetry: (() => void) | undefined;

  constructor(options: MeshOptions) {
    this.#options = options;
    options.inPlace.onChange((key) => this.#seen(key));
    for (const key of options.inPlace.existing.keys()) this.#seen(key);
  }

  /** The one that everything here is compiled from. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** By workloadKey. */
  get documents(): ReadonlyMap<string, CompiledDocument> {
    return this.#options.compiler.documents;
  }

  document(workload: string): CompiledDocument | undefined {
    return this.documents.get(workload);
  }

  directory(namespace: string): CompiledDirectory | undefined {
    return this.#snapshot && this.#options.compiler.directory(namespace);
  }

  position(workload: string): Position {
    return this.#positionOf(documentKey(refOf(workload)));
  }

  directoryPosition(namespace: string): Position {
    return this.#positionOf(directoryKey(namespace));
  }

  /** workloadKey of the document with this refKey. */
  workloadOf(key: string): string | undefined {
    return this.#workloads.get(key);
  }

  /** The services of other namespaces that the workload has called. */
  usedBy(workload: string): ReadonlySet<string> {
    return this.#used.of(workload);
  }

  use(workload: string, services: readonly string[]): Answers {
    const document = this.document(workload);
    if (!document) return new Map(services.map((service) => [service, 'SERVICE_UNKNOWN']));
    const { compiler } = this.#options;
    const { namespace } = document.workload;
    const before = this.#used.of(workload);
    const availability = compiler.availability.bind(compiler);
    const answers = this.#used.ask(workload, { namespace, services, availability });
    const used = this.#used.of(workload);
    if (used !== before) this.#tell(compiler.use(workload, used));
    return answers;
  }

  remember(workload: string, services: readonly string[]): void {
    if (!this.document(workload)) {
      this.#early.add(workload, services);
      return;
    }
    // first what makes room for what is available, then also what is not, here or by now
    this.use(workload, services);
    if (!this.#used.remember(workload, services)) return;
    this.#tell(this.#options.compiler.use(workload, this.#used.of(workload)));
  }

  /** Takes a newer snapshot: at once, in a large mesh after a pause for others' work. */
  take(snapshot: Snapshot): void {
    this.#waiting = snapshot;
    if (!this.#paused) this.#takeWaiting();
  }

  onChange(listener: (changes: Changes) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Calls back with the snapshot that is compiled now, if there is one, and each one after it: when listeners of
   * onChange have heard what it changed. */
  onSnapshot(listener: (snapshot: Snapshot) => void): () => void {
    this.#snapshotListeners.add(listener);
    if (this.#snapshot) this.#call(listener, this.#snapshot);
    return () => this.#snapshotListeners.delete(listener);
  }

  #takeWaiting(): void {
    const { clock, onError } = this.#options;
    const snapshot = this.#waiting;
    if (!snapshot) return;
    this.#waiting = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const startedAt = clock.monotonic();
    try {
      this.#compile(snapshot);
    } catch (error) {
      this.#cancelRetry = clock.after(COMPILE_AGAIN_MS, () => this.take(this.#waiting ?? snapshot));
      onError(error as Error);
    }
    const tookMs = clock.monotonic() - startedAt;
    if (tookMs < LONG_MS) return;
    this.#paused = true;
    clock.after(tookMs, () => {
      this.#paused = false;
      this.#takeWaiting();
    });
  }

  /** Throws where it cannot be compiled: what was compiled before stays. */
  #compile(snapshot: Snapshot): void {
    const { clock, compiler, onCompiled } = this.#options;
    const startedAt = clock.monotonic();
    const { documents, directories } = compiler.take(snapshot);
    // not before: what could not be compiled is not there
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const changes: Gathered = { documents: new Set(documents), directories: new Set(directories) };
    if (before?.namespaces !== snapshot.namespaces) this.#followNamespaces(snapshot, changes);
    for (const workload of documents) this.#comesOrGoes(workload, changes);
    onCompiled?.(clock.monotonic() - startedAt);
    // proxies first: the rest is written down, and takes longer anyway
    this.#tell(changes);
    for (const listener of this.#snapshotListeners) this.#call(listener, snapshot);
  }

  /** Where directories begin: with the stamp in place, or 1. */
  #followNamespaces({ namespaces }: Snapshot, changes: Gathered): void {
    for (const key of this.#epochs.keys()) {
      const namespace = directoryNamespace(key);
      if (namespace !== undefined && !namespaces.has(namespace)) this.#epochs.forget(key);
    }
    for (const namespace of namespaces.keys()) this.#seeEpoch(directoryKey(namespace), changes);
  }

  /** A new document holds from the start what its stamp remembers; one that is gone takes its memory along. */
  #comesOrGoes(workload: string, changes: Gathered): void {
    const document = this.document(workload);
    const key = documentKey(document?.workload ?? refOf(workload));
    if (document) {
      if (this.#workloads.has(key)) return;
      this.#workloads.set(key, workload);
      this.#seeEpoch(key, changes);
      this.#remember(key, workload, changes);
    } else {
      this.#workloads.delete(key);
      this.#epochs.forget(key);
      if (this.#used.forget(workload)) gather(changes, this.#options.compiler.use(workload, new Set()));
    }
  }

  #remember(key: string, workload: string, changes: Gathered): void {
    const { compiler, inPlace } = this.#options;
    const { used = [] } = inPlace.existing.get(key)?.stamp ?? {};
    if (!this.#used.remember(workload, [...used, ...this.#early.take(workload)])) return;
    gather(changes, compiler.use(workload, this.#used.of(workload)));
  }

  /** A file of this epoch is about to be written: what streams bring from now on comes after it. */
  raise(key: string, epoch: number): void {
    const changes: Gathered = { documents: new Set(), directories: new Set() };
    if (this.#epochs.raise(key, epoch)) this.#moved(key, changes);
    this.#tell(changes);
  }

  /** The watch showed a document in place anew: another replica may have written what its proxies use. */
  #seen(key: string): void {
    const changes: Gathered = { documents: new Set(), directories: new Set() };
    if (this.#workloads.has(key) || directoryNamespace(key) !== undefined) this.#seeEpoch(key, changes);
    const workload = this.#workloads.get(key);
    if (workload !== undefined) this.#remember(key, workload, changes);
    this.#tell(changes);
  }

  #positionOf(key: string): Position {
    return { epoch: this.#epochs.of(key), revision: this.#snapshot?.revision ?? '0' };
  }

  #seeEpoch(key: string, changes: Gathered): void {
    const epoch = this.#options.inPlace.existing.get(key)?.stamp?.epoch ?? 1;
    if (this.#epochs.see(key, epoch)) this.#moved(key, changes);
  }

  /** What was refused for its place in the order is worth another try. */
  #moved(key: string, changes: Gathered): void {
    const workload = this.#workloads.get(key);
    if (workload !== undefined) changes.documents.add(workload);
    const namespace = directoryNamespace(key);
    if (namespace !== undefined) changes.directories.add(namespace);
  }

  #tell(changes: Changes): void {
    if (changes.documents.size === 0 && changes.directories.size === 0) return;
    for (const listener of this.#changeListeners) this.#call(listener, changes);
  }

  #call<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value);
    } catch (error) {
      this.#options.onError(error as Error);
    }
  }
}

function gather(into: Gathered, { documents, directories }: Changes): void {
  for (const workload of documents) into.documents.add(workload);
  for (const namespace of directories) into.directories.add(namespace);
}

/** Of a workloadKey. */
export function refOf(workload: string): WorkloadRef {
  const [kind = '', namespace = '', name = ''] = workload.split('/');
  return { kind, namespace, name };
}
