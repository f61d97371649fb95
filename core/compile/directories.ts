/**
 * The directories: every service of the mesh with its address and identities. Namespaces that see the same share one.
 * Where a document knows a service too, it wins.
 */
import { DOCUMENT_VERSION, hashOfDirectory, type Hash } from '../proxyConfig/index.ts';
import type { CompiledDirectory, Part } from './compiled.ts';
import { order } from './order.ts';
import type { CompiledService } from './service.ts';
import type { ServiceChange } from './serviceParts.ts';

export interface DirectorySettings {
  /** Whether everybody sees a service that says nothing of it. */
  readonly everybody: boolean;
  /** Whether services outside the mesh are listed: only where they have to be told from what is no service at all. */
  readonly withOutside: boolean;
}

export interface DirectoryNews {
  readonly changed: ReadonlyMap<string, ServiceChange>;
  readonly settings: DirectorySettings;
  /** The namespaces that need one. */
  readonly namespaces: Iterable<string>;
}

const hashesOf = (parts: ReadonlyMap<string, Part>): string[] =>
  Array.from(parts.values(), ({ hash }) => hash);

/** What of a service directories are made of. */
const isSame = ({ before, after }: ServiceChange): boolean =>
  before?.entry === after?.entry &&
  before?.outside === after?.outside &&
  before?.listed === after?.listed &&
  before?.visibleTo === after?.visibleTo;

export class Directories {
  readonly #hash: Hash;
  readonly #services = new Map<string, CompiledService>();
  /** Their names, in order. */
  #names: readonly string[] = [];
  /** Those that not everybody sees. */
  #restricted: readonly string[] = [];
  #settings: DirectorySettings = { everybody: true, withOutside: false };
  /** By what their namespaces see of what is restricted. */
  #made = new Map<string, CompiledDirectory>();
  /** Of the snapshot before, by hash: what says the same stays the same value. */
  #last: ReadonlyMap<string, CompiledDirectory> = new Map();
  #current: ReadonlyMap<string, CompiledDirectory> = new Map();

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** Those that needed one last. */
  get namespaces(): Iterable<string> {
    return this.#current.keys();
  }

  of(namespace: string): CompiledDirectory {
    return this.#current.get(namespace) ?? this.#find(namespace);
  }

  /** Returns the namespaces whose directory is new, another one, or not needed any more. */
  update({ changed, settings, namespaces }: DirectoryNews): Set<string> {
    const before = this.#current;
    const known = this.#take(changed, settings) ? undefined : before;
    this.#current = new Map(
      Array.from(namespaces, (namespace) => [namespace, known?.get(namespace) ?? this.#find(namespace)]),
    );
    const others = [...this.#current].filter(([name, directory]) => before.get(name) !== directory);
    const gone = [...before.keys()].filter((name) => !this.#current.has(name));
    return new Set([...others.map(([name]) => name), ...gone]);
  }

  /** Returns whether any directory may be another one. */
  #take(changed: ReadonlyMap<string, ServiceChange>, settings: DirectorySettings): boolean {
    const { everybody, withOutside } = this.#settings;
    let isNew = settings.everybody !== everybody || settings.withOutside !== withOutside;
    let sort = false;
    for (const [name, change] of changed) {
      if (change.after) this.#services.set(name, change.after);
      else this.#services.delete(name);
      isNew ||= !isSame(change);
      sort ||= !change.before || !change.after;
    }
    if (sort) this.#names = [...this.#services.keys()].sort(order);
    if (!isNew) return false;
    this.#settings = settings;
    this.#restricted = this.#names.filter((name) => {
      const { listed, visibleTo = settings.everybody ? '*' : [] } = this.#services.get(name)!;
      return listed && visibleTo !== '*';
    });
    this.#last = new Map(Array.from(this.#made.values(), (directory) => [directory.hash, directory]));
    this.#made = new Map();
    return true;
  }

  #sees(namespace: string, service: CompiledService): boolean {
    return service.isVisibleTo(namespace, this.#settings.everybody);
  }

  #find(namespace: string): CompiledDirectory {
    const view = this.#restricted.filter((name) => this.#sees(namespace, this.#services.get(name)!)).join();
    let directory = this.#made.get(view);
    if (!directory) {
      const next = this.#make(namespace);
      this.#made.set(view, (directory = this.#last.get(next.hash) ?? next));
    }
    return directory;
  }

  #make(namespace: string): CompiledDirectory {
    const services = new Map<string, Part>();
    const outside = this.#settings.withOutside ? new Map<string, Part>() : undefined;
    for (const name of this.#names) {
      const service = this.#services.get(name)!;
      const isHidden = service.listed && !this.#sees(namespace, service);
      if (service.listed) services.set(name, isHidden ? service.hidden : service.entry);
      if (service.outside && !isHidden) outside?.set(name, service.outside);
    }
    const hash = hashOfDirectory(
      { version: DOCUMENT_VERSION, services: hashesOf(services), outside: outside && hashesOf(outside) },
      this.#hash,
    );
    return { hash, services, outside };
  }
}
