/**
 * The operator on a cluster.
 *
 *   every replica:  health → source, sinks' watches → authority's Secret, own identity → control server
 *   the leader:     authority, identities, the webhook's certificate, Reconciler
 *
 * A replica that loses the lease ends: nothing of what it had begun can go on by mistake, and Kubernetes starts it anew.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { durationMs } from '../core/api/index.ts';
import type { Snapshot } from '../core/model/index.ts';
import { FIELD_MANAGER, port } from '../core/model/names.ts';
import {
  connect,
  EventRecorder,
  holderIdentity,
  LeaderElector,
  systemClock,
  type KubeClient,
} from '../kube/index.ts';
import { KubernetesSource } from '../sources/index.ts';
import { serveAdmin } from './admin/serve.ts';
import { Authority } from './controllers/authority.ts';
import type { CertificateContext } from './controllers/certificateContext.ts';
import { OperatorIdentity } from './controllers/operatorIdentity.ts';
import { servingNames } from './controllers/servingCertificate.ts';
import { ControlEndpoint } from './control/endpoint.ts';
import { leadershipOf } from './control/leadership.ts';
import { ReportRegistry } from './control/reports.ts';
import type { OperatorEnv } from './env.ts';
import { documentHash } from './hash.ts';
import { startHealthServer, type HttpServer, type ListenAddress } from './http.ts';
import { lead, type LeaderParts } from './lead.ts';
import { makeMesh, type RunningMesh } from './makeMesh.ts';
import { OperatorMetrics } from './metrics.ts';
import { KubernetesDocuments } from './sinks/kubernetesDocuments.ts';
import { kubernetesEvents } from './sinks/kubernetesEvents.ts';
import { kubernetesRefresh } from './sinks/kubernetesRefresh.ts';
import { KubernetesStatus } from './sinks/kubernetesStatus.ts';
import type { Sinks } from './sinks/types.ts';

export const LEASE = 'weft-operator';
const HEALTH_PORT = 8080;

export interface ClusterOptions {
  readonly env: OperatorEnv;
  readonly log: Logger;
  /** Default: the way that the environment names. */
  readonly client?: KubeClient;
  /** Ports and hosts other than those of the chart, for tests. */
  readonly health?: ListenAddress;
  readonly control?: ListenAddress;
  readonly admin?: ListenAddress;
  /** The process is to end: the lease is lost, or something cannot go on. */
  readonly onEnd: (reason: string, error?: Error) => void;
}

export interface Operator {
  readonly isLeader: boolean;
  readonly healthPort: number;
  readonly adminPort: number;
  /** Undefined until reports are taken. */
  readonly controlPort: number | undefined;
  /** Gives the lease away and ends everything. */
  stop(): Promise<void>;
}

const address = (ip: string, at: number): string => (ip.includes(':') ? `[${ip}]:${at}` : `${ip}:${at}`);

/** Resolves when everything is started; the first snapshot may take as long as the API server needs. */
export async function runClusterOperator(options: ClusterOptions): Promise<Operator> {
  const client = options.client ?? (await connect(options.env.raw, { userAgent: 'weft-operator' }));
  const operator = new ClusterOperator(options, client);
  await operator.start();
  return operator;
}

class ClusterOperator implements Operator {
  readonly #options: ClusterOptions;
  readonly #client: KubeClient;
  readonly #reports = new ReportRegistry({ now: () => systemClock.now() });
  readonly #metrics: OperatorMetrics;
  readonly #source: KubernetesSource;
  readonly #documents: KubernetesDocuments;
  readonly #running: RunningMesh;
  readonly #status: KubernetesStatus;
  readonly #recorder: EventRecorder;
  readonly #parts: LeaderParts = { elector: undefined, endpoint: undefined, reconciler: undefined };
  #health: HttpServer | undefined;
  #admin: HttpServer | undefined;
  #authority: Authority | undefined;
  #identity: OperatorIdentity | undefined;
  #stopping = false;

