/** What each proxy last said of itself, by pod uid. Bounded by the pods that exist: a pod that goes takes its entry along. */
import type { Report } from '../../core/control/index.ts';

export interface ReportEntry {
  readonly report: Report;
  /** The session that brought the report is still open. */
  readonly connected: boolean;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

interface Stored {
  report: Report;
  receivedAt: number;
  session: object | undefined;
}

export type ReportListener = (report: Report) => void;

export class ReportRegistry {
  readonly #byPod = new Map<string, Stored>();
  readonly #podsOf = new WeakMap<object, Set<string>>();
  readonly #listeners = new Set<ReportListener>();
  readonly #now: () => number;

  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  /** Takes a report whose right to speak for the pod was checked. `session` is any object that lives as long as the connection. */
  accept(report: Report, session: object): void {
    this.#byPod.set(report.pod.uid, { report, receivedAt: this.#now(), session });
    const pods = this.#podsOf.get(session) ?? new Set();
    this.#podsOf.set(session, pods.add(report.pod.uid));
    this.#notify(report);
  }

  /** The connection ended: its reports stay, as the last known. */
  disconnected(session: object): void {
    for (const uid of this.#podsOf.get(session) ?? []) {
      const stored = this.#byPod.get(uid);
      if (stored?.session !== session) continue;
      stored.session = undefined;
      this.#notify(stored.report);
    }
  }

  get(podUid: string): ReportEntry | undefined {
    const stored = this.#byPod.get(podUid);
    return (
      stored && {
        report: stored.report,
        connected: stored.session !== undefined,
        receivedAt: stored.receivedAt,
      }
    );
  }

  /** Forgets pods that do not exist any more. */
  retain(podUids: ReadonlySet<string>): void {
    for (const uid of this.#byPod.keys()) if (!podUids.has(uid)) this.#byPod.delete(uid);
  }

  /** Numbers for metrics. */
  counts(): { known: number; connected: number } {
    let connected = 0;
    for (const { session } of this.#byPod.values()) if (session) connected += 1;
    return { known: this.#byPod.size, connected };
  }

  /** Calls back on each report and each disconnect. */
  onChange(listener: ReportListener): void {
    this.#listeners.add(listener);
  }

  #notify(report: Report): void {
    for (const listener of this.#listeners) listener(report);
  }
}
