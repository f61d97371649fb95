/**
 * Makes kubelet look at the mounted files of pods whose files have changed: left alone it does so about once a minute.
 * The value of the annotation says which files the pod was last told of, so that a restart of the operator tells
 * nobody anything twice.
 *
 *   a file that the pod mounts            → is it told
 *   is an identity with new content       → yes
 *   is a document with new content        → where the proxy has no stream, which brings it faster and for less
 *   was damaged by somebody               → yes, so that its proxy says so, and again when it is repaired: after
 *                                           RETRY_MS, 2 × RETRY_MS, … while the proxy has not seen it, for kubelet may
 *                                           look before its own watch has the change
 *   was deleted                           → when it is back: kubelet keeps what it mounted
 */
import { annotation, identitySecretName } from '../../core/model/names.ts';
import type { PodModel, Snapshot } from '../../core/model/index.ts';
import { TokenBucket, type Clock } from '../../kube/index.ts';
import type { ReportRegistry } from '../control/reports.ts';
import type { RefreshSink } from '../sinks/types.ts';
import type { Again } from './documents.ts';

/** Hashes of what a pod mounts; '' where it is not in place. */
export interface MountedFiles {
  readonly config: string;
  readonly directory: string;
  readonly identity: string;
}

/** Hashes of the documents in place, intact, that a pod mounts; '' where there is none, or a damaged one. */
export interface MountedDocuments {
  readonly config: string;
  readonly directory: string;
  /** Documents that are in place and are not what was written there. */
  readonly damaged: readonly ('config' | 'directory')[];
}

export interface RefreshOptions {
  readonly sink: RefreshSink;
  readonly reports: ReportRegistry;
  readonly snapshot: () => Snapshot | undefined;
  readonly documents: (pod: PodModel) => MountedDocuments;
  /** Milliseconds until the pod's proxy has to do with files; Infinity: it has a stream. */
  readonly filesDueMs: (pod: PodModel) => number;
  readonly clock: Clock;
  readonly onRefreshed: () => void;
  /** The pod's proxy does not start: what it mounts may be missing. Called every STUCK_MS while that is so. */
  readonly onStuck: (pod: PodModel) => void;
}

/** A pod is told of changes at most this often. */
export const POD_INTERVAL_MS = 1_000;
/** A pod whose proxy has not started so long after it was first seen is told once more. */
export const STUCK_MS = 5_000;
/** A proxy has so long to report what it was told of; each repetition doubles it, up to RETRY_MAX_MS. */
export const RETRY_MS = 2_000;
export const RETRY_MAX_MS = 30_000;
/** After so many kubelet has looked by itself: what is still different then, no refresh will change. */
export const MAX_RETRIES = 8;
/** Pods that are told, in all: each costs a write, and kubelet a look. */
export const REFRESH_RATE = { perSecond: 10, burst: 20 };
const SHORT = 12;

interface Told {
  uid: string;
  files: MountedFiles;
  /** When it was told last; -Infinity: never by this replica. */
  at: number;
  /** Its turn among all that are to be told. */
  turnAt?: number;
  seenAt: number;
  /** When it was last found not started, or first seen. */
  stuckAt: number;
  /** A file it was told of was damaged or deleted since: it must look again, though the file is as before. */
  lost: boolean;
  /** The damaged documents that it was told of. */
  toldOfDamage: MountedDocuments['damaged'];
  /** How often it was told again of the same. */
  retries: number;
  /** Counts what was told though no hash changed: kubelet acts only on a new value. */
  again: number;
}

const valueOf = ({ config, directory, identity }: MountedFiles, again = 0): string =>
  [config, directory, identity, ...(again > 0 ? [again] : [])].join('.');

/** Reads an annotation; undefined where it is missing or not ours. */
function parseValue(value: string | undefined): { files: MountedFiles; again: number } | undefined {
  const [config, directory, identity, again = '0', ...more] = value?.split('.') ?? [];
  if (config === undefined || directory === undefined || identity === undefined) return undefined;
  if (more.length > 0 || !/^[0-9]{1,9}$/.test(again)) return undefined;
  return { files: { config, directory, identity }, again: Number(again) };
}

