/**
 * From a snapshot to everything that is written, on the replica that leads.
 *
 *   snapshot ─► compile ─► wanted documents ─► queue ─► Documents ──► ConfigMaps
 *      │                                                   └► Refresh ──► pods that mount them
 *      ├──────► view ────► queue ─► PolicyStatus, MeshConfigStatus ──► status
 *      └──────► Events
 *   reports ──► the same three
 */
import type { Report } from '../core/control/index.ts';
import { WeftError } from '../core/errors/index.ts';
import { workloadKey, type PodModel, type Snapshot, type WorkloadRef } from '../core/model/index.ts';
import { compareRevision, type Hash } from '../core/proxyConfig/index.ts';
import { WorkQueue, type Clock } from '../kube/index.ts';
import type { Logger } from 'pino';
import { directories, directoryKey } from './controllers/directories.ts';
import { Documents, type DesiredDocument, type InForce } from './controllers/documents.ts';
import { Events } from './controllers/events.ts';
import { MeshConfigStatusController } from './controllers/meshConfigStatus.ts';
import { PolicyStatus } from './controllers/policyStatus.ts';
import { mounts, Refresh, type MountedDocuments } from './controllers/refresh.ts';
import { SnapshotView } from './controllers/view.ts';
import { documentKey, workloadDocuments } from './controllers/workloadDocuments.ts';
import type { ReportRegistry } from './control/reports.ts';
import type { OperatorMetrics } from './metrics.ts';
import { refKey, type Sinks } from './sinks/types.ts';

export interface ReconcilerOptions {
  readonly sinks: Sinks;
  readonly reports: ReportRegistry;
  readonly hash: Hash;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  /** Of the MeshConfig that is made where there is none. */
  readonly trustDomain: string;
  /** Whether documents name their owner: something has to collect them. */
  readonly owners: boolean;
  /** A pod's proxy does not start: its identity may be missing. */
  readonly onStuck?: (pod: PodModel) => void;
}

/** Beyond it the epoch in a report is no epoch of ours. */
const MAX_REPORTED_EPOCH = 1_000_000;
/** A look at a snapshot that takes longer is followed by a pause as long as itself. */
const LONG_LOOK_MS = 50;
const MESH_CONFIG_KEY = 'MeshConfig';

