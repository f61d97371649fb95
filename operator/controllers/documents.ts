/**
 * Brings documents into place, one object at a time: level-based, so that a missed event is repaired by the next
 * look. What to write is decided elsewhere; here is decided when, and order.ts says under which epoch and revision.
 *
 *   in place                           → what is done
 *   nothing, wanted                    → written at once
 *   other content or owner             → written, at most every MIN_INTERVAL_MS
 *   only other endpoints               → written, at most every LAZY_INTERVAL_MS and LAZY_RATE in all: proxies have
 *                                        them by the stream, and the file is for their next start; where one has no
 *                                        stream: SOON_RATE in all
 *   our content, changed by somebody   → written after REPAIR_MS: proxies refuse it and say so in the meantime
 *   something, not wanted              → deleted after REMOVE_MS
 */
import type { Hash } from '../../core/proxyConfig/index.ts';
import type { Clock } from '../../kube/index.ts';
import type { Position } from '../control/types.ts';
import type { DocumentSink, DocumentStamp, ExistingDocument } from '../sinks/types.ts';
import { refKey } from '../sinks/types.ts';
import { CatchUp } from './catchUp.ts';
import { believed, heed, isRaised } from './claims.ts';
import { LazyTurns } from './lazyTurns.ts';
import {
  laterOf,
  nextPosition,
  overtakenBy,
  type InForce,
  type Overtaken,
  type Placed,
  type Places,
} from './order.ts';
import { packed, textHash } from '../sinks/packed.ts';
import type { DesiredDocument } from './wantedFiles.ts';

export type DocumentIncident =
  | { readonly kind: 'tooLarge'; readonly document: DesiredDocument; readonly bytes: number }
  | { readonly kind: 'changed'; readonly document: DesiredDocument; readonly repairMs: number };

export interface DocumentsOptions {
  readonly sink: DocumentSink;
  readonly hash: Hash;
  readonly clock: Clock;
  /** By refKey: what is wanted now. */
  readonly desired: (key: string) => DesiredDocument | undefined;
  /** Of what is compiled now. */
  readonly revision: () => string;
  /** What proxies report to have in force of this document. */
  readonly inForce: (document: DesiredDocument) => readonly InForce[];
  /** Milliseconds until one of the proxies of this document has only the file; Infinity: all have a stream. */
  readonly filesDueMs: (document: DesiredDocument) => number;
  /** It is about to be written at this place. */
  readonly onPlaced: (document: DesiredDocument, position: Position) => void;
  readonly onIncident: (incident: DocumentIncident) => void;
  readonly onWritten: (document: DesiredDocument) => void;
  /** `oversized` is another one. */
  readonly onOversized: () => void;
}

export const MIN_INTERVAL_MS = 500;
/** Long enough for people and alerts to see a damaged document, and that it does no harm. */
export const REPAIR_MS = 45_000;
export const REMOVE_MS = 10_000;
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
  last?: Placed;
  writtenAt?: number;
  changedSince?: number;
  unwantedSince?: number;
  /** An epoch was given because of what proxies claim. */
  raisedAt?: number;
  readonly catchUp: CatchUp;
}

/** One look at one document. */
interface Look {
  readonly desired: DesiredDocument;
  readonly existing: ExistingDocument | undefined;
  readonly memory: Memory;
  readonly places: Places;
  readonly overtaken: Overtaken;
  readonly catchUpMs: number;
  /** Until all that proxies claim counts. */
  readonly heldMs: number;
}

export class Documents {
  readonly #options: DocumentsOptions;
  readonly #memory = new Map<string, Memory>();
  readonly #lazy: LazyTurns;
  readonly #oversized = new Set<string>();

  constructor(options: DocumentsOptions) {
    this.#options = options;
    this.#lazy = new LazyTurns(options.clock);
  }

  /** refKeys of documents that no ConfigMap can hold: proxies get them by the stream alone. */
  get oversized(): ReadonlySet<string> {
    return this.#oversized;
  }

  /** The watch showed this document anew, or that it is gone. */
  observed(key: string): void {
    const memory = this.#memory.get(key);
    const seen = this.#options.sink.existing.get(key);
    if (memory?.written && (!seen || isNewer(seen, memory.written))) delete memory.written;
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
    const desired = this.#options.desired(key);
    const memory = this.#memory.get(key) ?? { catchUp: new CatchUp() };
    this.#memory.set(key, memory);
    const inPlace = this.#inPlace(key);
    const existing = believed(inPlace, memory.last);
    const last = laterOf(memory.last, existing?.stamp);
    if (last) memory.last = last;
    if (!desired) return this.#remove(key, inPlace, memory);
    delete memory.unwantedSince;

    const look = this.#look(desired, existing, memory);
    if (existing && isIntact(existing) && !look.overtaken && saysTheSame(existing, desired)) {
      delete memory.changedSince;
      memory.catchUp.written();
      this.#fits(key);
      const requeueAfterMs = Math.max(look.catchUpMs, look.heldMs);
      return requeueAfterMs > 0 ? { requeueAfterMs } : undefined;
    }
    const wait = this.#waitFor(look);
    return wait > 0 ? { requeueAfterMs: wait } : this.#write(look);
  }

