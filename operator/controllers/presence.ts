/**
 * How long each proxy has been without a stream. A moment without one is nothing: proxies reconnect, to any replica.
 * After a while files have to do, and APPLIED goes by what a proxy said last no more.
 */
import type { ReportRegistry } from '../control/reports.ts';
import { counts } from '../status/proxies.ts';
import type { PodChange } from './view.ts';

/** A proxy without a stream for so long is told by files, and its pod to look at them. */
export const FILES_GRACE_MS = 5_000;
/** What a proxy without a stream had in force holds for so long in APPLIED. */
export const STATUS_GRACE_MS = 15_000;
/** After an operator's start all proxies come back at once; a new leader hears of them only then. */
export const START_GRACE_MS = 15_000;

export interface PresenceOptions {
  readonly reports: Pick<ReportRegistry, 'get'>;
  readonly monotonic: () => number;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #startedAt: number;
  /** By uid of pods with a started proxy that have no stream: since when. */
  readonly #lost = new Map<string, number>();

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#startedAt = options.monotonic();
  }

  observe({ before, after }: PodChange): void {
    if (before && before.uid !== after?.uid) this.#lost.delete(before.uid);
    if (!after) return;
    if (counts(after)) this.reported(after.uid);
    else this.#lost.delete(after.uid);
  }

  /** The proxy was heard, or its stream has ended. */
  reported(uid: string): void {
    if (this.#options.reports.get(uid)?.connected) this.#lost.delete(uid);
    else if (!this.#lost.has(uid)) this.#lost.set(uid, this.#options.monotonic());
  }

  /** Milliseconds without a stream; 0: it has one. */
  lostMs(uid: string): number {
    const since = this.#lost.get(uid);
    return since === undefined ? 0 : Math.max(1, this.#options.monotonic() - since);
  }

  /**
   * Milliseconds until files have to do for this proxy; 0: they have to, Infinity: it has a stream, or is none that
   * could have one yet.
   */
  filesDueMs(uid: string): number {
    const since = this.#lost.get(uid);
    if (since === undefined) return Infinity;
    const due = Math.max(since + FILES_GRACE_MS, this.#startedAt + START_GRACE_MS);
    return Math.max(0, due - this.#options.monotonic());
  }
}
