/** One connection to an application or a peer that speaks HTTP/1.x: carries one exchange at a time and is then kept. */
import type { Channel, Handler } from '../channel.ts';
import type { Series } from '../../telemetry/types.ts';
import { Accumulator } from './accumulator.ts';
import { Body, framing, type Framing } from './body.ts';
import type { Exchange } from './exchange.ts';
import { DONE, MORE } from './head.ts';
import { limit } from './limits.ts';
import type { Pool } from './pool.ts';
import { ResponseHead } from './response.ts';

export class ClientConnection implements Handler {
  readonly channel: Channel;
  readonly pool: Pool;
  /** SPIFFE id that the peer proved; '' in plain text. */
  readonly identity: string;
  /** Serial of our certificate on this connection; '' in plain text. */
  readonly serial: string;
  /** Where exchanges over this connection are counted. */
  readonly series: Series | undefined;
  readonly head = new ResponseHead();
  readonly body = new Body();
  exchange: Exchange | undefined;
  /** Exchanges so far. */
  served = 0;
  /** performance.now() when it became idle, and for how long it may be. */
  idleSince = 0;
  idleMs = 0;
  private partial: Accumulator | undefined;
  private inBody = false;
  private interims = 0;
  private paused = false;

  constructor(channel: Channel, pool: Pool, { identity, serial }: { identity: string; serial: string }) {
    this.channel = channel;
    this.pool = pool;
    this.identity = identity;
    this.serial = serial;
    this.series = pool.options.series(identity, 'http');
    channel.handler = this;
  }

  /** Makes ready for a response to `exchange`; the caller then writes the request. */
  begin(exchange: Exchange): void {
    this.exchange = exchange;
    this.inBody = false;
    this.interims = 0;
    this.head.reset();
  }

  /** True where a request may be sent without running into a close that is under way. */
  get usable(): boolean {
    return this.channel.usable;
  }

  data(bytes: Buffer): void {
    const { exchange } = this;
    // nobody asked: whatever it is, the next response could not be told from it
    if (exchange === undefined) return this.destroy();
    if (this.inBody) return this.readBody(bytes, exchange);
    this.readHead(this.partial === undefined ? bytes : this.partial.append(bytes), exchange);
  }

  end(): void {
    const { exchange } = this;
    if (exchange === undefined) return this.destroy();
    if (this.inBody && this.body.untilClose) {
      this.body.done = true;
      return this.complete(exchange, false);
    }
    this.fail('UPSTREAM_RESET', this.inBody ? 'the response was cut off' : 'closed before it answered');
  }

  drain(): void {
    this.exchange?.resumeRequest();
  }

  closed(error: Error | undefined): void {
    if (this.exchange === undefined) return this.pool.forget(this);
    this.fail('UPSTREAM_RESET', (error as NodeJS.ErrnoException | undefined)?.code ?? 'closed');
  }

  pause(): void {
    this.paused = true;
    this.channel.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.channel.resume();
  }

  destroy(): void {
    this.exchange = undefined;
    this.pool.forget(this);
    this.channel.destroy();
  }

  /** Leaves the pool: the channel belongs to whoever calls. */
  release(): Channel {
    this.exchange = undefined;
    this.pool.forget(this);
    return this.channel;
  }

  private fail(code: 'UPSTREAM_RESET' | 'UPSTREAM_PROTOCOL_ERROR', detail: string): void {
    const { exchange } = this;
    // one that was opened before it was known to carry HTTP has waited as well
    const reused = this.served > 0 || this.idleSince > 0;
    this.destroy();
    exchange?.attemptFailed({ code, detail, sent: true, reused, unprocessed: false });
  }

  private readHead(bytes: Buffer, exchange: Exchange): void {
    let base = 0;
    for (;;) {
      const outcome = this.head.read(bytes, base);
      if (outcome === MORE) {
        if (this.partial === undefined || base > 0) this.partial = new Accumulator(bytes.subarray(base));
        return;
      }
      if (outcome !== DONE) return this.unreadable(bytes.subarray(base), exchange);
      this.partial = undefined;
      if (!this.head.interim) return this.beginBody(bytes, exchange);
      if (++this.interims > limit.interimResponses)
        return this.fail('UPSTREAM_PROTOCOL_ERROR', 'too many 1xx responses');
      exchange.interim(this);
      if (this.exchange !== exchange) return;
      base = this.head.end;
      this.head.reset();
      if (base === bytes.length) return;
    }
  }

  private unreadable(bytes: Buffer, exchange: Exchange): void {
    if (exchange.passThrough(this, bytes)) return;
    this.fail('UPSTREAM_PROTOCOL_ERROR', this.head.problem || 'the response head is too large');
  }

  private beginBody(bytes: Buffer, exchange: Exchange): void {
    const { head, body } = this;
    if (exchange.switches(this)) return exchange.tunnel(this, bytes.subarray(head.end));
    if (head.status === 101)
      return this.fail('UPSTREAM_PROTOCOL_ERROR', 'switches protocols without being asked');
    body.begin(framingOf(head, exchange.request.method), head.contentLength);
    const after = body.read(bytes, head.end);
    if (after < 0) return this.fail('UPSTREAM_PROTOCOL_ERROR', body.problem);
    this.inBody = true;
    exchange.response(this, bytes, after);
    // it may have been sent elsewhere instead
    if (this.exchange === exchange && body.done) this.complete(exchange, after === bytes.length);
  }

  private readBody(bytes: Buffer, exchange: Exchange): void {
    const after = this.body.read(bytes, 0);
    if (after < 0) {
      if (!exchange.passThrough(this, bytes)) this.fail('UPSTREAM_PROTOCOL_ERROR', this.body.problem);
      return;
    }
    if (after > 0) exchange.responseBody(after === bytes.length ? bytes : bytes.subarray(0, after));
    if (this.exchange === exchange && this.body.done) this.complete(exchange, after === bytes.length);
  }

  /** `clean`: nothing came after the response. */
  private complete(exchange: Exchange, clean: boolean): void {
    const { head } = this;
    this.exchange = undefined;
    this.served++;
    if (!head.unprocessed) this.pool.served();
    this.resume();
    const whole = clean && head.persists && !this.body.untilClose && exchange.requestComplete;
    // a peer whose application is gone would get the next request as well: another connection may lead elsewhere
    if (whole && !head.unprocessed) this.pool.keep(this, head.keepAliveSeconds);
    else this.destroy();
    exchange.complete();
  }
}

/** RFC 9112, 6.3. */
function framingOf(head: ResponseHead, method: string): Framing {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return framing.none;
  if (head.chunked) return framing.chunked;
  return head.contentLength >= 0 ? framing.length : framing.close;
}
