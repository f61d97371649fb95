/**
 * Brings documents into place, one object at a time: level-based, so that a missed event is repaired by the next
 * look. What to write is decided elsewhere; here is decided when, and under which epoch and revision.
 *
 *   in place                           → what is done
 *   nothing, wanted                    → written at once
 *   other content or owner             → written, at most every MIN_INTERVAL_MS
 *   our content, changed by somebody   → written after REPAIR_MS: proxies refuse it and say so in the meantime
 *   something, not wanted              → deleted after REMOVE_MS
 */
import { canonicalJson, compareRevision, type Hash } from '../../core/proxyConfig/index.ts';
import {
  refKey,
  type DocumentSink,
  type DocumentStamp,
  type ExistingDocument,
  type ObjectRef,
  type OwnerReference,
} from '../sinks/types.ts';

/** What a document says, without what orders it. `hash` is that of the content. */
export interface DocumentContent {
  readonly hash: string;
}

export interface DesiredDocument extends ObjectRef {
  readonly file: string;
  readonly content: DocumentContent;
  readonly owner?: OwnerReference;
}

export interface Position {
  readonly epoch: number;
  readonly revision: string;
}

/** What a proxy reports to have in force. */
export interface InForce extends Position {
  readonly hash: string;
}

export type DocumentIncident =
  | { readonly kind: 'tooLarge'; readonly document: DesiredDocument; readonly bytes: number }
  | { readonly kind: 'changed'; readonly document: DesiredDocument; readonly repairMs: number };

export interface DocumentsOptions {
  readonly sink: DocumentSink;
  readonly hash: Hash;
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
  /** The newest that a proxy has in force of this document, where proxies have reported. */
  readonly inForce: (document: DesiredDocument) => InForce | undefined;
  readonly onIncident: (incident: DocumentIncident) => void;
  readonly onWritten: (document: DesiredDocument) => void;
}

export const MIN_INTERVAL_MS = 500;
/** Long enough for people and alerts to see a damaged document, and that it does no harm. */
export const REPAIR_MS = 45_000;
export const REMOVE_MS = 10_000;
/** A new leader whose watch lags behind what the old one wrote waits this long before it takes revisions as restarted. */
export const CATCH_UP_MS = 5_000;
/** A ConfigMap holds 1 MiB; its metadata and key need some of that. */
export const MAX_DOCUMENT_BYTES = 1_000_000;

/** When to look again; undefined: at the next change. */
export interface Again {
  readonly requeueAfterMs: number;
}

interface Memory {
  /** What our last write put in place, until the watch shows it. */
  written?: ExistingDocument;
  /** Survives a deletion by somebody else: the next write must still come after it. */
  last?: Position;
  writtenAt?: number;
  changedSince?: number;
  unwantedSince?: number;
  tooLarge?: string;
}

export class Documents {
  readonly #options: DocumentsOptions;
  readonly #memory = new Map<string, Memory>();
  readonly #startedAt: number;
  #desired: ReadonlyMap<string, DesiredDocument> = new Map();
  #revision = '0';

  constructor(options: DocumentsOptions) {
    this.#options = options;
    this.#startedAt = options.monotonic();
  }

