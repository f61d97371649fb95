/** A mesh whose documents are what the test says, in the order in which it says so. */
import type { Changes, CompiledDirectory, CompiledDocument, Part } from '../../../core/compile/index.ts';
import { PART_NAMES, type PartName } from '../../../core/proxyConfig/index.ts';
import { documentHash } from '../../hash.ts';
import type { ConfigSource, Position } from '../types.ts';

/** Parts and services by name, as texts. */
export interface Content {
  readonly parts?: Partial<Record<PartName, string>>;
  readonly services?: Readonly<Record<string, string>>;
}

const part = (value: unknown): Part => {
  const text = JSON.stringify(value);
  return { hash: documentHash(text), text };
};

const partsOf = (texts: Readonly<Record<string, string>>): Map<string, Part> =>
  new Map(
    Object.keys(texts)
      .sort()
      .map((name) => [name, part({ name, is: texts[name] })]),
  );

type Named = Iterable<readonly [string, { readonly hash: string }]>;

/** Of the hashes of parts, by their names and in their order. */
export const hashOf = (...maps: (Named | undefined)[]): string =>
  documentHash(JSON.stringify(maps.map((map) => map && Array.from(map, ([name, { hash }]) => [name, hash]))));

export function documentOf(name: string, { parts = {}, services = {} }: Content): CompiledDocument {
  const made = Object.fromEntries(
    PART_NAMES.map((partName) => [partName, part({ name: partName, of: name, is: parts[partName] ?? '' })]),
  ) as Record<PartName, Part>;
  const serviceParts = partsOf(services);
  return {
    workload: {
      kind: 'deployment',
      namespace: 'shop',
      name,
      apiVersion: 'apps/v1',
      kindName: 'Deployment',
      uid: `uid-${name}`,
    },
    hash: hashOf(Object.entries(made), serviceParts),
    resources: { 'MeshPolicy/shop/p': { uid: 'p', generation: Number(parts.policy ?? 1) || 1 } },
    parts: made,
    services: serviceParts,
  };
}

export function directoryOf(
  services: Readonly<Record<string, string>>,
  outside?: Readonly<Record<string, string>>,
): CompiledDirectory {
  const made = { services: partsOf(services), outside: outside && partsOf(outside) };
  return { hash: hashOf(made.services, made.outside), ...made };
}

const workloadOf = (name: string): string => `deployment/shop/${name}`;

export class TestSource implements ConfigSource {
  readonly #documents = new Map<string, CompiledDocument>();
  readonly #contents = new Map<string, Content>();
  readonly #directories = new Map<string, CompiledDirectory>();
  readonly #listeners = new Set<(changes: Changes) => void>();
  readonly #used = new Map<string, Set<string>>();
  /** What `use` says of a service; default: available. */
  readonly unavailable = new Map<string, 'SERVICE_UNKNOWN' | 'SERVICE_HIDDEN'>();
  epoch = 1;
  revision = 100;

  document(workload: string): CompiledDocument | undefined {
    return this.#documents.get(workload);
  }

  directory(namespace: string): CompiledDirectory | undefined {
    return this.#directories.get(namespace);
  }

  position(): Position {
    return { epoch: this.epoch, revision: String(this.revision) };
  }

  directoryPosition(): Position {
    return this.position();
  }

  usedBy(workload: string): ReadonlySet<string> {
    return this.#used.get(workload) ?? new Set();
  }

  use(
    workload: string,
    services: readonly string[],
  ): Map<string, 'Available' | 'SERVICE_UNKNOWN' | 'SERVICE_HIDDEN'> {
    const available = services.filter((service) => !this.unavailable.has(service));
    const before = this.usedBy(workload);
    if (available.some((service) => !before.has(service))) {
      this.#used.set(workload, new Set([...before, ...available]));
      this.#put(workload);
    }
    return new Map(services.map((service) => [service, this.unavailable.get(service) ?? 'Available']));
  }

  remember(workload: string, services: readonly string[]): void {
    this.use(workload, services);
  }

  onChange(listener: (changes: Changes) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The workload's document says this from now on. */
  set(name: string, content: Content): CompiledDocument {
    this.revision += 1;
    this.#contents.set(workloadOf(name), content);
    return this.#put(workloadOf(name));
  }

  setDirectory(namespace: string, directory: CompiledDirectory): void {
    this.revision += 1;
    this.#directories.set(namespace, directory);
    this.#tell({ documents: new Set(), directories: new Set([namespace]) });
  }

  #put(workload: string): CompiledDocument {
    const content = this.#contents.get(workload) ?? {};
    const used = Object.fromEntries(Array.from(this.usedBy(workload), (service) => [service, 'used']));
    const document = documentOf(workload.split('/')[2]!, {
      ...content,
      services: { ...used, ...content.services },
    });
    this.#documents.set(workload, document);
    this.#tell({ documents: new Set([workload]), directories: new Set() });
    return document;
  }

  #tell(changes: Changes): void {
    for (const listener of this.#listeners) listener(changes);
  }
}
