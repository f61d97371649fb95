/**
 * What each proxy last said of itself, by pod uid, and by which streams it is heard now: a proxy may have two for a
 * moment, of two replicas too. What is known of a proxy without a stream stays until its pod is gone.
 */
import type { Report } from '../../core/control/index.ts';

export interface ReportEntry {
  readonly report: Report;
  /** A stream of the proxy is open. */
  readonly connected: boolean;
  /** It answers pings; false where it is not connected. */
  readonly responsive: boolean;
  /** When the proxy was last known to be there: a message, or the end of its stream. Ms since the epoch. */
  readonly receivedAt: number;
}

export type InForce = NonNullable<Report['inForce']>;
export type Refused = NonNullable<Report['refused']>;

interface Heard {
  report: Report;
  receivedAt: number;
  responsive: boolean;
  /** Undefined: the stream is gone. */
  session: object | undefined;
}

/** `before`: what was known until now. Resources of a report that did not change are the same value as before. */
export type ReportListener = (report: Report, before: ReportEntry | undefined) => void;

const entryOf = ({ report, receivedAt, responsive, session }: Heard): ReportEntry => {
  const connected = session !== undefined;
  return { report, connected, responsive: connected && responsive, receivedAt };
};

const isSame = (a: Omit<InForce, 'resources'>, b: Omit<InForce, 'resources'>): boolean =>
  a.hash === b.hash && a.since === b.since && a.epoch === b.epoch && a.revision === b.revision;

export class ReportRegistry {
  /** Of each pod the newest last; never empty, and only the last can be without stream. */
  readonly #byPod = new Map<string, Heard[]>();
  readonly #podsOf = new Map<object, Set<string>>();
  readonly #listeners = new Set<ReportListener>();
  readonly #now: () => number;
  #connected = 0;

  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  /** Takes a report whose right to speak for the pod was checked. `session` is any object that stands for the stream. */
  accept(report: Report, session: object, responsive = true): void {
    const { uid } = report.pod;
    const pods = this.#podsOf.get(session) ?? new Set();
    this.#podsOf.set(session, pods.add(uid));
    const before = this.get(uid);
    const others = (this.#byPod.get(uid) ?? []).filter((heard) => heard.session && heard.session !== session);
    this.#set(uid, [...others, { report, session, responsive, receivedAt: this.#now() }], before);
  }

  /** An update is in force, or was refused. Nothing happens where this stream has not reported for the pod. */
  answered(uid: string, session: object, answer: Pick<Report, 'inForce' | 'refused'>): void {
    const heard = this.#heard(uid, session);
    if (!heard) return;
    const { refused: _refused, ...report } = heard.report;
    this.accept({ ...report, ...answer }, session, heard.responsive);
  }

  /** Another document is in force, of the same mesh resources. */
  moved(uid: string, session: object, position: Omit<InForce, 'resources'>): void {
    const { inForce, refused } = this.#heard(uid, session)?.report ?? {};
    if (!inForce || isSame(inForce, position)) return;
    const { resources } = inForce;
    this.answered(uid, session, { inForce: { ...position, resources }, ...(refused ? { refused } : {}) });
  }

  /** Whether the proxy answers on this stream. */
  responsive(uid: string, session: object, responsive: boolean): void {
    const heard = this.#heard(uid, session);
    if (!heard || heard.responsive === responsive) return;
    const before = this.get(uid);
    const receivedAt = responsive ? this.#now() : heard.receivedAt;
    this.#set(
      uid,
      this.#byPod.get(uid)!.map((each) => (each === heard ? { ...heard, responsive, receivedAt } : each)),
      before,
    );
  }

  /** The stream, or one pod's part in it, has ended: what it said stays as the last known. */
  gone(uid: string, session: object): void {
    const heard = this.#heard(uid, session);
    if (!heard) return;
    this.#podsOf.get(session)?.delete(uid);
    const before = this.get(uid);
    const others = this.#byPod.get(uid)!.filter((each) => each !== heard);
    const receivedAt = heard.responsive ? this.#now() : heard.receivedAt;
    this.#set(uid, others.length > 0 ? others : [{ ...heard, session: undefined, receivedAt }], before);
  }

  disconnected(session: object): void {
    for (const uid of this.#podsOf.get(session) ?? []) this.gone(uid, session);
    this.#podsOf.delete(session);
  }

  get(podUid: string): ReportEntry | undefined {
    const newest = this.#byPod.get(podUid)?.at(-1);
    return newest && entryOf(newest);
  }

  /** All that is known, by pod uid. */
  *entries(): Generator<[string, ReportEntry], void> {
    for (const [uid, heard] of this.#byPod) yield [uid, entryOf(heard.at(-1)!)];
  }

  /** Forgets pods that do not exist any more. One with a stream stays: this replica may only not know it yet. */
  retain(podUids: ReadonlySet<string>): void {
    for (const [uid, heard] of this.#byPod) {
      if (!podUids.has(uid) && heard.at(-1)!.session === undefined) this.#byPod.delete(uid);
    }
  }

  /** Numbers for metrics. */
  counts(): { known: number; connected: number; unresponsive: number } {
    let unresponsive = 0;
    for (const heard of this.#byPod.values()) {
      const { session, responsive } = heard.at(-1)!;
      if (session && !responsive) unresponsive += 1;
    }
    return { known: this.#byPod.size, connected: this.#connected, unresponsive };
  }

  /** Calls back on each change of what `get` says; returns the way to stop. */
  onChange(listener: ReportListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #heard(uid: string, session: object): Heard | undefined {
    return this.#byPod.get(uid)?.find((heard) => heard.session === session);
  }

  #set(uid: string, heard: Heard[], before: ReportEntry | undefined): void {
    this.#byPod.set(uid, heard);
    const { report, session } = heard.at(-1)!;
    this.#connected += Number(session !== undefined) - Number(before?.connected ?? false);
    for (const listener of this.#listeners) listener(report, before);
  }
}
