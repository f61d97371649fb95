/**
 * The operator without a cluster: resources from YAML, results into a folder, and the same compile, the same
 * certificates and the same control server in between.
 *
 *   <out>/<namespace>/weft.<kind>.<name>/config.json          as kubelet would mount them, for proxies to watch
 *   <out>/<namespace>/weft.directory/directory.json
 *   <out>/<namespace>/weft.serviceaccount.<name>/tls.crt …
 *   <out>/status.json                                          status of every resource, by `namespace/name`
 *   <out>/authority.json                                       root and intermediate with their keys
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { generateKey } from '../certs/request/index.ts';
import { identitiesOf } from '../core/compile/index.ts';
import { durationMs } from '../core/api/index.ts';
import { SYSTEM_NAMESPACE } from '../core/model/names.ts';
import { systemClock } from '../kube/index.ts';
import { FileSource } from '../sources/index.ts';
import { OperatorIdentity } from './controllers/operatorIdentity.ts';
import { ControlEndpoint } from './control/endpoint.ts';
import { ReportRegistry } from './control/reports.ts';
import { FileAuthority } from './files/fileAuthority.ts';
import { FileIdentities } from './files/fileIdentities.ts';
import { documentHash } from './hash.ts';
import { OperatorMetrics } from './metrics.ts';
import { Reconciler } from './reconcile.ts';
import { FileDocuments } from './sinks/fileDocuments.ts';
import { FileStatus } from './sinks/fileStatus.ts';

export interface FileOperatorOptions {
  /** Folder of YAML and JSON files, watched. */
  readonly sourceDir: string;
  readonly outDir: string;
  /** Where proxies report. */
  readonly controlAddress: { readonly host: string; readonly port: number };
  readonly log: Logger;
  /** Until a MeshConfig says otherwise; default `cluster.local`. */
  readonly trustDomain?: string;
  /** The control port cannot be bound. */
  readonly onFailed?: (error: Error) => void;
}

export interface FileOperator {
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 2_000;

/** Resolves once documents and certificates are being written and reports are taken. */
export async function runFileOperator(options: FileOperatorOptions): Promise<FileOperator> {
  const { outDir, log, trustDomain: initial = 'cluster.local' } = options;
  const clock = systemClock;
  await mkdir(outDir, { recursive: true, mode: 0o700 });
  const source = new FileSource({
    paths: [options.sourceDir],
    systemNamespace: SYSTEM_NAMESPACE,
    clusterDomain: 'cluster.local',
    trustDomain: initial,
    onError: (error) => log.warn({ err: error }, 'a file cannot be used'),
  });
  const documents = new FileDocuments(outDir, documentHash);
  const status = new FileStatus(outDir);
  const [snapshot] = await Promise.all([source.start(), documents.start()]);
  const { trustDomain } = snapshot.meshConfig;
  const meshConfig = (): typeof snapshot.meshConfig => (source.current ?? snapshot).meshConfig;
  const reports = new ReportRegistry({ now: () => clock.now() });

  const random = (size: number): Uint8Array => randomBytes(size);
  const issuing = () => ({ now: new Date(clock.now()), random, generateKey });
  const leafLifetimeMs = (): number => durationMs(meshConfig().identity.leafLifetime);
  const authority = new FileAuthority({
    path: join(outDir, 'authority.json'),
    trustDomain,
    source: issuing,
    intermediateLifetimeMs: () => durationMs(meshConfig().identity.intermediateLifetime),
  });
  await authority.start();
  const ownIdentity = new OperatorIdentity({
    clock,
    log,
    randomBytes: random,
    authority,
    trustDomain,
    namespace: SYSTEM_NAMESPACE,
    leafLifetimeMs,
  });

  const parts: { endpoint?: ControlEndpoint; reconciler?: Reconciler } = {};
  const metrics = new OperatorMetrics({
    leading: () => true,
    connections: () => parts.endpoint?.connections() ?? 0,
    reports: () => reports.counts(),
    depths: () => parts.reconciler?.depths() ?? {},
  });
  const reconciler = new Reconciler({
    sinks: {
      documents,
      status,
      // proxies watch the files themselves
      refresh: { refresh: () => Promise.resolve() },
      // events.ts has written them to the log already
      events: { warn: () => undefined },
    },
    reports,
    hash: documentHash,
    clock,
    log,
    metrics,
    trustDomain,
    owners: false,
  });
  const identities = new FileIdentities({
    out: outDir,
    authority,
    trustDomain,
    leafLifetimeMs,
    source: issuing,
    clock,
    log,
    onWritten: () => metrics.writes.inc({ kind: 'Identity' }),
  });
  const endpoint = new ControlEndpoint({
    address: options.controlAddress,
    identity: ownIdentity,
    trustDomain,
    reports,
    snapshot: () => source.current,
    leadership: () => ({ leading: true }),
    clock,
    log,
    metrics: () => metrics,
    onFailed: (error) => {
      log.error({ err: error }, 'the control port cannot be bound');
      options.onFailed?.(error);
    },
  });
  Object.assign(parts, { endpoint, reconciler });
  endpoint.start();
  ownIdentity.start();
  source.onSnapshot((next) => {
    status.observe(next);
    reconciler.observe(next);
    identities.setDesired(
      identitiesOf(next).map(({ namespace, name }) => ({ namespace, serviceAccount: name })),
    );
  });
  return {
    async stop() {
      await source.stop();
      ownIdentity.stop();
      await endpoint.close();
      await Promise.all([identities.stop(), reconciler.stop(STOP_GRACE_MS)]);
    },
  };
}
