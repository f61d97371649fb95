/** What the stations of both sides have in common. */
import type { Code } from '../../core/errors/index.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import type { DataPlane } from '../context.ts';
import { Allowance } from './allowance.ts';
import type { Load, Series } from '../telemetry/types.ts';
import type { Failure, Upstream } from './exchange/ends.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { ExchangeRecord } from './exchange/record.ts';
import { NO_FIELDS, type FieldList } from './exchange/message.ts';
import type { HttpConnection, Station } from './exchange/station.ts';
import { requestIds } from './requestIds.ts';
import type { Side } from './side.ts';
import type { Sweeper } from './sweeper.ts';

const IDLE_MS = 60_000;
/** Lines of the access log for requests that cannot be read. */
const UNREADABLE_LINES = { burst: 100, perSecond: 10 };

export abstract class HttpStation implements Station {
  readonly plane: DataPlane;
  readonly side: Side;
  readonly sweeper: Sweeper;
  readonly connections: Set<HttpConnection>;
  readonly load: Load;
  private readonly nextId = requestIds();
  private readonly unreadableLines = new Allowance(UNREADABLE_LINES);

  constructor(plane: DataPlane, side: Side) {
    this.plane = plane;
    this.side = side;
    this.sweeper = side.sweeper;
    this.connections = side.connections;
    this.load = side.load;
  }

  get running(): number {
    return this.side.requests;
  }
  set running(count: number) {
    this.side.requests = count;
  }
  idleMs(): number {
    return this.plane.config.current?.document.settings.idleTimeoutMs ?? IDLE_MS;
  }
  closing(): boolean {
    return this.side.stopping;
  }

  /** An identifier for a request that has none, so that the logs of all proxies on its way name it alike. */
  requestFields(exchange: Exchange): FieldList {
    if (exchange.request.hasRequestId) return NO_FIELDS;
    return ['x-request-id', (exchange.requestId = this.nextId())];
  }

  tunnelled(_exchange: Exchange, abort: (reason: Code) => void): () => void {
    this.side.tunnels.add(abort);
    return () => this.side.tunnels.delete(abort);
  }

  unreadable(): number {
    return this.unreadableLines.take();
  }

  http2Error(code: number, by: 'proxy' | 'peer'): void {
    this.side.http2Error(code, by);
  }
  boundReached(bound: string): void {
    this.side.boundReached(bound);
  }

  abstract wireOf(exchange: ExchangeRecord): Wire | undefined;
  abstract begin(exchange: Exchange): void;
  abstract again(exchange: Exchange, failure: Failure): boolean;
  abstract failed(exchange: Exchange, failure: Failure): void;
  abstract seriesOf(exchange: Exchange): Series;
  abstract responseCuts(upstream: Upstream): number;
  abstract disconnected(context: object): void;
}
