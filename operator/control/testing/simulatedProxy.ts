/** A proxy that does what docs/stream.md says, with hashes in place of contents: for tests of what it is sent. */
import type {
  DirectoryMessage,
  OperatorMessage,
  ProxyMessage,
  StateMessage,
  UpdateMessage,
} from '../../../core/control/index.ts';
import { PART_NAMES } from '../../../core/proxyConfig/index.ts';
import type { CompiledDocument } from '../../../core/compile/index.ts';
import { documentHash } from '../../hash.ts';
import { podModel, reportOf } from '../../testing/model.ts';
import type { Position } from '../types.ts';
import { hashOf } from './source.ts';

type Hashes = Map<string, string>;

interface Held {
  readonly parts: Hashes;
  readonly services: Hashes;
}

const sorted = (hashes: Hashes): Hashes => new Map([...hashes].sort(([a], [b]) => (a < b ? -1 : 1)));
const hashesOf = (values: Iterable<unknown>): [string, string][] =>
  Array.from(values, (value) => [(value as { name: string }).name, documentHash(JSON.stringify(value))]);

function changed(
  before: Hashes | undefined,
  services: Iterable<unknown>,
  removed: readonly string[],
): Hashes {
  const after = new Map([...(before ?? []), ...hashesOf(services)]);
  for (const name of removed) after.delete(name);
  return sorted(after);
}

const nothing = (): Held => ({ parts: new Map(), services: new Map() });

export class SimulatedProxy {
  readonly pod = podModel('cart-1');
  held: Held = nothing();
  inForce: (Position & { hash: string }) | undefined;
  directory: { hash: string; services: Hashes; outside: Hashes | undefined } | undefined;
  /** The application calls services of other namespaces. */
  used: string[] = [];
  #lost = false;

  state(lost = { document: false, directory: false }): StateMessage {
    const { parts, services } = lost.document ? nothing() : this.held;
    const directory = lost.directory ? undefined : this.directory?.hash;
    const inForce = this.inForce && { ...this.inForce, since: 'now', resources: {} };
    return {
      type: 'state',
      report: reportOf(this.pod, inForce ? { inForce } : {}),
      has: {
        parts: Object.fromEntries(parts),
        services: Object.fromEntries(services),
        ...(directory === undefined ? {} : { directory }),
      },
      used: this.used,
    };
  }

  /** A file brought this document. */
  file({ parts, services, hash }: CompiledDocument, position: Position): void {
    this.held = {
      parts: new Map(PART_NAMES.map((name) => [name, parts[name].hash])),
      services: new Map(Array.from(services, ([name, part]) => [name, part.hash])),
    };
    this.inForce = { ...position, hash };
  }

  /** Takes a message; gives what it says to it. `refuse`: the code of an update's refusal. */
  take(message: OperatorMessage, refuse?: string): ProxyMessage[] {
    if (message.type === 'update') return this.#update(message, refuse);
    if (message.type === 'directory' && !this.#directory(message)) {
      return [this.state({ document: false, directory: true })];
    }
    return [];
  }

  #update(message: UpdateMessage, refuse: string | undefined): ProxyMessage[] {
    const { epoch, revision, hash } = message;
    const answer = { epoch, revision, hash, since: 'now' };
    const refusal = (code: string): ProxyMessage => ({ type: 'refusal', ...answer, code, message: '' });
    if (refuse !== undefined) return [refusal(refuse)];
    const before = message.whole ? nothing() : this.held;
    const given = Object.entries(message.parts).map(([name, value]): [string, string] => [
      name,
      documentHash(JSON.stringify(value)),
    ]);
    const parts = new Map([...before.parts, ...given]);
    const services = changed(before.services, message.services, message.removed);
    const ordered = PART_NAMES.map((name) => [name, { hash: parts.get(name) ?? '' }] as const);
    const named = Array.from(services, ([name, service]) => [name, { hash: service }] as const);
    if (hashOf(ordered, named) !== hash) {
      const again = this.#lost ? [] : [this.state({ document: true, directory: false })];
      this.#lost = true;
      return [refusal('DOCUMENT_HASH_MISMATCH'), ...again];
    }
    this.held = { parts, services };
    this.inForce = { epoch, revision, hash };
    this.#lost = false;
    return [{ type: 'ack', ...answer }];
  }

  #directory({ base, hash, services, removed, outside }: DirectoryMessage): boolean {
    const before = base === undefined ? undefined : this.directory;
    if (base !== undefined && before?.hash !== base) return false;
    const after = {
      hash,
      services: changed(before?.services, services, removed),
      outside: outside && changed(before?.outside, outside.services, outside.removed),
    };
    const named = (hashes: Hashes | undefined) =>
      hashes && Array.from(hashes, ([name, entry]) => [name, { hash: entry }] as const);
    if (hashOf(named(after.services), named(after.outside)) !== hash) return false;
    this.directory = after;
    return true;
  }
}
