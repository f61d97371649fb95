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
import type { Snapshot } from '../core/model/index.ts';
import { SYSTEM_NAMESPACE } from '../core/model/names.ts';
import { systemClock } from '../kube/index.ts';
import { FileSource } from '../sources/index.ts';
import { OperatorIdentity } from './controllers/operatorIdentity.ts';
import { ControlEndpoint } from './control/endpoint.ts';
import { ReportRegistry } from './control/reports.ts';
import { FileAuthority } from './files/fileAuthority.ts';
import { FileIdentities } from './files/fileIdentities.ts';
import { documentHash } from './hash.ts';
import { makeMesh, type RunningMesh } from './makeMesh.ts';
import { OperatorMetrics } from './metrics.ts';
import { Reconciler } from './reconcile.ts';
import { FileDocuments } from './sinks/fileDocuments.ts';
import { FileStatus } from './sinks/fileStatus.ts';
import type { Sinks } from './sinks/types.ts';

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
  /** Undefined until reports are taken. */
  readonly controlPort: number | undefined;
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 2_000;

/** Resolves once documents and certificates are being written and reports are taken. */
export async function runFileOperator(options: FileOperatorOptions): Promise<FileOperator> {
  await mkdir(options.outDir, { recursive: true, mode: 0o700 });
  const { log, trustDomain = 'cluster.local' } = options;
  const source = new FileSource({
    paths: [options.sourceDir],
    systemNamespace: SYSTEM_NAMESPACE,
    clusterDomain: 'cluster.local',
    trustDomain,
    onError: (error) => log.warn({ error: String(error) }, 'a file cannot be used'),
  });
  const documents = new FileDocuments(options.outDir, documentHash);
  const [first] = await Promise.all([source.start(), documents.start()]);
  const operator = new LocalOperator(options, { source, documents, first });
  await operator.start();
  return operator;
}

interface Inputs {
  readonly source: FileSource;
  readonly documents: FileDocuments;
  readonly first: Snapshot;
}

class LocalOperator implements FileOperator {
  readonly #inputs: Inputs;
  readonly #reports = new ReportRegistry({ now: () => systemClock.now() });
  readonly #status: FileStatus;
  readonly #authority: FileAuthority;
  readonly #ownIdentity: OperatorIdentity;
  readonly #identities: FileIdentities;
  readonly #running: RunningMesh;
  readonly #reconciler: Reconciler;
  readonly #endpoint: ControlEndpoint;

  constructor(options: FileOperatorOptions, inputs: Inputs) {
    const { outDir, log } = options;
    const { source, first } = inputs;
    this.#inputs = inputs;
    this.#status = new FileStatus(outDir);
    const { trustDomain } = first.meshConfig;
    const lifetimeMs = (which: 'leafLifetime' | 'intermediateLifetime') => (): number =>
      durationMs((source.current ?? first).meshConfig.identity[which]);
    const random = (size: number): Uint8Array => randomBytes(size);
    const issuing = {
      trustDomain,
      source: () => ({ now: new Date(systemClock.now()), random, generateKey }),
    };
    const context = { clock: systemClock, log };
    this.#authority = new FileAuthority({
      ...issuing,
      path: join(outDir, 'authority.json'),
      intermediateLifetimeMs: lifetimeMs('intermediateLifetime'),
    });
    this.#ownIdentity = new OperatorIdentity({
      ...context,
      randomBytes: random,
      authority: this.#authority,
      trustDomain,
      namespace: SYSTEM_NAMESPACE,
      leafLifetimeMs: lifetimeMs('leafLifetime'),
    });
    const metrics = this.#metrics();
    this.#identities = new FileIdentities({
      ...context,
      ...issuing,
      out: outDir,
      authority: this.#authority,
      leafLifetimeMs: lifetimeMs('leafLifetime'),
      onWritten: () => metrics.writes.inc({ kind: 'Identity' }),
    });
    this.#running = makeMesh({
      inPlace: inputs.documents,
      reports: this.#reports,
      metrics: () => metrics,
      log,
    });
    this.#reconciler = new Reconciler({
      ...context,
      mesh: this.#running.mesh,
      sinks: this.#sinks(),
      reports: this.#reports,
      hash: documentHash,
      metrics,
      trustDomain,
      owners: false,
    });
    this.#endpoint = new ControlEndpoint({
      ...context,
      address: options.controlAddress,
      identity: this.#ownIdentity,
      trustDomain,
      systemNamespace: SYSTEM_NAMESPACE,
      reports: this.#reports,
      snapshot: () => source.current,
      mesh: this.#running.mesh,
      leadership: () => ({ leading: true }),
      metrics,
      onFailed: (error) => options.onFailed?.(error),
    });
  }

  get controlPort(): number | undefined {
    return this.#endpoint.port;
  }

  async start(): Promise<void> {
    await this.#authority.start();
    this.#endpoint.start();
    this.#ownIdentity.start();
    this.#inputs.source.onSnapshot((snapshot) => {
      this.#status.observe(snapshot);
      this.#running.mesh.take(snapshot);
      this.#identities.setDesired(
        identitiesOf(snapshot).map(({ namespace, name }) => ({ namespace, serviceAccount: name })),
      );
    });
  }

  async stop(): Promise<void> {
    await this.#inputs.source.stop();
    this.#running.stop();
    this.#ownIdentity.stop();
    await this.#endpoint.close();
    await Promise.all([this.#identities.stop(), this.#reconciler.stop(STOP_GRACE_MS)]);
  }

  #sinks(): Sinks {
    return {
      documents: this.#inputs.documents,
      status: this.#status,
      // proxies watch the files themselves
      refresh: { refresh: () => Promise.resolve() },
      // controllers/events.ts has written them to the log already
      events: { warn: () => undefined },
    };
  }

  #metrics(): OperatorMetrics {
    return new OperatorMetrics({
      leading: () => true,
      connections: () => this.#endpoint.connections(),
      reports: () => this.#reports.counts(),
      depths: () => this.#reconciler.depths(),
    });
  }
}
