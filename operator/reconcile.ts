/**
 * From the mesh to everything that is written, on the replica that leads. Each change costs what it concerns: nothing
 * here goes through all pods or documents because of one.
 *
 *   mesh ─► changes ─► WantedFiles ─► queue ─► Documents ──► ConfigMaps
 *      │                                             └─► Refresh ──► pods that mount them and have no stream
 *      └──► snapshot ─► view ───────► queue ─► PolicyStatus, MeshConfigStatus ──► status
 *                        └─► Events
 *   reports ─► what of them is news ─► the same
 */
import type { Logger } from 'pino';
import type { Changes } from '../core/compile/index.ts';
import type { Report } from '../core/control/index.ts';
import { WeftError } from '../core/errors/index.ts';
import { workloadKey, type PodModel, type Snapshot } from '../core/model/index.ts';
import { compareRevision, type Hash } from '../core/proxyConfig/index.ts';
import { WorkQueue, type Clock } from '../kube/index.ts';
import type { ReportEntry, ReportRegistry } from './control/reports.ts';
import { newsOf } from './controllers/digest.ts';
import { isPossible } from './controllers/claims.ts';
import { Documents } from './controllers/documents.ts';
import { Events } from './controllers/events.ts';
import { MESH_CONFIG_KEY, MeshConfigStatusController } from './controllers/meshConfigStatus.ts';
import { PolicyStatus } from './controllers/policyStatus.ts';
import { Presence } from './controllers/presence.ts';
import { Progress } from './controllers/progress.ts';
import { Proxies } from './controllers/proxies.ts';
import { mounts, Refresh, type MountedDocuments } from './controllers/refresh.ts';
import { StatusBudget } from './controllers/statusBudget.ts';
import { SnapshotView, type PodChange } from './controllers/view.ts';
import { WantedFiles, type DesiredDocument } from './controllers/wantedFiles.ts';
import { directoryKey, documentKey, type Mesh } from './mesh.ts';
import type { OperatorMetrics } from './metrics.ts';
import { refKey, type Sinks } from './sinks/types.ts';
import { counts, unprotected } from './status/proxies.ts';

