/** What is told of an exchange when it is over. */
import type { Code } from '../../../core/errors/index.ts';
import type { Wire } from '../../../core/proxyConfig/index.ts';
import type { LogFields, Series, Verdict } from '../../telemetry/types.ts';
import type { Downstream } from './ends.ts';
import type { Request } from './message.ts';
import type { Pool } from './pool.ts';
import type { Station } from './station.ts';

/** The access log reads these fields only when a line is written: a request that is not logged pays nothing. */
export abstract class ExchangeRecord implements LogFields {
  readonly downstream: Downstream;
  readonly station: Station;
  attempts = 0;
  verdict: Verdict | undefined = undefined;
  detail: string | undefined = undefined;
  /** `address:port` that was dialled last. */
  upstream = '';
  /** What the application said it came to; undefined where it is not gRPC or said nothing. */
  grpcStatus: number | undefined = undefined;
  /** The station's knowledge of the client connection. */
  readonly context: object;
  /** The pool of the last attempt. */
  lastPool: Pool | undefined = undefined;
  protected status = 0;
  protected flag: Code | undefined = undefined;
  /** It may have a line in the access log. */
  protected logged = true;
  private startedAt = 0;
  private id = '';

  constructor(downstream: Downstream, station: Station, context: object) {
    this.downstream = downstream;
    this.station = station;
    this.context = context;
  }

  get request(): Request {
    return this.downstream.request;
  }
  get protocol(): string {
    return this.request.protocolName;
  }
  get wire(): Wire | undefined {
    return this.station.wireOf(this);
  }
  get method(): string {
    return this.request.method;
  }
  get path(): string {
    return this.request.path;
  }
  get host(): string {
    return this.request.authority;
  }
  get peer(): string {
    return this.downstream.peer;
  }
  get requestId(): string {
    return this.id === '' ? this.request.requestId : this.id;
  }
  set requestId(id: string) {
    this.id = id;
  }
  get traceparent(): string {
    return this.request.traceparent;
  }

  protected startRecord(): void {
    this.attempts = this.status = 0;
    this.verdict = this.detail = this.flag = this.grpcStatus = undefined;
    this.id = this.upstream = '';
    this.logged = true;
    this.startedAt = performance.now();
  }

  protected endRecord(series: Series, responseBytes: number): void {
    series.exchange(
      {
        status: this.status,
        durationMs: performance.now() - this.startedAt,
        requestBytes: this.downstream.requestBytes,
        responseBytes,
        flag: this.flag,
        attempts: this.attempts,
        grpcStatus: this.grpcStatus,
      },
      this.logged ? this : undefined,
    );
  }
}
