/**
 * The directory in a form that is small however large the mesh: each service is one text, which is read when it is
 * called. Each change makes another directory, which shares all else with the one before.
 */
import { canonicalJson } from '../../core/proxyConfig/canonical.ts';
import { serviceKey } from '../../core/proxyConfig/parts.ts';
import type { Directory, DirectoryService, OutsideService } from '../../core/proxyConfig/schema.ts';
import { normalizeAddress } from '../wire/address.ts';
import { changesOf, Owners, withChanges } from './ordered.ts';

/** One service as canonical JSON; plain data, which threads tell each other. */
export interface EntryText {
  /** `namespace/name`. */
  readonly key: string;
  readonly hash: string;
  readonly text: string;
}

export const entryOf = (
  value: DirectoryService | OutsideService,
  hash: (text: string) => string,
): EntryText => {
  const text = canonicalJson(value);
  return { key: serviceKey(value), hash: hash(text), text };
};

/** One service, as a piece of a text that it shares with those that came with it: thousands of texts would scatter. */
class Entry implements EntryText {
  readonly key: string;
  private readonly block: string;
  private readonly hashAt: number;
  private readonly textAt: number;
  private readonly end: number;

  constructor({ key, hash, text }: EntryText, block: string, at: number) {
    this.key = key;
    this.block = block;
    this.hashAt = at;
    this.textAt = at + hash.length;
    this.end = this.textAt + text.length;
  }

  get hash(): string {
    return this.block.slice(this.hashAt, this.textAt);
  }

  get text(): string {
    return this.block.slice(this.textAt, this.end);
  }

  toJSON(): EntryText {
    const { key, hash, text } = this;
    return { key, hash, text };
  }
}

function pack(entries: readonly EntryText[]): Entry[] {
  const block = entries.map(({ hash, text }) => hash + text).join('');
  let at = 0;
  return entries.map((entry) => {
    const packed = new Entry(entry, block, at);
    at += entry.hash.length + entry.text.length;
    return packed;
  });
}

const read = <T extends DirectoryService | OutsideService>({ text }: Entry): T => JSON.parse(text) as T;

const addressesOf = (entry: Entry): string[] =>
  read(entry).addresses.map((address) => normalizeAddress(address));

/** Services by name and by address. Headless services of the same pods have addresses in common. */
export class Entries {
  readonly byKey: ReadonlyMap<string, Entry>;
  private readonly byAddress: Owners<Entry>;
  /** Entries that their texts still hold and that are no more. */
  private readonly stale: number;

  private constructor(byKey: ReadonlyMap<string, Entry>, byAddress: Owners<Entry>, stale: number) {
    this.byKey = byKey;
    this.byAddress = byAddress;
    this.stale = stale;
  }

  static readonly none = new Entries(new Map(), new Owners((a, b) => (a.key < b.key ? -1 : 1)), 0);

  with(changed: readonly EntryText[], removed: readonly string[] = []): Entries {
    if (changed.length === 0 && removed.length === 0) return this;
    const gone = [...removed, ...changed.map(({ key }) => key)].flatMap((key) => this.byKey.get(key) ?? []);
    const stale = this.stale + gone.length;
    if (stale > this.byKey.size) return this.packedAnew().with(changed, removed);
    const byAddress = this.byAddress.copy();
    for (const entry of gone) for (const address of addressesOf(entry)) byAddress.remove(address, entry);
    const entries = pack(changed);
    for (const entry of entries) for (const address of addressesOf(entry)) byAddress.add(address, entry);
    const pairs = entries.map((entry) => [entry.key, entry] as const);
    return new Entries(withChanges(this.byKey, pairs, removed), byAddress, stale);
  }

  /** The same ones, of one text. */
  private packedAnew(): Entries {
    return Entries.none.with([...this.byKey.values()]);
  }

  /** In the order of their names. */
  at(address: string): readonly Entry[] {
    return this.byAddress.all(address);
  }
}

/** A directory by what makes it another one; plain data, which threads tell each other. */
export interface DirectoryChange {
  position: { epoch: number; revision: string; hash: string };
  services: readonly EntryText[];
  removed: readonly string[];
  /** Undefined where there is no list of what is outside. */
  outside: { services: readonly EntryText[]; removed: readonly string[] } | undefined;
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
  static change(before: Bases | undefined, after: CompactDirectory): DirectoryChange {
    const { epoch, revision, hash, services, outside } = after;
    const differ = (then: Entries | undefined, now: Entries) => {
      const { changed, removed } = changesOf(then?.byKey, now.byKey);
      return { services: changed.map((entry) => entry.toJSON()), removed };
    };
    return {
      position: { epoch, revision, hash },
      ...differ(before?.services, services),
      outside: outside && differ(before?.outside, outside),
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

  /** Those that an address may lead to, or one by its name: equal texts say the same. */
  textsOf(at: string | { service: string }): string[] {
    const entries = typeof at === 'string' ? this.services.at(at) : [this.services.byKey.get(at.service)];
    return entries.flatMap((entry) => entry?.text ?? []);
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

/** Of a directory that was read whole. Shares with `before` what is the same. */
export function compact(
  { epoch, revision, hash: whole, services, outside }: Directory,
  hash: (text: string) => string,
  before?: CompactDirectory,
): CompactDirectory {
  const changes = (values: readonly (DirectoryService | OutsideService)[], then: Entries | undefined) => {
    const entries = values.map((value) => entryOf(value, hash));
    const keys = new Set(entries.map(({ key }) => key));
    return {
      services: entries.filter(({ key, text }) => then?.byKey.get(key)?.text !== text),
      removed: [...(then?.byKey.keys() ?? [])].filter((key) => !keys.has(key)),
    };
  };
  const position = { epoch, revision, hash: whole };
  return CompactDirectory.of(
    {
      position,
      ...changes(services, before?.services),
      outside: outside && changes(outside, before?.outside),
    },
    before,
  );
}
