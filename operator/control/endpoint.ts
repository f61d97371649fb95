/**
 * The control server of this replica: up as soon as there is an identity to prove, following each renewal; and, while
 * another replica leads, what tells that one.
 */
import type { Logger } from 'pino';
import type { Snapshot } from '../../core/model/index.ts';
import type { Clock } from '../../kube/index.ts';
import type { OperatorIdentity, OwnIdentity } from '../controllers/operatorIdentity.ts';
import type { ListenAddress } from '../http.ts';
import type { OperatorMetrics } from '../metrics.ts';
import { countEvents } from './events.ts';
import { Forwarder } from './forwarder.ts';
import { identifyPeer } from './identify.ts';
import type { ReportRegistry } from './reports.ts';
import { startControlServer, type ControlServer } from './server.ts';
import { Streams } from './streams.ts';
import type { ConfigSource, Leadership } from './types.ts';

export interface ControlEndpointOptions {
  readonly address: ListenAddress;
  readonly identity: OperatorIdentity;
  readonly trustDomain: string;
  readonly systemNamespace: string;
  readonly reports: ReportRegistry;
  readonly snapshot: () => Snapshot | undefined;
  /** What is sent. `usedBy`: the services of other namespaces that a workload uses. */
  readonly mesh: ConfigSource & { usedBy(workload: string): ReadonlySet<string> };
  readonly leadership: () => Leadership;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  /** The address cannot be bound. */
  readonly onFailed: (error: Error) => void;
}

export class ControlEndpoint {
  readonly #options: ControlEndpointOptions;
  readonly #streams: Streams;
  readonly #forwarder: Forwarder;
  #server: ControlServer | undefined;
  #starting = false;
  #newest: OwnIdentity | undefined;
  #closed = false;

  constructor(options: ControlEndpointOptions) {
    this.#options = options;
    const { reports, mesh, leadership, identity, clock, log } = options;
    this.#streams = new Streams({ source: mesh, clock });
    this.#forwarder = new Forwarder({
      reports,
      leadership,
      identity: () => identity.current,
      workloads: () => this.#streams.workloads(),
      used: (workload) => mesh.usedBy(workload),
      clock,
      random: Math.random,
      log,
    });
  }

  /** Bound port; undefined until there is an identity. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  connections(): number {
    return this.#server?.connections() ?? 0;
  }

  /** Begins to follow the identity, which may come later. */
  start(): void {
    const { identity } = this.#options;
    identity.subscribe((own) => this.#take(own));
    if (identity.current) this.#take(identity.current);
    this.#forwarder.start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#forwarder.stop();
    this.#streams.stop();
    await this.#server?.close();
  }

  #take(own: OwnIdentity): void {
    this.#newest = own;
    if (this.#server) this.#server.setIdentity(own);
    else if (!this.#starting) void this.#listen(own);
  }

  async #listen(own: OwnIdentity): Promise<void> {
    const { trustDomain, mesh, log, metrics, onFailed } = this.#options;
    this.#starting = true;
    try {
      const server = await startControlServer({
        ...this.#options,
        identity: own,
        identify: (certificate) => identifyPeer(certificate, trustDomain),
        source: mesh,
        streams: this.#streams,
        events: countEvents(metrics, log, this.#options.clock),
        onUsed: (workload) => this.#forwarder.used(workload),
        onRefused: (reason, detail) => {
          metrics.refusedConnections.inc({ reason });
          log.debug({ reason, detail }, 'a connection was turned away');
        },
      });
      if (this.#newest && this.#newest !== own) server.setIdentity(this.#newest);
      this.#server = server;
      log.info({ port: server.port, identity: own.spiffeId }, 'serves the configuration stream');
      if (this.#closed) await server.close();
    } catch (error) {
      onFailed(error as Error);
    }
  }
}
