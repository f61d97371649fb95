/**
 * Makes kubelet look at the mounted files of pods whose files have changed: left alone it does so about once a minute.
 * The value of the annotation says which files the pod was last told of, so that a restart of the operator tells
 * nobody anything twice.
 */
import { annotation, identitySecretName } from '../../core/model/names.ts';
import type { PodModel, Snapshot } from '../../core/model/index.ts';
import type { ReportRegistry } from '../control/reports.ts';
import type { RefreshSink } from '../sinks/types.ts';
import type { Again } from './documents.ts';

/** Hashes of what a pod mounts; '' where it is not in place. */
export interface MountedFiles {
  readonly config: string;
  readonly directory: string;
  readonly identity: string;
}

export interface RefreshOptions {
  readonly sink: RefreshSink;
  readonly reports: ReportRegistry;
  readonly snapshot: () => Snapshot | undefined;
  /** Hashes of the documents in place that the pod mounts. */
  readonly documents: (pod: PodModel) => { config: string; directory: string };
  readonly monotonic: () => number;
  readonly onRefreshed: () => void;
}

/** A pod is told of changes at most this often. */
export const POD_INTERVAL_MS = 1_000;
/** A pod whose proxy has not started so long after it was first seen is told once more. */
export const STUCK_MS = 5_000;
const SHORT = 12;

interface Told {
  uid: string;
  files: MountedFiles;
  /** When it was told last; -Infinity: never by this replica. */
  at: number;
  seenAt: number;
  /** A file it was told of was damaged or deleted since: it must look again, though the file is as before. */
  lost: boolean;
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
  /** By `namespace/name` of the pod. */
  readonly #told = new Map<string, Told>();
  /** By `namespace/name of the Secret`: what of it was written last. */
  readonly #identities = new Map<string, string>();

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /** An identity was written; `version` is any text that differs from one to the next. */
  identityChanged(identity: { namespace: string; serviceAccount: string }, version: string): void {
    this.#identities.set(`${identity.namespace}/${identitySecretName(identity.serviceAccount)}`, version);
  }

  /** Forgets what belongs to nothing any more. */
  retain(snapshot: Snapshot): void {
    for (const key of this.#told.keys()) if (!snapshot.pods.has(key)) this.#told.delete(key);
    const secrets = new Set(
      [...snapshot.serviceAccounts.values()].map(
        (account) => `${account.namespace}/${identitySecretName(account.name)}`,
      ),
    );
    for (const key of this.#identities.keys()) if (!secrets.has(key)) this.#identities.delete(key);
  }

  /** `key` is `namespace/name` of a pod. */
  async reconcile(key: string): Promise<Again | undefined> {
    const { sink, snapshot, monotonic, onRefreshed } = this.#options;
    const pod = snapshot()?.pods.get(key);
    if (!pod || !mounts(pod)) return undefined;
    const inPlace = this.#filesOf(pod);
    const told = this.#toldOf(key, pod, inPlace);
    this.#believe(told, pod, inPlace);
    // what is not in place is no news, but its coming back will be
    const gone = isGone(inPlace.config, told.files.config) || isGone(inPlace.directory, told.files.directory);
    told.lost ||= gone;
    const files = {
      config: inPlace.config || told.files.config,
      directory: inPlace.directory || told.files.directory,
      identity: inPlace.identity || told.files.identity,
    };
    const back = told.lost && !gone;
    const due = this.#due({ pod, told, changed: back || valueOf(files) !== valueOf(told.files) });
    if (due === undefined) return undefined;
    const wait = due - monotonic();
    if (wait > 0) return { requeueAfterMs: wait };
    const again = told.again + Number(back);
    told.at = monotonic();
    await sink.refresh(pod, valueOf(files, again));
    Object.assign(told, { files, again, lost: gone });
    onRefreshed();
    return undefined;
  }

  /** A proxy that says it runs the document need not be told of it; one that was never told is believed either way. */
  #believe(told: Told, pod: PodModel, { config }: MountedFiles): void {
    const report = this.#options.reports.get(pod.uid)?.report;
    // one that refused a document still has that one mounted
    if (!report?.inForce || report.refused) return;
    const inForce = short(report.inForce.hash);
    if (told.at === -Infinity || inForce === config) told.files = { ...told.files, config: inForce };
  }

  /** When to tell the pod, by the monotonic clock; undefined: there is nothing to tell. */
  #due({ pod, told, changed }: { pod: PodModel; told: Told; changed: boolean }): number | undefined {
    if (changed) return told.at + POD_INTERVAL_MS;
    // a proxy that does not start may wait for files that came between its mounting and our first sight of it
    const stuck = pod.proxy?.started === false && told.at === -Infinity && told.files.config !== '';
    return stuck ? told.seenAt + STUCK_MS : undefined;
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
      seenAt: this.#options.monotonic(),
      lost: false,
      again: annotated?.again ?? 0,
    };
    this.#told.set(key, told);
    return told;
  }

  #filesOf(pod: PodModel): MountedFiles {
    const { config, directory } = this.#options.documents(pod);
    // where this replica has written no identity yet, it has no news of one
    const identity = this.#identities.get(`${pod.namespace}/${identitySecretName(pod.serviceAccount)}`) ?? '';
    return { config: short(config), directory: short(directory), identity: short(identity) };
  }
}

const isGone = (inPlace: string, told: string): boolean => inPlace === '' && told !== '';
