/** A side of a proxy that leaves each exchange to the test, and keeps what is told of it. */
import type { ExchangeEnd, LogFields, Series } from '../../../telemetry/types.ts';
import type { Upstream } from '../../exchange/ends.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { HttpConnection, Station } from '../../exchange/station.ts';
import { Sweeper } from '../../sweeper.ts';

export class TestStation implements Station {
  readonly sweeper = new Sweeper();
  readonly connections = new Set<HttpConnection>();
  readonly load = { pending: 0, bufferedBytes: 0, heldBytes: 0, acceptedStreams: 0, openedStreams: 0 };
  readonly exchanges: Exchange[] = [];
  readonly ends: ExchangeEnd[] = [];
  /** `method path: detail` of each line in the access log. */
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly bounds: string[] = [];
  running = 0;
  /** What `unreadable` gives. */
  skipped = 0;
  private readonly series: Series = {
    exchange: (end: ExchangeEnd, log: LogFields | undefined) => {
      this.ends.push(end);
      if (log) this.lines.push(`${log.method} ${log.path}: ${log.detail}`);
    },
    connection: () => {},
  };

  begin(exchange: Exchange): void {
    this.exchanges.push(exchange);
  }
  idleMs = () => 1e9;
  closing = () => false;
  again = () => false;
  failed: Station['failed'] = (exchange, { code }) => exchange.refuse(code);
  seriesOf = () => this.series;
  requestFields = () => [];
  responseCuts = () => 0;
  wireOf = () => undefined;
  unreadable = () => this.skipped;
  http2Error = (code: number, by: string) => void this.errors.push(`${by} ${code}`);
  boundReached = (bound: string) => void this.bounds.push(bound);
  disconnected = () => {};
  tunnelled = () => () => {};
}

/** A server that takes what it is given, at the pace that the test says. */
export class TestUpstream {
  flowing = true;
  taken = '';
  abandoned = false;
  readonly pool = { options: {} };
  readonly series = undefined;
  readonly responseBytes = 0;

  /** Gives it to the exchange, as a pool would. */
  deliverTo(exchange: Exchange): this {
    exchange.deliver(this as unknown as Upstream);
    return this;
  }
  send(_exchange: Exchange, chunks: readonly Buffer[]): boolean {
    this.taken += Buffer.concat(chunks).toString();
    return this.flowing;
  }
  body(bytes: Buffer): boolean {
    this.taken += bytes.toString();
    return this.flowing;
  }
  complete(): void {}
  pause(): void {}
  resume(): void {}
  abandon(): void {
    this.abandoned = true;
  }
}