  constructor(options: ClusterOptions, client: KubeClient) {
    const { env, log } = options;
    this.#options = options;
    this.#client = client;
    const onError = (error: Error): void =>
      log.warn({ error: String(error) }, 'a watch failed; it is tried again');
    const { systemNamespace, clusterDomain, trustDomain } = env;
    this.#source = new KubernetesSource({ client, systemNamespace, clusterDomain, trustDomain, onError });
    this.#documents = new KubernetesDocuments({ client, hash: documentHash, onError });
    this.#running = makeMesh({
      inPlace: this.#documents,
      reports: this.#reports,
      metrics: () => this.#metrics,
      log,
    });
    this.#status = new KubernetesStatus({ client, onError });
    this.#recorder = new EventRecorder({
      client,
      component: FIELD_MANAGER,
      instance: env.podName,
      onError: (error) => log.warn({ error: String(error) }, 'an event could not be written'),
    });
    const parts = this.#parts;
    this.#metrics = new OperatorMetrics({
      leading: () => this.isLeader,
      connections: () => parts.endpoint?.connections() ?? 0,
      reports: () => this.#reports.counts(),
      depths: () => parts.reconciler?.depths() ?? {},
    });
  }

  get isLeader(): boolean {
    return this.#parts.elector?.isLeader ?? false;
  }

  get healthPort(): number {
    return this.#health?.port ?? 0;
  }

  get adminPort(): number {
    return this.#admin?.port ?? 0;
  }

  get controlPort(): number | undefined {
    return this.#parts.endpoint?.port;
  }

  async start(): Promise<void> {
    const { health = { port: HEALTH_PORT } } = this.#options;
    this.#health = await startHealthServer({
      address: health,
      registry: this.#metrics.registry,
      notReady: () => this.#notReady(),
    });
    const [snapshot] = await Promise.all([
      this.#source.start(),
      this.#documents.start(),
      this.#status.start(),
    ]);
    const { trustDomain } = snapshot.meshConfig;
    // what workloads have used is known by now from the documents in place
    this.#source.onSnapshot((newest) => this.#running.mesh.take(newest));
    this.#authority = this.#makeAuthority(snapshot);
    await this.#authority.start();
    this.#identity = this.#makeIdentity(this.#authority, snapshot);
    this.#identity.start();
    this.#parts.endpoint = this.#makeEndpoint(this.#identity, trustDomain);
    this.#parts.endpoint.start();
    this.#admin = await this.#serveAdmin();
    this.#source.onSnapshot(({ meshConfig }) => {
      if (meshConfig.trustDomain === trustDomain) return;
      this.#options.onEnd(`the trust domain is now ${meshConfig.trustDomain}, not ${trustDomain}`);
    });
    this.#parts.elector = this.#makeElector(this.#authority, snapshot).start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#parts.elector?.stop();
    await this.#parts.endpoint?.close();
    this.#identity?.stop();
    this.#running.stop();
    await Promise.all([
      this.#authority?.stop(),
      this.#source.stop(),
      this.#documents.stop(),
      this.#status.stop(),
      this.#recorder.stop(),
    ]);
    await Promise.all([this.#health?.close(), this.#admin?.close()]);
    this.#client.close();
  }

  #notReady(): string | undefined {
    if (!this.#source.current) return `waiting for the first list of ${this.#source.awaited.join(', ')}`;
    return this.controlPort === undefined ? 'waiting for an identity to take reports with' : undefined;
  }

  #leadership(): { leading: boolean; pod?: string; address?: string } {
    const own = { pod: this.#options.env.podName, leading: this.isLeader };
    return leadershipOf(this.#parts.elector?.leader, own);
  }

  #serveAdmin(): Promise<HttpServer> {
    return serveAdmin(
      {
        replica: this.#options.env.podName,
        source: this.#running.mesh,
        snapshot: () => this.#source.current,
        known: (uid) => this.#reports.get(uid),
        leadership: () => this.#leadership(),
        now: () => systemClock.now(),
      },
      this.#options.admin,
    );
  }

  get #certificates(): Omit<CertificateContext, 'client'> & { client: KubeClient; log: Logger } {
    const { log } = this.#options;
    return { client: this.#client, clock: systemClock, log, randomBytes: (size) => randomBytes(size) };
  }

  /** The configuration now; before any change of it that of the first snapshot. */
  #lifetimeMs(which: 'leafLifetime' | 'intermediateLifetime', first: Snapshot): () => number {
    return () => durationMs((this.#source.current ?? first).meshConfig.identity[which]);
  }

  get #servingNames(): string[] {
    const { systemNamespace, clusterDomain } = this.#options.env;
    return servingNames(systemNamespace, clusterDomain);
  }

  #makeAuthority(snapshot: Snapshot): Authority {
    return new Authority({
      ...this.#certificates,
      namespace: this.#options.env.systemNamespace,
      trustDomain: snapshot.meshConfig.trustDomain,
      servingNames: this.#servingNames,
      intermediateLifetimeMs: this.#lifetimeMs('intermediateLifetime', snapshot),
    });
  }

  #makeIdentity(authority: Authority, snapshot: Snapshot): OperatorIdentity {
    return new OperatorIdentity({
      ...this.#certificates,
      authority,
      trustDomain: snapshot.meshConfig.trustDomain,
      namespace: this.#options.env.systemNamespace,
      leafLifetimeMs: this.#lifetimeMs('leafLifetime', snapshot),
    });
  }

  #makeEndpoint(identity: OperatorIdentity, trustDomain: string): ControlEndpoint {
    const { control = { port: port.control }, log, onEnd } = this.#options;
    return new ControlEndpoint({
      address: control,
      identity,
      trustDomain,
      systemNamespace: this.#options.env.systemNamespace,
      reports: this.#reports,
      snapshot: () => this.#source.current,
      mesh: this.#running.mesh,
      leadership: () => this.#leadership(),
      clock: systemClock,
      log,
      metrics: this.#metrics,
      onFailed: (error) => onEnd('the control port cannot be bound', error),
    });
  }

  #makeElector(authority: Authority, snapshot: Snapshot): LeaderElector {
    const { env, log, onEnd } = this.#options;
    const sinks: Sinks = {
      documents: this.#documents,
      status: this.#status,
      refresh: kubernetesRefresh(this.#client),
      events: kubernetesEvents(this.#recorder),
    };
    const leading = {
      ...this.#certificates,
      mesh: this.#running.mesh,
      sinks,
      reports: this.#reports,
      metrics: this.#metrics,
      authority,
      trustDomain: snapshot.meshConfig.trustDomain,
      createTrustDomain: env.trustDomain,
      leafLifetimeMs: this.#lifetimeMs('leafLifetime', snapshot),
      systemNamespace: env.systemNamespace,
      dnsNames: this.#servingNames,
    };
    return new LeaderElector({
      client: this.#client,
      namespace: env.systemNamespace,
      name: LEASE,
      identity: holderIdentity(env.podName, address(env.podIp, this.#options.control?.port || port.control)),
      onStarted: (signal) => lead(signal, this.#parts, leading),
      onStopped: () => {
        if (!this.#stopping) onEnd('the lease is lost');
      },
      onNewLeader: (leader) => log.info({ leader }, 'the leader is known'),
      onError: (error) => log.warn({ error: String(error) }, 'the lease could not be looked at or renewed'),
    });
  }
}