export interface ReconcilerOptions {
  readonly mesh: Mesh;
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

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #wanted: WantedFiles;
  readonly #documents: Documents;
  readonly #presence: Presence;
  readonly #proxies: Proxies;
  readonly #progress: Progress;
  readonly #policies: PolicyStatus;
  readonly #meshConfig: MeshConfigStatusController;
  readonly #refresh: Refresh;
  readonly #events: Events;
  readonly #queues: Record<'documents' | 'status' | 'refresh', WorkQueue>;
  readonly #unsubscribe: (() => void)[] = [];
  #view: SnapshotView | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { mesh, sinks, reports, clock, metrics, log, hash, owners } = options;
    const monotonic = (): number => clock.monotonic();
    this.#wanted = new WantedFiles({ mesh, hash, owners });
    this.#presence = new Presence({ reports, monotonic });
    this.#progress = new Progress(monotonic);
    this.#proxies = new Proxies({ view: () => this.#view, presence: this.#presence, reports });
    this.#events = new Events({
      sink: sinks.events,
      onEvent: ({ reason, subject, message }) => {
        metrics.incidents.inc({ reason });
        log.warn({ reason, subject: `${subject.kind} ${subject.namespace ?? ''}/${subject.name}` }, message);
      },
    });
    this.#documents = new Documents({
      sink: sinks.documents,
      hash,
      clock,
      desired: (key) => this.#wanted.get(key),
      revision: () => mesh.snapshot?.revision ?? '0',
      inForce: (document) => this.#proxies.inForce(document),
      filesDueMs: (document) => this.#proxies.filesDueMs(document),
      onPlaced: (document, { epoch }) => mesh.raise(refKey(document), epoch),
      onIncident: (incident) => this.#events.incident(incident),
      onWritten: (document) => this.#documentWritten(document),
      onOversized: () => this.#queues.status.add(MESH_CONFIG_KEY),
    });
    const status = {
      sink: sinks.status,
      reports,
      presence: this.#presence,
      progress: this.#progress,
      view: () => this.#view,
      now: () => clock.now(),
      monotonic,
      budget: new StatusBudget(clock),
      onWritten: (kind: string) => metrics.writes.inc({ kind }),
    };
    this.#policies = new PolicyStatus(status);
    this.#meshConfig = new MeshConfigStatusController({
      ...status,
      trustDomain: options.trustDomain,
      oversized: () => this.#documents.oversized,
    });
    this.#refresh = new Refresh({
      sink: sinks.refresh,
      reports,
      snapshot: () => this.#view?.snapshot,
      documents: (pod) => this.#mountedBy(pod),
      filesDueMs: ({ uid }) => this.#presence.filesDueMs(uid),
      clock,
      onRefreshed: () => metrics.writes.inc({ kind: 'Refresh' }),
      onStuck: (pod) => options.onStuck?.(pod),
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

  /** The Secret of an identity was written: pods that mount it should look. */
  identityWritten(identity: { namespace: string; serviceAccount: string }, version: string): void {
    this.#refresh.identityChanged(identity, version);
    for (const pod of this.#view?.podsOf(identity.namespace).values() ?? []) {
      if (pod.serviceAccount === identity.serviceAccount) this.#refreshPod(pod);
    }
  }

  /** Finishes what has begun, up to `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(Object.values(this.#queues).map((queue) => queue.shutdown(graceMs)));
  }

  #listen(): void {
    const { mesh, sinks, reports } = this.#options;
    sinks.documents.onChange((key) => {
      this.#documents.observed(key);
      this.#queues.documents.add(key);
      if (this.#documents.hashInPlace(key) === undefined) this.#refreshAll(this.#wanted.get(key));
    });
    for (const key of sinks.status.policies.keys()) this.#stored('MeshPolicy', key, false);
    for (const key of sinks.status.meshConfigs.keys()) this.#stored('MeshConfig', key, false);
    sinks.status.onChange((kind, key) => this.#stored(kind, key, true));
    this.#unsubscribe.push(
      reports.onChange((report, before) => this.#reported(report, before)),
      mesh.onSnapshot((snapshot) => this.#observe(snapshot)),
      mesh.onChange((changes) => this.#compiled(changes)),
    );
  }

  #compiled(changes: Changes): void {
    for (const key of this.#wanted.follow(changes)) this.#queues.documents.add(key);
    this.#options.metrics.documents.set(this.#wanted.size);
  }

  #observe(snapshot: Snapshot): void {
    const before = this.#view?.snapshot;
    if (this.#view) {
      const { pods, resources, namespaces } = this.#view.take(snapshot);
      for (const change of pods) this.#podChanged(change, this.#view);
      for (const namespace of namespaces)
        this.#events.observe(this.#view, this.#view.podsOf(namespace).values());
      if (resources) this.#resourcesChanged(this.#view);
    } else {
      this.#view = new SnapshotView(snapshot);
      for (const [key, after] of snapshot.pods)
        this.#podChanged({ key, before: undefined, after }, this.#view);
      this.#resourcesChanged(this.#view);
      for (const key of [...this.#wanted.keys(), ...this.#options.sinks.documents.existing.keys()])
        this.#queues.documents.add(key);
    }
    if (before?.serviceAccounts !== snapshot.serviceAccounts) this.#refresh.retain(snapshot);
    for (const key of this.#wanted.newOwners(before, snapshot)) this.#queues.documents.add(key);
  }

  #resourcesChanged(view: SnapshotView): void {
    this.#events.rejected(view);
    for (const key of this.#policies.keys()) this.#queues.status.add(key);
    this.#queues.status.add(MESH_CONFIG_KEY);
  }

  /** A resource is another one, as the API server has it: the first that is seen of a change. */
  #stored(kind: 'MeshPolicy' | 'MeshConfig', key: string, isNews: boolean): void {
    const { status } = this.#options.sinks;
    const stored = kind === 'MeshConfig' ? status.meshConfigs.get(key) : status.policies.get(key);
    const resource = `${kind}/${key}`;
    if (stored) this.#progress.see(resource, stored, isNews);
    else this.#progress.forget(resource);
    this.#queues.status.add(kind === 'MeshConfig' ? MESH_CONFIG_KEY : key);
  }

  #podChanged(change: PodChange, view: SnapshotView): void {
    const { key, before, after } = change;
    this.#presence.observe(change);
    if (after) {
      this.#refreshPod(after);
      this.#events.observe(view, [after]);
    } else this.#refresh.forget(key);
    if (before && after && weight(before) === weight(after)) return;
    for (const pod of [before, after]) {
      for (const policy of pod ? view.policiesOf(pod) : []) this.#queues.status.add(policy);
    }
    this.#queues.status.add(MESH_CONFIG_KEY);
  }

  #reported({ pod: { uid, namespace, name } }: Report, before: ReportEntry | undefined): void {
    const view = this.#view;
    const pod = view?.snapshot.pods.get(`${namespace}/${name}`);
    const entry = this.#options.reports.get(uid);
    if (!view || !entry || pod?.uid !== uid) return;
    this.#presence.reported(uid);
    const news = newsOf(before, entry);
    if (this.#isAhead(pod, entry.report)) this.#queues.documents.add(documentKey(pod.workload));
    if (news.connection) {
      // without a stream it may need what was not urgent as long as it had one
      this.#queues.documents.add(documentKey(pod.workload));
      this.#queues.documents.add(directoryKey(namespace));
    }
    if (news.connection || news.refused) this.#refreshPod(pod);
    if (news.refused) this.#events.reported(entry.report);
    for (const key of news.resources) this.#progress.heard(key);
    if (!news.connection && !news.refused && news.resources.length === 0) return;
    for (const key of view.policiesOf(pod)) this.#queues.status.add(key);
    if (news.connection || news.refused || news.resources.includes(MESH_CONFIG_KEY))
      this.#queues.status.add(MESH_CONFIG_KEY);
  }

  /** It has something in force that comes after what is compiled here. */
  #isAhead({ workload }: PodModel, { inForce }: Report): boolean {
    if (!inForce || !isPossible(inForce)) return false;
    return compareRevision(inForce, this.#options.mesh.position(workloadKey(workload))) > 0;
  }

  #documentWritten(document: DesiredDocument): void {
    const { metrics, log } = this.#options;
    metrics.writes.inc({ kind: document.workload ? 'Config' : 'Directory' });
    log.debug({ document: refKey(document), hash: document.hash }, 'wrote a document');
    this.#refreshAll(document);
  }

  #mountedBy(pod: PodModel): MountedDocuments {
    const keys = { config: documentKey(pod.workload), directory: directoryKey(pod.namespace) };
    return {
      config: this.#documents.hashInPlace(keys.config) ?? '',
      directory: this.#documents.hashInPlace(keys.directory) ?? '',
      damaged: (['config', 'directory'] as const).filter((file) => this.#documents.isDamaged(keys[file])),
    };
  }

  /** Looks whether the pods that mount the document are to be told. */
  #refreshAll(document: DesiredDocument | undefined): void {
    if (document) for (const pod of this.#proxies.of(document)) this.#refreshPod(pod);
  }

  #refreshPod(pod: PodModel): void {
    if (mounts(pod)) this.#queues.refresh.add(refKey(pod));
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

/** What of a pod any status depends on, beside what its proxy says. */
const weight = (pod: PodModel): string =>
  `${counts(pod)} ${unprotected(pod)} ${pod.uid} ${JSON.stringify(pod.labels)}`;