  /** Takes what is wanted now, by refKey. Returns the keys to look at. */
  setDesired(desired: ReadonlyMap<string, DesiredDocument>, revision: string): string[] {
    const before = this.#desired;
    this.#desired = desired;
    // deletions may leave a snapshot with a lower number than one that came before it
    if (BigInt(revision) > BigInt(this.#revision)) this.#revision = revision;
    const keys = new Set<string>();
    for (const [key, document] of desired) {
      const previous = before.get(key);
      if (previous?.content.hash !== document.content.hash || previous.owner?.uid !== document.owner?.uid) {
        keys.add(key);
      }
    }
    for (const key of before.keys()) if (!desired.has(key)) keys.add(key);
    return [...keys];
  }

  /** The watch showed this document anew, or that it is gone. */
  observed(key: string): void {
    const memory = this.#memory.get(key);
    const seen = this.#options.sink.existing.get(key);
    if (memory?.written && (!seen || isNewer(seen, memory.written))) delete memory.written;
  }

  /** Every document that is wanted or in place: for the first look after becoming leader. */
  keys(): string[] {
    return [...new Set([...this.#desired.keys(), ...this.#options.sink.existing.keys()])];
  }

  /** The hash that is in place, intact; undefined where there is none. */
  hashInPlace(key: string): string | undefined {
    const existing = this.#inPlace(key);
    return existing && isIntact(existing) ? existing.stamp?.hash : undefined;
  }

  /** Something is in place that is not what was written there. */
  isDamaged(key: string): boolean {
    const existing = this.#inPlace(key);
    return existing !== undefined && !isIntact(existing);
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const desired = this.#desired.get(key);
    const existing = this.#inPlace(key);
    const memory = this.#memory.get(key) ?? {};
    this.#memory.set(key, memory);
    if (existing?.stamp) memory.last = laterOf(memory.last, existing.stamp) ?? existing.stamp;
    if (!desired) return this.#remove(key, existing, memory);
    delete memory.unwantedSince;

    const reported = this.#options.inForce(desired);
    const position = laterOf(memory.last, reported);
    const overtaken = isOvertaken(existing?.stamp, position, reported);
    if (existing && isIntact(existing) && !overtaken && saysTheSame(existing, desired)) {
      delete memory.changedSince;
      return undefined;
    }
    const wait = this.#waitFor(existing, { desired, memory, position });
    if (wait > 0) return { requeueAfterMs: wait };
    return this.#write(desired, {
      existing,
      memory,
      next: this.#next(desired, { existing, position, overtaken }),
    });
  }

  #inPlace(key: string): ExistingDocument | undefined {
    return this.#memory.get(key)?.written ?? this.#options.sink.existing.get(key);
  }

  #waitFor(
    existing: ExistingDocument | undefined,
    {
      desired,
      memory,
      position,
    }: { desired: DesiredDocument; memory: Memory; position: Position | undefined },
  ): number {
    const now = this.#options.monotonic();
    const sinceWrite = memory.writtenAt === undefined ? Infinity : now - memory.writtenAt;
    let wait = MIN_INTERVAL_MS - sinceWrite;
    if (existing && !isIntact(existing) && existing.stamp?.hash === desired.content.hash) {
      if (memory.changedSince === undefined) {
        memory.changedSince = now;
        this.#options.onIncident({ kind: 'changed', document: desired, repairMs: REPAIR_MS });
      }
      wait = Math.max(wait, memory.changedSince + REPAIR_MS - now);
    }
    if (position && BigInt(this.#revision) < BigInt(position.revision)) {
      wait = Math.max(wait, this.#startedAt + CATCH_UP_MS - now);
    }
    return wait;
  }

  async #write(
    desired: DesiredDocument,
    { existing, memory, next }: { existing: ExistingDocument | undefined; memory: Memory; next: Position },
  ): Promise<undefined> {
    const { hash, ...content } = desired.content;
    const text = canonicalJson({ ...content, ...next, hash });
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_DOCUMENT_BYTES) {
      if (memory.tooLarge !== hash) this.#options.onIncident({ kind: 'tooLarge', document: desired, bytes });
      memory.tooLarge = hash;
      return undefined;
    }
    const stamp: DocumentStamp = { ...next, hash, textHash: this.#options.hash(text) };
    const { namespace, name, file, owner } = desired;
    memory.writtenAt = this.#options.monotonic();
    memory.written = await this.#options.sink.apply({
      namespace,
      name,
      file,
      text,
      stamp,
      ...(owner ? { owner } : {}),
      ...(existing ? { expectedVersion: existing.resourceVersion } : {}),
    });
    memory.last = next;
    delete memory.changedSince;
    delete memory.tooLarge;
    // the watch may have been faster than the answer
    const seen = this.#options.sink.existing.get(refKey(desired));
    if (seen && isNewer(seen, memory.written)) delete memory.written;
    this.#options.onWritten(desired);
    return undefined;
  }

  /** Where the next write stands in the order: after all that any proxy may have seen of this document. */
  #next(
    desired: DesiredDocument,
    at: { existing: ExistingDocument | undefined; position: Position | undefined; overtaken: boolean },
  ): Position {
    const { existing, position, overtaken } = at;
    const revision = this.#revision;
    if (!position) return { epoch: 1, revision };
    if (BigInt(revision) > BigInt(position.revision)) return { epoch: position.epoch, revision };
    const { stamp } = existing ?? {};
    const repairs = !overtaken && stamp?.hash === desired.content.hash;
    return repairs
      ? { epoch: position.epoch, revision: position.revision }
      : { epoch: position.epoch + 1, revision };
  }

  async #remove(
    key: string,
    existing: ExistingDocument | undefined,
    memory: Memory,
  ): Promise<Again | undefined> {
    // the label alone makes no object ours: anyone can set it
    if (!existing?.stamp || !existing.name.startsWith('weft.')) {
      this.#memory.delete(key);
      return undefined;
    }
    const now = this.#options.monotonic();
    memory.unwantedSince ??= now;
    const wait = memory.unwantedSince + REMOVE_MS - now;
    if (wait > 0) return { requeueAfterMs: wait };
    await this.#options.sink.remove(existing);
    delete memory.written;
    return undefined;
  }
}

const isNewer = (seen: ExistingDocument, written: ExistingDocument): boolean =>
  seen.uid !== written.uid || BigInt(seen.resourceVersion) >= BigInt(written.resourceVersion);

const isIntact = ({ stamp, actualTextHash }: ExistingDocument): boolean => stamp?.textHash === actualTextHash;

/**
 * Proxies have seen something newer than what is in place, or something else under the same position, as when a leader
 * wrote that did not know what the former one had written last. They would never take what is in place.
 */
const isOvertaken = (
  stamp: DocumentStamp | undefined,
  position: Position | undefined,
  reported: InForce | undefined,
): boolean => {
  if (!stamp) return position !== undefined;
  if (position && compareRevision(position, stamp) > 0) return true;
  return reported !== undefined && compareRevision(reported, stamp) === 0 && reported.hash !== stamp.hash;
};

const saysTheSame = ({ stamp, ownerUid }: ExistingDocument, { content, owner }: DesiredDocument): boolean =>
  stamp?.hash === content.hash && ownerUid === owner?.uid;

const laterOf = (a: Position | undefined, b: Position | undefined): Position | undefined => {
  if (!a || !b) return a ?? b;
  return compareRevision(a, b) >= 0 ? a : b;
};
