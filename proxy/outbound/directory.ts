/**
 * The directory in a form that is small however large the mesh: each service is one text, which is read when it is
 * called. Each change makes another directory, which shares all else with the one before.
 */
import { canonicalJson } from '../../core/proxyConfig/canonical.ts';
import { serviceKey } from '../../core/proxyConfig/parts.ts';
import type { Directory, DirectoryService, OutsideService } from '../../core/proxyConfig/schema.ts';
import { normalizeAddress } from '../wire/address.ts';
import { changesOf, Owners, withChanges } from './ordered.ts';

/** One service as canonical JSON. */
export interface Entry {
  /** `namespace/name`. */
  readonly key: string;
  readonly hash: string;
  readonly text: string;
}

export const entryOf = (value: DirectoryService | OutsideService, hash: (text: string) => string): Entry => {
  const text = canonicalJson(value);
  return { key: serviceKey(value), hash: hash(text), text };
};

const read = <T extends DirectoryService | OutsideService>({ text }: Entry): T => JSON.parse(text) as T;

const addressesOf = (entry: Entry): string[] =>
  read(entry).addresses.map((address) => normalizeAddress(address));

/** Services by name and by address. Headless services of the same pods have addresses in common. */
export class Entries {
  readonly byKey: ReadonlyMap<string, Entry>;
  private readonly byAddress: Owners<Entry>;

  private constructor(byKey: ReadonlyMap<string, Entry>, byAddress: Owners<Entry>) {
    this.byKey = byKey;
    this.byAddress = byAddress;
  }

  static readonly none = new Entries(new Map(), new Owners((a, b) => (a.key < b.key ? -1 : 1)));

  with(changed: readonly Entry[], removed: readonly string[] = []): Entries {
    if (changed.length === 0 && removed.length === 0) return this;
    const byAddress = this.byAddress.copy();
    for (const key of [...removed, ...changed.map((entry) => entry.key)]) {
      const before = this.byKey.get(key);
      if (before) for (const address of addressesOf(before)) byAddress.remove(address, before);
    }
    for (const entry of changed) for (const address of addressesOf(entry)) byAddress.add(address, entry);
    const pairs = changed.map((entry) => [entry.key, entry] as const);
    return new Entries(withChanges(this.byKey, pairs, removed), byAddress);
  }

  /** In the order of their names. */
  at(address: string): readonly Entry[] {
    return this.byAddress.all(address);
  }
}

/** A directory by what makes it another one; plain data, which threads tell each other. */
export interface DirectoryChange {
  position: { epoch: number; revision: string; hash: string };
  services: readonly Entry[];
  removed: readonly string[];
  /** Undefined where there is no list of what is outside. */
  outside: { services: readonly Entry[]; removed: readonly string[] } | undefined;
}

export class CompactDirectory {
  readonly epoch: number;
  readonly revision: string;
  readonly hash: string;
  readonly services: Entries;
  readonly outside: Entries | undefined;

  private constructor({ position, base }: { position: DirectoryChange['position']; base: Bases }) {
    this.epoch = position.epoch;
    this.revision = position.revision;
    this.hash = position.hash;
    this.services = base.services;
    this.outside = base.outside;
  }

  /** What `change` makes of `base`. */
  static of({ position, services, removed, outside }: DirectoryChange, base?: Bases): CompactDirectory {
    return new CompactDirectory({
      position,
      base: {
        services: (base?.services ?? Entries.none).with(services, removed),
        outside: outside && (base?.outside ?? Entries.none).with(outside.services, outside.removed),
      },
    });
  }

  /** What makes `after` of `before`. */
  static change(before: CompactDirectory | undefined, after: CompactDirectory): DirectoryChange {
    const { epoch, revision, hash, services, outside } = after;
    const listed = changesOf(before?.services.byKey, services.byKey);
    const others = outside && changesOf(before?.outside?.byKey, outside.byKey);
    return {
      position: { epoch, revision, hash },
      services: listed.changed,
      removed: listed.removed,
      outside: others && { services: others.changed, removed: others.removed },
    };
  }

  /** The service that has this address and port: one that is not hidden if there is one, the first by its name. */
  find(address: string, port: number): DirectoryService | undefined {
    const found = this.services
      .at(address)
      .map((entry) => read<DirectoryService>(entry))
      .filter(({ ports }) => ports.some((known) => known.port === port));
    return found.find(({ hidden }) => hidden !== true) ?? found[0];
  }

  /** By `namespace/name`. */
  get(key: string): DirectoryService | undefined {
    const entry = this.services.byKey.get(key);
    return entry && read<DirectoryService>(entry);
  }

  /** Whether a service that is not of the mesh has this address and port. */
  isOutside(address: string, port: number): boolean {
    const entries = this.outside?.at(address) ?? [];
    return entries.some((entry) => read<OutsideService>(entry).ports.includes(port));
  }

  /** As the file has it. */
  toJSON(): Pick<Directory, 'epoch' | 'revision' | 'hash' | 'services' | 'outside'> {
    const { epoch, revision, hash, services, outside } = this;
    const all = <T extends DirectoryService | OutsideService>({ byKey }: Entries) =>
      [...byKey.values()].map((entry) => read<T>(entry));
    return { epoch, revision, hash, services: all(services), ...(outside && { outside: all(outside) }) };
  }
}

type Bases = Pick<CompactDirectory, 'services' | 'outside'>;

/** Of a directory that was read from a file. */
export function compact(directory: Directory, hash: (text: string) => string): CompactDirectory {
  const { epoch, revision, services, outside } = directory;
  const entries = (values: readonly (DirectoryService | OutsideService)[]) =>
    values.map((value) => entryOf(value, hash));
  return CompactDirectory.of({
    position: { epoch, revision, hash: directory.hash },
    services: entries(services),
    removed: [],
    outside: outside && { services: entries(outside), removed: [] },
  });
}
