/** The control server of this replica: up as soon as there is an identity to prove, following each renewal. */
import type { Logger } from 'pino';
import type { Snapshot } from '../../core/model/index.ts';
import type { Clock } from '../../kube/index.ts';
import type { OperatorIdentity, OwnIdentity } from '../controllers/operatorIdentity.ts';
import type { ListenAddress } from '../http.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { Leadership } from './exchange.ts';
import { identifyPeer } from './identify.ts';
import type { ReportRegistry } from './reports.ts';
import { startControlServer, type ControlServer } from './server.ts';

export interface ControlEndpointOptions {
  readonly address: ListenAddress;
  readonly identity: OperatorIdentity;
  readonly trustDomain: string;
  readonly reports: ReportRegistry;
  readonly snapshot: () => Snapshot | undefined;
  readonly leadership: () => Leadership;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  /** The address cannot be bound. */
  readonly onFailed: (error: Error) => void;
}

export class ControlEndpoint {
  readonly #options: ControlEndpointOptions;
  #server: ControlServer | undefined;
  #starting = false;
  #newest: OwnIdentity | undefined;
  #closed = false;

  constructor(options: ControlEndpointOptions) {
    this.#options = options;
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
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#server?.close();
  }

  #take(own: OwnIdentity): void {
    this.#newest = own;
    if (this.#server) this.#server.setIdentity(own);
    else if (!this.#starting) void this.#listen(own);
  }

  async #listen(own: OwnIdentity): Promise<void> {
    const { address, trustDomain, reports, snapshot, leadership, clock, log, metrics, onFailed } =
      this.#options;
    this.#starting = true;
    try {
      const server = await startControlServer({
        address,
        identity: own,
        identify: (certificate) => identifyPeer(certificate, trustDomain),
        reports,
        snapshot,
        leadership,
        now: () => clock.now(),
        onAnswer: (code, peer) => {
          metrics.reports.inc({ code });
          if (code === 'REPORT_REFUSED') log.warn({ code, ...peer }, 'a report was refused');
        },
        onRefused: (reason, detail) => {
          metrics.refusedConnections.inc({ reason });
          log.debug({ reason, detail }, 'a connection was turned away');
        },
      });
      if (this.#newest && this.#newest !== own) server.setIdentity(this.#newest);
      this.#server = server;
      log.info({ port: server.port, identity: own.spiffeId }, 'takes reports of proxies');
      if (this.#closed) await server.close();
    } catch (error) {
      onFailed(error as Error);
    }
  }
}
