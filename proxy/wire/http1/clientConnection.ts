/** One connection to an application or a peer that speaks HTTP/1.x: carries one exchange at a time and is then kept. */
import type { Channel, Handler } from '../channel.ts';
import type { Series } from '../../telemetry/types.ts';
import type { Upstream } from '../exchange/ends.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { FieldList } from '../exchange/message.ts';
import type { Pool, Proven } from '../exchange/pool.ts';
import { StreamRequest } from '../streams/request.ts';
import { Accumulator } from './accumulator.ts';
import { Body, framing, type Framing } from './body.ts';
import { requestText, writeMessage } from './forward.ts';
import { requestTextOf, writeChunk, writeEnd } from './fromFields.ts';
import { HeadFirst } from './headFirst.ts';
import { DONE, MORE } from './head.ts';
import type { KeptConnections } from './keptConnections.ts';
import { limit } from './limits.ts';
import type { RequestHead } from './request.ts';
import { ResponseHead } from './response.ts';

export class ClientConnection implements Handler, Upstream {
  readonly channel: Channel;
  readonly pool: Pool;
  readonly serial: string;
  readonly series: Series | undefined;
  /** performance.now() when it became idle, and for how long it may be. */
  idleSince = 0;
  idleMs = 0;
  private readonly kept: KeptConnections;
  private readonly out: HeadFirst;
  private readonly head = new ResponseHead();
  private readonly content = new Body();
  private exchange: Exchange | undefined = undefined;
  /** Exchanges so far. */
  private served = 0;
  private partial: Accumulator | undefined = undefined;
  private inBody = false;
  /** What comes as DATA frames without a length goes as chunks. */
  private chunking = false;
  private interims = 0;
  private paused = false;

  constructor(channel: Channel, kept: KeptConnections, { pool, identity, serial }: { pool: Pool } & Proven) {
    this.channel = channel;
    this.kept = kept;
    this.pool = pool;
    this.serial = serial;
    this.series = pool.options.series(identity, 'http');
    this.out = new HeadFirst(channel);
    channel.handler = this;
  }

  /** True where a request may be sent without running into a close that is under way. */
  get usable(): boolean {
    return this.channel.usable;
  }

  // ---- from the exchange

  get responseBytes(): number {
    return this.content.size;
  }

  send(exchange: Exchange, chunks: readonly Buffer[], ended: boolean): boolean {
    this.exchange = exchange;
    this.inBody = false;
    this.interims = 0;
    this.head.reset();
    this.content.begin(framing.none, 0);
    const { request } = exchange;
    this.chunking = false;
    if (!(request instanceof StreamRequest))
      return writeMessage(this.channel, requestText(request as RequestHead, exchange), chunks);
    const bare = ended && chunks.length === 0;
    this.chunking = request.contentLength < 0 && !bare && !request.upgrading;
    const text = requestTextOf(request, { added: exchange.addedFields, chunking: this.chunking });
    let flowing = this.out.head(text, !bare);
    for (const chunk of chunks) flowing = this.body(chunk);
    return flowing;
  }

  body(bytes: Buffer): boolean {
    return this.chunking ? writeChunk(this.out, bytes) : this.out.write(bytes);
  }

  complete(trailers: FieldList | undefined): void {
    if (this.chunking) writeEnd(this.out, trailers);
    else this.out.flush();
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

  abandon(): void {
    this.destroy();
  }

  /** Leaves the pool: the channel belongs to whoever calls. */
  release(): Channel {
    this.exchange = undefined;
    this.kept.forget(this);
    return this.channel;
  }

  // ---- from the channel

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
    if (this.inBody && this.content.untilClose) {
      this.content.done = true;
      return this.finish(exchange, false);
    }
    this.fail('UPSTREAM_RESET', this.inBody ? 'the response was cut off' : 'closed before it answered');
  }

  drain(): void {
    this.exchange?.resumeRequest();
  }

  closed(error: Error | undefined): void {
    if (this.exchange === undefined) return this.kept.forget(this);
    this.fail('UPSTREAM_RESET', (error as NodeJS.ErrnoException | undefined)?.code ?? 'closed');
  }

  destroy(): void {
    this.exchange = undefined;
    this.kept.forget(this);
    this.channel.destroy();
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
      exchange.interim(this, this.head);
      if (this.exchange !== exchange) return;
      base = this.head.end;
      this.head.reset();
      if (base === bytes.length) return;
    }
  }

  /** Outside the mesh what cannot be read is passed on as it is. */
  private unreadable(bytes: Buffer, exchange: Exchange): void {
    if (exchange.transparent) return exchange.passThrough(this, bytes);
    this.fail('UPSTREAM_PROTOCOL_ERROR', this.head.problem || 'the response head is too large');
  }

  private beginBody(bytes: Buffer, exchange: Exchange): void {
    const { head, content } = this;
    if (switches(head, exchange)) return exchange.tunnel(this, head, bytes.subarray(head.end));
    if (head.status === 101)
      return this.fail('UPSTREAM_PROTOCOL_ERROR', 'switches protocols without being asked');
    content.begin(framingOf(head, exchange.request.method), head.contentLength);
    const after = content.read(bytes, head.end);
    if (after < 0) return this.fail('UPSTREAM_PROTOCOL_ERROR', content.problem);
    this.inBody = true;
    head.bodyEnd = after;
    head.untilClose = content.untilClose;
    exchange.response(this, head, content.done);
    head.dropText();
    // it may have been sent elsewhere instead
    if (this.exchange === exchange && content.done) this.finish(exchange, after === bytes.length);
  }

  private readBody(bytes: Buffer, exchange: Exchange): void {
    const { content } = this;
    const after = content.read(bytes, 0);
    if (after < 0) {
      if (exchange.transparent) return exchange.passThrough(this, bytes);
      return this.fail('UPSTREAM_PROTOCOL_ERROR', content.problem);
    }
    if (after > 0)
      exchange.responseBody(after === bytes.length ? bytes : bytes.subarray(0, after), content.done);
    if (this.exchange === exchange && content.done) this.finish(exchange, after === bytes.length);
  }

  /** `clean`: nothing came after the response. */
  private finish(exchange: Exchange, clean: boolean): void {
    const { head } = this;
    this.exchange = undefined;
    this.served++;
    if (!head.unprocessed) this.pool.served();
    this.resume();
    const { upgrading, method } = exchange.request;
    const leaving = upgrading || method === 'CONNECT';
    const whole =
      clean && !leaving && head.persists && !this.content.untilClose && exchange.downstream.requestComplete;
    // a peer whose application is gone would get the next request as well: another connection may lead elsewhere
    if (whole && !head.unprocessed) this.kept.keep(this, head.keepAliveSeconds);
    else this.destroy();
    exchange.complete();
  }
}

/** True where this response ends HTTP on the connection (RFC 9110, 7.8 and 9.3.6). */
function switches({ status }: ResponseHead, { request, transparent }: Exchange): boolean {
  if (status === 101) return request.upgrading || transparent;
  return request.method === 'CONNECT' && status >= 200 && status < 300;
}

/** RFC 9112, 6.3. */
function framingOf(head: ResponseHead, method: string): Framing {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return framing.none;
  if (head.chunked) return framing.chunked;
  return head.contentLength >= 0 ? framing.length : framing.close;
}