const short = (hash: string): string => hash.replaceAll('.', '').slice(0, SHORT);

/** Pods whose containers kubelet has mounted files for, or is about to. */
export const mounts = (pod: PodModel): boolean =>
  pod.proxy !== undefined &&
  pod.node !== undefined &&
  !pod.terminating &&
  (pod.phase === 'Running' || pod.phase === 'Pending');

export class Refresh {
  readonly #options: RefreshOptions;
  readonly #turns: TokenBucket;
  /** By `namespace/name` of the pod. */
  readonly #told = new Map<string, Told>();
  /** By `namespace/name of the Secret`: what of it was written last. */
  readonly #identities = new Map<string, string>();

  constructor(options: RefreshOptions) {
    this.#options = options;
    this.#turns = new TokenBucket(REFRESH_RATE, options.clock);
  }

  /** An identity was written; `version` is any text that differs from one to the next. */
  identityChanged(identity: { namespace: string; serviceAccount: string }, version: string): void {
    this.#identities.set(`${identity.namespace}/${identitySecretName(identity.serviceAccount)}`, version);
  }

  /** The pod is gone. */
  forget(key: string): void {
    this.#told.delete(key);
  }

  /** Forgets identities of ServiceAccounts that are gone. */
  retain({ serviceAccounts }: Snapshot): void {
    const secrets = new Set(
      [...serviceAccounts.values()].map(
        (account) => `${account.namespace}/${identitySecretName(account.name)}`,
      ),
    );
    for (const key of this.#identities.keys()) if (!secrets.has(key)) this.#identities.delete(key);
  }

  /** `key` is `namespace/name` of a pod. */
  async reconcile(key: string): Promise<Again | undefined> {
    const pod = this.#options.snapshot()?.pods.get(key);
    if (!pod || !mounts(pod)) return undefined;
    const documents = this.#options.documents(pod);
    const inPlace = this.#filesOf(pod, documents);
    const told = this.#toldOf(key, pod, inPlace);
    const stuckMs = this.#lookWhetherStuck(told, pod);
    this.#believe(told, pod, inPlace);
    const news = newsOf(told, inPlace, documents.damaged);
    const due = this.#due({ pod, told, news });
    const now = this.#options.clock.monotonic();
    if (due > now) return soonest(due - now, stuckMs);
    // a turn that is not used is lost to the others, so it is kept
    told.turnAt ??= now + this.#turns.takeAfterMs();
    if (told.turnAt > now) return soonest(told.turnAt - now, stuckMs);
    delete told.turnAt;
    await this.#tell(pod, told, news);
    return soonest(this.#retryDue(told, pod, news) - this.#options.clock.monotonic(), stuckMs);
  }

  async #tell(pod: PodModel, told: Told, { files, changed, repeated, gone, damaged }: News): Promise<void> {
    const retry = !changed && told.at !== -Infinity;
    const again = told.again + Number(repeated || retry);
    const retries = retry ? told.retries + 1 : 0;
    told.at = this.#options.clock.monotonic();
    await this.#options.sink.refresh(pod, valueOf(files, again));
    Object.assign(told, { files, again, retries, lost: gone, toldOfDamage: damaged });
    this.#options.onRefreshed();
  }

  /** When to look again at a proxy that does not start, in ms; Infinity: it has started. */
  #lookWhetherStuck(told: Told, pod: PodModel): number {
    if (pod.proxy?.started !== false) return Infinity;
    const now = this.#options.clock.monotonic();
    const wait = told.stuckAt + STUCK_MS - now;
    if (wait > 0) return wait;
    told.stuckAt = now;
    this.#options.onStuck(pod);
    return STUCK_MS;
  }

