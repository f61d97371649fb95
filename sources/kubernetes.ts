/**
 * A mesh as a cluster has it. Needs get, list and watch on namespaces, services, pods, serviceaccounts;
 * endpointslices.discovery.k8s.io; deployments, replicasets, statefulsets, daemonsets.apps; jobs, cronjobs.batch;
 * meshpolicies, meshconfigs.mesh.weft.dev: everywhere, and nothing else. Nodes are not read: zones come with
 * EndpointSlices and, since Kubernetes 1.35, as labels of pods.
 */
import type { Snapshot } from '../core/model/index.ts';
import {
  Reflector,
  resources,
  systemClock,
  type Change,
  type Clock,
  type KubeClient,
} from '../kube/index.ts';
import type { RawKind, RawObjects } from './objects.ts';
import { SnapshotBuilder, type SnapshotSettings } from './snapshot.ts';
import { Announcer, type SnapshotSource } from './source.ts';
import { trims } from './trim.ts';

export interface KubernetesSourceOptions extends SnapshotSettings {
  readonly client: KubeClient;
  /** Failures of watches (tried again) and of listeners, and annotations that cannot be read. */
  readonly onError: (error: Error) => void;
  readonly clock?: Clock;
}

/** After a snapshot, changes are gathered for so long before the next. */
export const GATHER_MS = 50;

/** What all reflectors have in common for this source. */
interface Watched {
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  readonly resourceVersion: string | undefined;
  readonly counters: Readonly<ReflectorCounters>;
  start(): unknown;
  stop(): Promise<void>;
}

export interface ReflectorCounters {
  lists: number;
  watches: number;
  events: number;
  failures: number;
}

type WatchedKind = Exclude<RawKind, 'nodes'>;

export class KubernetesSource implements SnapshotSource {
  readonly #options: KubernetesSourceOptions;
  readonly #clock: Clock;
  readonly #builder: SnapshotBuilder;
  readonly #announcer: Announcer;
  readonly #watched: ReadonlyMap<WatchedKind, Watched>;
  #revision = 0n;
  /** Set from a snapshot until GATHER_MS later. */
  #gathering: (() => void) | undefined;
  #scheduled = false;
  /** There is something that no snapshot shows yet. */
  #changed = false;
  #ready = false;
  #stopped = false;

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#builder = new SnapshotBuilder({ ...options, onProblem: options.onError });
    this.#announcer = new Announcer(options.onError);
    this.#watched = this.#reflectors();
  }

  get current(): Snapshot | undefined {
    return this.#announcer.current;
  }

  /** The kinds whose first list is still awaited: what a start that hangs waits for. */
  get awaited(): readonly string[] {
    return [...this.#watched].filter(([, { isSynced }]) => !isSynced).map(([kind]) => kind);
  }

  /** What each watch has done so far, for metrics. */
  get counters(): ReadonlyMap<string, Readonly<ReflectorCounters>> {
    return new Map([...this.#watched].map(([kind, { counters }]) => [kind, counters]));
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): () => void {
    return this.#announcer.listen(listener);
  }

  start(): Promise<Snapshot> {
    const all = [...this.#watched];
    for (const [, reflector] of all) reflector.start();
    Promise.all(all.map(([, { synced }]) => synced)).then(
      () => {
        this.#ready = true;
        this.#changed = true;
        this.#emit();
      },
      // stopped before: `first` says so
      () => undefined,
    );
    return this.#announcer.first;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#gathering?.();
    await Promise.all([...this.#watched.values()].map((reflector) => reflector.stop()));
    this.#announcer.end();
  }

  #reflectors(): ReadonlyMap<WatchedKind, Watched> {
    const { client, onError, clock } = this.#options;
    const common = <K extends WatchedKind>(kind: K) => ({
      client,
      onError,
      ...(clock ? { clock } : {}),
      transform: trims[kind],
      onChange: (change: Change<RawObjects[K][number]>) => this.#change(kind, change),
    });
    const metadataOnly = true;
    return new Map<WatchedKind, Watched>([
      [
        'namespaces',
        new Reflector({ ...common('namespaces'), resource: resources.namespaces, metadataOnly }),
      ],
      ['services', new Reflector({ ...common('services'), resource: resources.services })],
      ['endpointSlices', new Reflector({ ...common('endpointSlices'), resource: resources.endpointSlices })],
      ['pods', new Reflector({ ...common('pods'), resource: resources.pods })],
      [
        'serviceAccounts',
        new Reflector({ ...common('serviceAccounts'), resource: resources.serviceAccounts, metadataOnly }),
      ],
      ['deployments', new Reflector({ ...common('deployments'), resource: resources.deployments })],
      ['statefulSets', new Reflector({ ...common('statefulSets'), resource: resources.statefulSets })],
      ['daemonSets', new Reflector({ ...common('daemonSets'), resource: resources.daemonSets })],
      [
        'replicaSets',
        new Reflector({ ...common('replicaSets'), resource: resources.replicaSets, metadataOnly }),
      ],
      ['jobs', new Reflector({ ...common('jobs'), resource: resources.jobs })],
      ['cronJobs', new Reflector({ ...common('cronJobs'), resource: resources.cronJobs })],
      ['meshPolicies', new Reflector({ ...common('meshPolicies'), resource: resources.meshPolicies })],
      ['meshConfigs', new Reflector({ ...common('meshConfigs'), resource: resources.meshConfigs })],
    ]);
  }

  #change<K extends WatchedKind>(kind: K, change: Change<RawObjects[K][number]>): void {
    if (change.type === 'Deleted') this.#builder.remove(kind, change.key);
    else this.#builder.put(kind, change.object);
    this.#changed = true;
    if (!this.#ready || this.#gathering || this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    // what arrived together is one change; the reflector also notes its revision only after announcing
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#gathering) this.#emit();
    });
  }

  #emit(): void {
    if (this.#stopped || !this.#changed) return;
    this.#changed = false;
    this.#announcer.announce(this.#builder.snapshot(this.#nextRevision()));
    this.#gathering = this.#clock.after(GATHER_MS, () => {
      this.#gathering = undefined;
      this.#emit();
    });
  }

  /**
   * The newest state that any reflector is at. Deletions count with the revision of the deletion, which no object
   * carries; and it never goes back, for proxies refuse what is older than what they have.
   */
  #nextRevision(): string {
    for (const { resourceVersion } of this.#watched.values()) {
      if (resourceVersion === undefined || !/^[0-9]{1,24}$/.test(resourceVersion)) continue;
      const revision = BigInt(resourceVersion);
      if (revision > this.#revision) this.#revision = revision;
    }
    return this.#revision.toString();
  }
}