  #look(desired: DesiredDocument, existing: ExistingDocument | undefined, memory: Memory): Look {
    const { revision, inForce, clock } = this.#options;
    const { last, raisedAt, catchUp } = memory;
    const now = clock.monotonic();
    const { places, heldMs } = heed(
      { hash: desired.hash, revision: revision(), stamp: existing?.stamp, last, inForce: inForce(desired) },
      { raisedAt, now },
    );
    const catchUpMs = catchUp.lookMs(places, now);
    const overtaken = overtakenBy(places, catchUpMs <= 0);
    return { desired, existing, memory, places, overtaken, catchUpMs, heldMs };
  }

  #inPlace(key: string): ExistingDocument | undefined {
    return this.#memory.get(key)?.written ?? this.#options.sink.existing.get(key);
  }

  #waitFor(look: Look): number {
    const { desired, existing, memory, catchUpMs } = look;
    const now = this.#options.clock.monotonic();
    const lagMs = memory.catchUp.writeMs(catchUpMs, now);
    let wait = Math.max(lagMs, (memory.writtenAt ?? -Infinity) + MIN_INTERVAL_MS - now);
    if (existing && !isIntact(existing) && existing.stamp?.hash === desired.hash) {
      if (memory.changedSince === undefined) {
        memory.changedSince = now;
        this.#options.onIncident({ kind: 'changed', document: desired, repairMs: REPAIR_MS });
      }
      wait = Math.max(wait, memory.changedSince + REPAIR_MS - now);
    }
    return Math.max(wait, this.#lazyFor(look));
  }

  /** Milliseconds that this write may wait because it is not urgent. */
  #lazyFor({ desired, existing, memory, overtaken }: Look): number {
    const isOversized = this.#oversized.has(refKey(desired));
    const onlyEndpoints =
      existing !== undefined &&
      isIntact(existing) &&
      overtaken !== 'Order' &&
      existing.ownerUid === desired.owner?.uid &&
      existing.stamp?.shape === desired.shape();
    if (!onlyEndpoints && !isOversized) return 0;
    const dueMs = isOversized ? Infinity : this.#options.filesDueMs(desired);
    return this.#lazy.waitMs(refKey(desired), { writtenAt: memory.writtenAt, dueMs });
  }

  async #write({ desired, existing, memory, places, overtaken }: Look): Promise<undefined> {
    const { clock, sink, hash, onPlaced, onIncident, onWritten } = this.#options;
    const key = refKey(desired);
    const position = nextPosition(places, overtaken);
    if (isRaised(position, places)) memory.raisedAt = clock.monotonic();
    const { file, data, bytes } = await packed(desired.file, desired.text(position));
    // also where no file can hold it: it comes by streams
    onPlaced(desired, position);
    if (bytes > MAX_DOCUMENT_BYTES) {
      memory.last = { ...position, hash: desired.hash };
      this.#ended(key, memory);
      if (!this.#oversized.has(key)) onIncident({ kind: 'tooLarge', document: desired, bytes });
      this.#oversized.add(key);
      this.#options.onOversized();
      return undefined;
    }
    const { namespace, name, owner, used = [] } = desired;
    const stamp: DocumentStamp = {
      ...position,
      hash: desired.hash,
      textHash: textHash(data, hash),
      shape: desired.shape(),
      ...(used.length > 0 ? { used } : {}),
    };
    memory.written = await sink.apply({
      namespace,
      name,
      file,
      data,
      stamp,
      ...(owner ? { owner } : {}),
      ...(existing ? { expectedVersion: existing.resourceVersion } : {}),
    });
    memory.last = { ...position, hash: desired.hash };
    delete memory.changedSince;
    this.#ended(key, memory);
    this.#fits(key);
    // the watch may have been faster than the answer
    if (sink.existing.get(key)) this.observed(key);
    onWritten(desired);
    return undefined;
  }

  #ended(key: string, memory: Memory): void {
    memory.writtenAt = this.#options.clock.monotonic();
    memory.catchUp.written();
    this.#lazy.end(key);
  }

  #fits(key: string): void {
    if (this.#oversized.delete(key)) this.#options.onOversized();
  }

  async #remove(
    key: string,
    existing: ExistingDocument | undefined,
    memory: Memory,
  ): Promise<Again | undefined> {
    this.#fits(key);
    this.#lazy.end(key);
    // the label alone makes no object ours: anyone can set it
    if (!existing?.stamp || !existing.name.startsWith('weft.')) {
      this.#memory.delete(key);
      return undefined;
    }
    const now = this.#options.clock.monotonic();
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

const saysTheSame = ({ stamp, ownerUid }: ExistingDocument, { hash, owner }: DesiredDocument): boolean =>
  stamp?.hash === hash && ownerUid === owner?.uid;