  /** A proxy that says it runs the document need not be told of it; one that was never told is believed either way. */
  #believe(told: Told, pod: PodModel, { config }: MountedFiles): void {
    const report = this.#options.reports.get(pod.uid)?.report;
    // one that refused a document still has that one mounted
    if (!report?.inForce || report.refused) return;
    const inForce = short(report.inForce.hash);
    if (told.at === -Infinity || inForce === config) told.files = { ...told.files, config: inForce };
  }

  /** When to tell the pod, by the monotonic clock; Infinity: there is nothing to tell. */
  #due({ pod, told, news }: { pod: PodModel; told: Told; news: News }): number {
    const started = pod.proxy?.started !== false;
    if (news.urgent || (news.changed && !started)) return told.at + POD_INTERVAL_MS;
    if (news.changed) {
      const filesDueMs = this.#options.filesDueMs(pod);
      if (filesDueMs < Infinity)
        return Math.max(told.at + POD_INTERVAL_MS, this.#options.clock.monotonic() + filesDueMs);
    }
    // a proxy that does not start may wait for files that came between its mounting and our first sight of it
    const stuck = !started && told.at === -Infinity && told.files.config !== '';
    return Math.min(this.#retryDue(told, pod, news), stuck ? told.seenAt + STUCK_MS : Infinity);
  }

  /** When to tell the pod once more of what it was told; Infinity: its proxy has seen it, or cannot say. */
  #retryDue(told: Told, pod: PodModel, { damaged }: News): number {
    const entry = this.#options.reports.get(pod.uid);
    if (told.at === -Infinity || !entry?.connected) return Infinity;
    if (damaged.includes('config') === (entry.report.refused !== undefined)) {
      told.retries = 0;
      return Infinity;
    }
    if (told.retries >= MAX_RETRIES) return Infinity;
    return told.at + Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** told.retries);
  }

  /** A pod seen for the first time mounted what was there, unless its annotation says what it was last told. */
  #toldOf(key: string, pod: PodModel, inPlace: MountedFiles): Told {
    const known = this.#told.get(key);
    if (known?.uid === pod.uid) return known;
    const annotated = parseValue(pod.annotations[annotation.refresh]);
    const told: Told = {
      uid: pod.uid,
      files: annotated?.files ?? inPlace,
      at: -Infinity,
      seenAt: this.#options.clock.monotonic(),
      stuckAt: this.#options.clock.monotonic(),
      lost: false,
      toldOfDamage: [],
      retries: 0,
      again: annotated?.again ?? 0,
    };
    this.#told.set(key, told);
    return told;
  }

  #filesOf(pod: PodModel, { config, directory }: MountedDocuments): MountedFiles {
    // where this replica has written no identity yet, it has no news of one
    const identity = this.#identities.get(`${pod.namespace}/${identitySecretName(pod.serviceAccount)}`) ?? '';
    return { config: short(config), directory: short(directory), identity: short(identity) };
  }
}

/** What a pod is to be told. */
interface News {
  readonly files: MountedFiles;
  readonly damaged: MountedDocuments['damaged'];
  /** A file it was told of is missing or damaged. */
  readonly gone: boolean;
  readonly changed: boolean;
  /** It changed, though no hash did: damage, or the way back. */
  readonly repeated: boolean;
  /** No stream brings it: an identity, or damage. */
  readonly urgent: boolean;
}

function newsOf(told: Told, inPlace: MountedFiles, damaged: MountedDocuments['damaged']): News {
  const missing =
    isGone(inPlace.config, told.files.config) || isGone(inPlace.directory, told.files.directory);
  const gone = missing || damaged.length > 0;
  told.lost ||= gone;
  // what is not in place is no news, but its coming back will be
  const files = {
    config: inPlace.config || told.files.config,
    directory: inPlace.directory || told.files.directory,
    identity: inPlace.identity || told.files.identity,
  };
  // damage that is mended and done again is damage anew
  told.toldOfDamage = told.toldOfDamage.filter((file) => damaged.includes(file));
  const onset = damaged.some((file) => !told.toldOfDamage.includes(file));
  const repeated = onset || (told.lost && !gone);
  const changed = repeated || valueOf(files) !== valueOf(told.files);
  return {
    files,
    damaged,
    gone,
    repeated,
    changed,
    urgent: repeated || files.identity !== told.files.identity,
  };
}

const soonest = (...waits: number[]): Again | undefined => {
  const wait = Math.min(...waits);
  return wait === Infinity ? undefined : { requeueAfterMs: Math.max(0, wait) };
};

const isGone = (inPlace: string, told: string): boolean => inPlace === '' && told !== '';