type Desired = DesiredDocument & { readonly workload?: WorkloadRef };

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #documents: Documents;
  readonly #policies: PolicyStatus;
  readonly #meshConfig: MeshConfigStatusController;
  readonly #refresh: Refresh;
  readonly #events: Events;
  readonly #queues: Record<'documents' | 'status' | 'refresh', WorkQueue>;
  #view: SnapshotView | undefined;
  #desired: ReadonlyMap<string, Desired> = new Map();
  #newest: Snapshot | undefined;
  #paused = false;
  #stopped = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { sinks, reports, clock, metrics, log } = options;
    const monotonic = (): number => clock.monotonic();
    const written = (kind: string) => (): void => metrics.writes.inc({ kind });
    this.#documents = new Documents({
      sink: sinks.documents,
      hash: options.hash,
      monotonic,
      inForce: (document) => this.#inForce(document),
      onIncident: (incident) => this.#events.incident(incident),
      onWritten: (document) => this.#documentWritten(document),
    });
    const status = {
      sink: sinks.status,
      reports,
      view: () => this.#view,
      now: () => clock.now(),
      monotonic,
      onWritten: (kind: string) => metrics.writes.inc({ kind }),
    };
    this.#policies = new PolicyStatus(status);
    this.#meshConfig = new MeshConfigStatusController({ ...status, trustDomain: options.trustDomain });
    this.#refresh = new Refresh({
      sink: sinks.refresh,
      reports,
      snapshot: () => this.#view?.snapshot,
      documents: (pod) => this.#mountedBy(pod),
      monotonic,
      onRefreshed: written('Refresh'),
      onStuck: (pod) => options.onStuck?.(pod),
    });
    this.#events = new Events({
      sink: sinks.events,
      onEvent: ({ reason, subject, message }) => {
        metrics.incidents.inc({ reason });
        log.warn({ reason, subject: `${subject.kind} ${subject.namespace ?? ''}/${subject.name}` }, message);
      },
    });
    this.#queues = {
      documents: this.#queue('documents', (key) => this.#documents.reconcile(key)),
      status: this.#queue('status', (key) =>
        key === MESH_CONFIG_KEY ? this.#meshConfig.reconcile() : this.#policies.reconcile(key),
      ),
      refresh: this.#queue('refresh', (key) => this.#refresh.reconcile(key)),
    };
    this.#listen();
  }

  /** Depth of each queue. */
  depths(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#queues).map(([name, queue]) => [name, queue.depth]));
  }

  /** Takes a newer snapshot; what it changes is worked on at once, in a large mesh after a pause for others' work. */
  observe(snapshot: Snapshot): void {
    this.#newest = snapshot;
    if (!this.#paused && !this.#stopped) this.#take(snapshot);
  }

  #take(snapshot: Snapshot): void {
    const { clock } = this.#options;
    const startedAt = clock.monotonic();
    this.#look(snapshot);
    const tookMs = clock.monotonic() - startedAt;
    if (tookMs < LONG_LOOK_MS) return;
    // no more than half of the time: reports, leases and health have to be answered too
    this.#paused = true;
    clock.after(tookMs, () => {
      this.#paused = false;
      if (this.#newest && this.#newest !== snapshot && !this.#stopped) this.#take(this.#newest);
    });
  }

  #look(snapshot: Snapshot): void {
    const before = this.#view;
    this.#view = new SnapshotView(snapshot);
    this.#desired = this.#compile(snapshot);
    const changed = this.#documents.setDesired(this.#desired, snapshot.revision);
    for (const key of before ? changed : this.#documents.keys()) this.#queues.documents.add(key);
    this.#options.reports.retain(new Set(Array.from(snapshot.pods.values(), ({ uid }) => uid)));
    this.#refresh.retain(snapshot);
    for (const [key, pod] of snapshot.pods) {
      if (pod !== before?.snapshot.pods.get(key) && mounts(pod)) this.#queues.refresh.add(key);
    }
    for (const key of this.#policies.keys()) this.#queues.status.add(key);
    this.#queues.status.add(MESH_CONFIG_KEY);
    this.#events.observe(this.#view);
  }

  /** The Secret of an identity was written: pods that mount it should look. */
  identityWritten(identity: { namespace: string; serviceAccount: string }, version: string): void {
    this.#refresh.identityChanged(identity, version);
    const pods = this.#view?.podsOf.get(identity.namespace) ?? [];
    this.#refreshPods(pods.filter(({ serviceAccount }) => serviceAccount === identity.serviceAccount));
  }

  /** Finishes what has begun, up to `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.all(Object.values(this.#queues).map((queue) => queue.shutdown(graceMs)));
  }

  #listen(): void {
    const { sinks, reports } = this.#options;
    sinks.documents.onChange((key) => {
      this.#documents.observed(key);
      this.#queues.documents.add(key);
      if (this.#documents.hashInPlace(key) === undefined) this.#refreshPods(this.#podsOf(key));
    });
    sinks.status.onChange((kind, key) =>
      this.#queues.status.add(kind === 'MeshConfig' ? MESH_CONFIG_KEY : key),
    );
    reports.onChange((report) => this.#reported(report));
  }

  #compile(snapshot: Snapshot): Map<string, Desired> {
    const { hash, owners, metrics } = this.#options;
    const done = metrics.compileSeconds.startTimer();
    const desired = new Map<string, Desired>(workloadDocuments(snapshot, { hash, owners }));
    const namespaces = new Set(Array.from(desired.values(), ({ namespace }) => namespace));
    for (const [key, directory] of directories(snapshot, namespaces, hash)) desired.set(key, directory);
    done();
    metrics.documents.set(desired.size);
    return desired;
  }

  #reported(report: Report): void {
    const view = this.#view;
    const pod = view?.snapshot.pods.get(refKey(report.pod));
    if (this.#stopped || !view || pod?.uid !== report.pod.uid) return;
    for (const key of view.policiesOf(pod)) this.#queues.status.add(key);
    this.#queues.status.add(MESH_CONFIG_KEY);
    this.#queues.documents.add(documentKey(pod.workload));
    this.#queues.refresh.add(refKey(pod));
    this.#events.reported(report);
  }

  /** The newest position of a document that a proxy of its workload reports to have in force. */
  #inForce(document: Desired): InForce | undefined {
    if (!document.workload) return undefined;
    let newest: InForce | undefined;
    for (const { uid } of this.#view?.injected.get(workloadKey(document.workload)) ?? []) {
      const position = this.#options.reports.get(uid)?.report.inForce;
      if (!position || position.epoch > MAX_REPORTED_EPOCH || !/^[0-9]{1,24}$/.test(position.revision))
        continue;
      if (!newest || compareRevision(position, newest) > 0) newest = position;
    }
    return newest;
  }

  #documentWritten(document: Desired): void {
    const { metrics, log } = this.#options;
    const key = refKey(document);
    metrics.writes.inc({ kind: document.workload ? 'Config' : 'Directory' });
    log.debug({ document: key, hash: document.content.hash }, 'wrote a document');
    this.#refreshPods(this.#podsOf(key));
  }

  #mountedBy(pod: PodModel): MountedDocuments {
    const keys = { config: documentKey(pod.workload), directory: directoryKey(pod.namespace) };
    return {
      config: this.#documents.hashInPlace(keys.config) ?? '',
      directory: this.#documents.hashInPlace(keys.directory) ?? '',
      damaged: (['config', 'directory'] as const).filter((file) => this.#documents.isDamaged(keys[file])),
    };
  }

  /** The pods that mount the document of this key. */
  #podsOf(key: string): readonly PodModel[] {
    const document = this.#desired.get(key);
    if (!document) return [];
    const { workload, namespace } = document;
    const pods = workload
      ? this.#view?.injected.get(workloadKey(workload))
      : this.#view?.podsOf.get(namespace);
    return pods ?? [];
  }

  #refreshPods(pods: readonly PodModel[]): void {
    for (const pod of pods) if (mounts(pod)) this.#queues.refresh.add(refKey(pod));
  }

  #queue(name: string, process: (key: string) => Promise<{ requeueAfterMs: number } | undefined>): WorkQueue {
    const { clock, log, metrics } = this.#options;
    return new WorkQueue({
      process,
      clock,
      concurrency: 8,
      backoff: { baseMs: 50, maxMs: 15_000 },
      onError: (key, error) => {
        metrics.failures.inc({ queue: name });
        // a WeftError says all in one line; what it is not was not foreseen
        const reason = error instanceof WeftError ? { error: String(error) } : { err: error };
        log.warn({ queue: name, key, ...reason }, 'failed; it is tried again');
      },
    });
  }
}
