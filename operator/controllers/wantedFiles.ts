/**
 * Which documents are to be in place: `config.json` in a ConfigMap for each workload, owned by what it stands for, and
 * `directory.json` for each namespace that has such a workload. Follows the mesh; texts are made when they are written.
 */
import {
  configText,
  directoryText,
  type Changes,
  type CompiledDirectory,
  type CompiledDocument,
} from '../../core/compile/index.ts';
import { differences } from '../../core/model/differences.ts';
import { workloadKey, type Snapshot, type WorkloadModel } from '../../core/model/index.ts';
import { configMapName, DIRECTORY_NAME } from '../../core/model/names.ts';
import { PART_NAMES, type Hash } from '../../core/proxyConfig/index.ts';
import type { Position } from '../control/types.ts';
import { directoryKey, documentKey, refOf, type Mesh } from '../mesh.ts';
import type { ObjectRef, OwnerReference } from '../sinks/types.ts';

export interface DesiredDocument extends ObjectRef {
  readonly file: 'config.json' | 'directory.json';
  /** Of the content. */
  readonly hash: string;
  /** Of all that a file has to say soon: everything but how services are reached. */
  readonly shape: () => string;
  readonly text: (position: Position) => string;
  readonly owner?: OwnerReference;
  /** Absent for a directory. */
  readonly workload?: WorkloadModel;
  /** Services of other namespaces that it has called. */
  readonly used?: readonly string[];
}

export interface WantedOptions {
  readonly mesh: Mesh;
  readonly hash: Hash;
  /** Whether there is something that collects what is owned: a cluster. */
  readonly owners: boolean;
}

export class WantedFiles {
  readonly #options: WantedOptions;
  /** By namespace: the workloadKeys of its documents. */
  readonly #workloads = new Map<string, Set<string>>();

  constructor(options: WantedOptions) {
    this.#options = options;
    this.follow({ documents: new Set(options.mesh.documents.keys()), directories: new Set() });
  }

  /** refKeys of what may be another one now. */
  follow({ documents, directories }: Changes): string[] {
    const keys = new Set<string>();
    for (const workload of documents) {
      const ref = refOf(workload);
      keys.add(documentKey(ref));
      if (this.#count(workload, ref.namespace)) keys.add(directoryKey(ref.namespace));
    }
    for (const namespace of directories) {
      if (this.#workloads.has(namespace)) keys.add(directoryKey(namespace));
    }
    return [...keys];
  }

  keys(): string[] {
    const { mesh } = this.#options;
    const documents = Array.from(mesh.documents.values(), ({ workload }) => documentKey(workload));
    return [...documents, ...Array.from(this.#workloads.keys(), directoryKey)];
  }

  get size(): number {
    return this.#options.mesh.documents.size + this.#workloads.size;
  }

  /** refKeys of documents whose workload is another one of the same name now: their content may be as before. */
  newOwners(before: Snapshot | undefined, after: Snapshot): string[] {
    if (!before) return [];
    return differences(before.workloads, after.workloads)
      .filter((one) => one.before && one.after && one.before.uid !== one.after.uid)
      .filter(({ key }) => this.#options.mesh.document(key))
      .map(({ key }) => documentKey(refOf(key)));
  }

  /** By refKey. */
  get(key: string): DesiredDocument | undefined {
    const { mesh } = this.#options;
    const workload = mesh.workloadOf(key);
    const document = workload === undefined ? undefined : mesh.document(workload);
    if (document) return this.#document(document);
    const namespace = key.slice(0, key.indexOf('/'));
    if (key !== directoryKey(namespace) || !this.#workloads.has(namespace)) return undefined;
    const directory = mesh.directory(namespace);
    return directory && directoryFile(namespace, directory);
  }

  /** True where the namespace has its first document now, or its last one no more. */
  #count(workload: string, namespace: string): boolean {
    const known = this.#workloads.get(namespace);
    if (this.#options.mesh.document(workload)) {
      if (known) known.add(workload);
      else this.#workloads.set(namespace, new Set([workload]));
      return !known;
    }
    return known?.delete(workload) === true && known.size === 0 && this.#workloads.delete(namespace);
  }

  #document(document: CompiledDocument): DesiredDocument {
    const { mesh, hash, owners } = this.#options;
    const key = workloadKey(document.workload);
    // as it is now: a later one of the same name may have the same document
    const workload = mesh.snapshot?.workloads.get(key) ?? document.workload;
    const owner = owners ? ownerOf(workload) : undefined;
    return {
      namespace: workload.namespace,
      name: configMapName(workload),
      file: 'config.json',
      hash: document.hash,
      shape: () => shapeOf(document, hash),
      text: (position) => configText(document, position),
      workload,
      used: [...mesh.usedBy(key)].sort(),
      ...(owner ? { owner } : {}),
    };
  }
}

const directoryFile = (namespace: string, directory: CompiledDirectory): DesiredDocument => ({
  namespace,
  name: DIRECTORY_NAME,
  file: 'directory.json',
  hash: directory.hash,
  // all of it comes by the stream
  shape: () => 'directory',
  text: (position) => directoryText(directory, position),
});

const shapeOf = ({ parts, services }: CompiledDocument, hash: Hash): string =>
  hash([...PART_NAMES.map((name) => parts[name].hash), ...services.keys()].join(' '));

const ownerOf = ({ apiVersion, kindName, name, uid }: WorkloadModel): OwnerReference | undefined =>
  uid === '' ? undefined : { apiVersion, kind: kindName, name, uid };
