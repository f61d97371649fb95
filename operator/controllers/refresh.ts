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
}

const valueOf = ({ config, directory, identity }: MountedFiles): string =>
  [config, directory, identity].join('.');

function parseValue(value: string | undefined): MountedFiles | undefined {
  const parts = value?.split('.');
  if (parts?.length !== 3) return undefined;
  const [config, directory, identity] = parts as [string, string, string];
  return { config, directory, identity };
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
    const { sink, snapshot, reports, monotonic, onRefreshed } = this.#options;
    const pod = snapshot()?.pods.get(key);
    if (!pod || !mounts(pod)) return undefined;
    const files = this.#filesOf(pod);
    const told = this.#toldOf(key, pod, files);
    // where this replica has written no identity yet, it has no news of one
    if (files.identity === '') files.identity = told.files.identity;
    const report = reports.get(pod.uid)?.report;
    // one that refused a document still has that one mounted
    const inForce = report?.refused ? undefined : report?.inForce?.hash;
    // a proxy that says it runs the document need not be told of it; one that was never told is believed either way
    if (inForce !== undefined && (told.at === -Infinity || short(inForce) === files.config))
      told.files = { ...told.files, config: short(inForce) };
    const due = this.#due(pod, told, files);
    if (due === undefined) return undefined;
    const wait = due - monotonic();
    if (wait > 0) return { requeueAfterMs: wait };
    const before = told.files;
    told.at = monotonic();
    told.files = files;
    try {
      await sink.refresh(pod, valueOf(files));
    } catch (error) {
      told.files = before;
      throw error;
    }
    onRefreshed();
    return undefined;
  }

  /** When to tell the pod, by the monotonic clock; undefined: there is nothing to tell. */
  #due(pod: PodModel, told: Told, files: MountedFiles): number | undefined {
    if (valueOf(files) !== valueOf(told.files)) return told.at + POD_INTERVAL_MS;
    // a proxy that does not start may wait for files that came between its mounting and our first sight of it
    const stuck = pod.proxy?.started === false && told.at === -Infinity && valueOf(files) !== '..';
    return stuck ? told.seenAt + STUCK_MS : undefined;
  }

  /** A pod seen for the first time mounted what was there, unless its annotation says what it was last told. */
  #toldOf(key: string, pod: PodModel, files: MountedFiles): Told {
    const known = this.#told.get(key);
    if (known?.uid === pod.uid) return known;
    const told = {
      uid: pod.uid,
      files: parseValue(pod.annotations[annotation.refresh]) ?? files,
      at: -Infinity,
      seenAt: this.#options.monotonic(),
    };
    this.#told.set(key, told);
    return told;
  }

  #filesOf(pod: PodModel): { -readonly [File in keyof MountedFiles]: string } {
    const { config, directory } = this.#options.documents(pod);
    const identity = this.#identities.get(`${pod.namespace}/${identitySecretName(pod.serviceAccount)}`) ?? '';
    return { config: short(config), directory: short(directory), identity: short(identity) };
  }
}
