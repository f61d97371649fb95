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
import { FIELD_MANAGER, port } from '../core/model/names.ts';
import {
  connect,
  EventRecorder,
  holderIdentity,
  LeaderElector,
  parseHolder,
  systemClock,
  type KubeClient,
} from '../kube/index.ts';
import { KubernetesSource } from '../sources/index.ts';
import { Authority } from './controllers/authority.ts';
import { OperatorIdentity } from './controllers/operatorIdentity.ts';
import { servingNames } from './controllers/servingCertificate.ts';
import { ControlEndpoint } from './control/endpoint.ts';
import { ReportRegistry } from './control/reports.ts';
import type { OperatorEnv } from './env.ts';
import { documentHash } from './hash.ts';
import { startHealthServer } from './http.ts';
import { lead, type LeaderParts } from './lead.ts';
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
  readonly health?: { host: string; port: number };
  readonly control?: { host: string; port: number };
  /** The process is to end: the lease is lost, or something cannot go on. */
  readonly onEnd: (reason: string, error?: Error) => void;
}

export interface Operator {
  readonly isLeader: boolean;
  readonly healthPort: number;
  /** Undefined until reports are taken. */
  readonly controlPort: number | undefined;
  /** Gives the lease away and ends everything. */
  stop(): Promise<void>;
}

const address = (ip: string, at: number): string => (ip.includes(':') ? `[${ip}]:${at}` : `${ip}:${at}`);

/** Resolves when everything is started; the first snapshot may take as long as the API server needs. */
export async function runClusterOperator(options: ClusterOptions): Promise<Operator> {
  const { env, log } = options;
  const client = options.client ?? (await connect(env.raw, { userAgent: 'weft-operator' }));
  const clock = systemClock;
  const reports = new ReportRegistry({ now: () => clock.now() });
  const watchFailed = (error: Error): void => log.warn({ err: error }, 'a watch failed; it is tried again');
  const source = new KubernetesSource({
    client,
    systemNamespace: env.systemNamespace,
    clusterDomain: env.clusterDomain,
    trustDomain: env.trustDomain,
    onError: watchFailed,
  });
  const documents = new KubernetesDocuments({ client, hash: documentHash, onError: watchFailed });
  const status = new KubernetesStatus({ client, onError: watchFailed });
  const recorder = new EventRecorder({
    client,
    component: FIELD_MANAGER,
    instance: env.podName,
    onError: (error) => log.warn({ err: error }, 'an event could not be written'),
  });
  const sinks: Sinks = {
    documents,
    status,
    refresh: kubernetesRefresh(client),
    events: kubernetesEvents(recorder),
  };
  const parts: LeaderParts = { elector: undefined, endpoint: undefined, reconciler: undefined };
  const metrics = new OperatorMetrics({
    leading: () => parts.elector?.isLeader ?? false,
    connections: () => parts.endpoint?.connections() ?? 0,
    reports: () => reports.counts(),
    depths: () => parts.reconciler?.depths() ?? {},
  });
  const health = await startHealthServer({
    address: options.health ?? { host: '::', port: HEALTH_PORT },
    registry: metrics.registry,
    notReady: () => {
      if (!source.current) return `waiting for the first list of ${source.awaited.join(', ')}`;
      return parts.endpoint?.port ? undefined : 'waiting for an identity to take reports with';
    },
  });

  const [snapshot] = await Promise.all([source.start(), documents.start(), status.start()]);
  const { trustDomain } = snapshot.meshConfig;
  const leafLifetimeMs = (): number =>
    durationMs((source.current ?? snapshot).meshConfig.identity.leafLifetime);
  const certificates = { client, clock, log, randomBytes: (size: number) => randomBytes(size) };
  const dnsNames = servingNames(env.systemNamespace, env.clusterDomain);
  const authority = new Authority({
    ...certificates,
    namespace: env.systemNamespace,
    trustDomain,
    servingNames: dnsNames,
    intermediateLifetimeMs: () =>
      durationMs((source.current ?? snapshot).meshConfig.identity.intermediateLifetime),
  });
  const ownIdentity = new OperatorIdentity({
    clock,
    log,
    randomBytes: certificates.randomBytes,
    authority,
    trustDomain,
    namespace: env.systemNamespace,
    leafLifetimeMs,
  });
  await authority.start();
  ownIdentity.start();

  const endpoint = new ControlEndpoint({
    address: options.control ?? { host: '::', port: port.control },
    identity: ownIdentity,
    trustDomain,
    reports,
    snapshot: () => source.current,
    leadership: () => {
      const leader = parseHolder(parts.elector?.leader);
      return { leading: parts.elector?.isLeader ?? false, ...(leader ? { address: leader.address } : {}) };
    },
    clock,
    log,
    metrics: () => metrics,
    onFailed: (error) => options.onEnd('the control port cannot be bound', error),
  });
  parts.endpoint = endpoint;
  endpoint.start();

  source.onSnapshot((next) => {
    if (next.meshConfig.trustDomain !== trustDomain) {
      options.onEnd(`the trust domain is now ${next.meshConfig.trustDomain}, not ${trustDomain}`);
    }
  });

  let stopping = false;
  parts.elector = new LeaderElector({
    client,
    namespace: env.systemNamespace,
    name: LEASE,
    identity: holderIdentity(env.podName, address(env.podIp, port.control)),
    onStarted: (leading) =>
      lead(leading, parts, {
        ...certificates,
        source,
        sinks,
        reports,
        metrics,
        authority,
        trustDomain,
        createTrustDomain: env.trustDomain,
        leafLifetimeMs,
        systemNamespace: env.systemNamespace,
        dnsNames,
      }),
    onStopped: () => {
      if (!stopping) options.onEnd('the lease is lost');
    },
    onNewLeader: (leader) => log.info({ leader }, 'the leader is known'),
    onError: (error) => log.warn({ err: error }, 'the lease could not be looked at or renewed'),
  }).start();

  return {
    get isLeader() {
      return parts.elector?.isLeader ?? false;
    },
    healthPort: health.port,
    get controlPort() {
      return endpoint.port;
    },
    async stop() {
      stopping = true;
      await parts.elector?.stop();
      await endpoint.close();
      ownIdentity.stop();
      await Promise.all([authority.stop(), source.stop(), documents.stop(), status.stop(), recorder.stop()]);
      await health.close();
      client.close();
    },
  };
}
