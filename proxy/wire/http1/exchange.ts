/**
 * One request with its response, between a client connection and whatever upstream the station finds. There is one
 * per client connection, used again for each of its requests, so that a request allocates next to nothing.
 */
import { codes, type Code } from '../../../core/errors/index.ts';
import { bound } from '../bounds.ts';
import type { ClientConnection } from './clientConnection.ts';
import { otherResponseText, requestText, responseText, writeMessage, writeResponse } from './forward.ts';
import type { Pool } from './pool.ts';
import { ExchangeRecord } from './record.ts';
import { Replay } from './replay.ts';
import { reply, type RefusalDetail } from './replies.ts';
import type { ServerConnection } from './serverConnection.ts';
import type { Failure, Station } from './station.ts';
import { openTunnel } from './tunnel.ts';

export class Exchange extends ExchangeRecord {
  /** The station's knowledge of the client connection. */
  readonly context: object;
  /** Pass the bytes as they are: for destinations outside the mesh. */
  transparent = false;
  /** The client asks for another protocol, and may get it. */
  upgrading = false;
  /** The client connection carries on after this exchange. */
  persists = true;
  private readonly station: Station;
  private readonly replay = new Replay();
  private connectionInUse: ClientConnection | undefined;
  private pool: Pool | undefined;
  private giveUp: (() => void) | undefined;
  private running = false;
  /** Bytes of the final response have gone to the client. */
  private responded = false;
  /** An interim response has: the request can no longer be sent elsewhere without the client noticing. */
  private informed = false;
  private requestHead = '';

  constructor(connection: ServerConnection, station: Station, context: object) {
    super(connection);
    this.station = station;
    this.context = context;
  }

  /** The pool of the last attempt. */
  lastPool: Pool | undefined;

  /** Runs, and the client has got nothing of the final response. */
  get unanswered(): boolean {
    return this.running && !this.responded;
  }

  get requestComplete(): boolean {
    return this.connection.body.done;
  }

  // ---- from the client connection

  begin(body: Buffer | undefined): void {
    this.start();
    this.persists = this.request.persists;
    this.upgrading = this.request.upgrades && this.request.mayUpgrade;
    if (body !== undefined) this.replay.keep(body, true);
    this.station.begin(this);
  }

  requestBody(bytes: Buffer): void {
    if (!this.running) return;
    const upstream = this.connectionInUse;
    this.replay.keep(bytes, upstream === undefined);
    if (upstream === undefined || !upstream.channel.write(bytes)) this.connection.pause();
  }

  /** The body is not what it claims to be. */
  requestBroken(problem: string): void {
    if (!this.running) return;
    this.dropUpstream();
    if (this.responded) return this.abort('BAD_REQUEST');
    this.persists = false;
    this.refuse('BAD_REQUEST', { detail: problem });
  }

  clientGone(): void {
    if (!this.running) return;
    if (!this.responded) this.status = codes.CLIENT_CLOSED.status;
    this.flag ??= 'CLIENT_CLOSED';
    const upstream = this.connectionInUse;
    this.giveUp?.();
    this.end();
    upstream?.destroy();
  }

  resumeResponse(): void {
    this.connectionInUse?.resume();
  }

  /** Answers a request whose head or body could not be read. */
  refuseUnread(code: Code, detail: string): void {
    this.start();
    this.persists = false;
    this.refuse(code, detail === '' ? {} : { detail });
  }

  // ---- from the station

  /** Sends the request over a connection of `pool`, which the station has chosen. `fresh`: over a new one. */
  send(pool: Pool, fresh = false): void {
    this.pool = this.lastPool = pool;
    this.attempts++;
    this.upstream = pool.options.upstream;
    pool.active++;
    const kept = fresh ? undefined : pool.take(this.repeatable);
    if (kept !== undefined) return this.deliver(kept);
    this.giveUp = pool.connect({
      connected: (connection) => this.deliver(connection),
      connectFailed: (code, detail) =>
        this.attemptFailed({ code, detail, sent: false, reused: false, unprocessed: false }),
    });
  }

  /** Answers the request itself. */
  refuse(code: Code, detail: RefusalDetail = {}): void {
    this.flag = code;
    this.detail = detail.detail;
    this.status = codes[code].status;
    this.responded = true;
    // a body that is still coming would be taken for the next request
    if (!this.requestComplete || this.station.closing()) this.persists = false;
    const head = this.request.method === 'HEAD';
    this.connection.channel.write(reply(code, { ...detail, close: !this.persists, head }));
    this.finish();
  }

  // ---- from the upstream connection

  interim(upstream: ClientConnection): void {
    if (this.request.version === 10 && !this.transparent) return;
    if (upstream.head.status !== 100) this.informed = true;
    this.connection.channel.write(otherResponseText(this, upstream, this.station.responseCuts(upstream)));
  }

  /** The final response has begun: its head, and its body in `bytes` up to `after`. */
  response(upstream: ClientConnection, bytes: Buffer, after: number): void {
    const { head } = upstream;
    if (head.unprocessed && head.status === 503 && this.sentElsewhere(upstream)) return;
    this.responded = true;
    this.status = head.status;
    if (upstream.pool.options.trusted) this.flag = knownCode(head.reason);
    if (upstream.body.untilClose || this.station.closing()) this.persists = false;
    if (this.transparent && !head.persists) this.persists = false;
    // whether the body still comes is up to the client: nothing after it could be read safely
    if (this.request.expectContinue && !this.requestComplete) this.persists = false;
    const text = responseText(this, upstream, this.station.responseCuts(upstream));
    const from = head.base + head.first;
    if (!writeResponse(this.connection.channel, text, { bytes, from, end: head.end, after }))
      upstream.pause();
  }

  responseBody(bytes: Buffer): void {
    if (!this.connection.channel.write(bytes)) this.connectionInUse?.pause();
  }

  /** The response is complete. */
  complete(): void {
    if (!this.requestComplete) this.persists = false;
    this.finish();
  }

  resumeRequest(): void {
    this.connection.resume();
  }

  attemptFailed(failure: Failure): void {
    if (!this.running) return;
    this.giveUp = undefined;
    if (this.responded) return this.abort(failure.code);
    this.leaveUpstream();
    this.detail = failure.detail;
    if (this.replay.complete && !this.informed && this.station.again(this, failure)) return;
    this.station.failed(this, failure);
  }

  /** True where this response ends HTTP on the connection (RFC 9110, 7.8 and 9.3.6). */
  switches({ head: { status } }: ClientConnection): boolean {
    if (status === 101) return this.upgrading || this.transparent;
    return this.request.method === 'CONNECT' && status >= 200 && status < 300;
  }

  tunnel(upstream: ClientConnection, early: Buffer): void {
    this.connection.channel.write(otherResponseText(this, upstream, this.station.responseCuts(upstream)));
    this.leaveHttp(upstream, early);
  }

  /** Outside the mesh what cannot be read is passed on as it is: true where that was done. */
  passThrough(upstream: ClientConnection, bytes: Buffer): boolean {
    if (!this.transparent) return false;
    this.leaveHttp(upstream, bytes);
    return true;
  }

  // ---- the rest

  /** It can be sent a second time, whole and without harm, where a connection turns out to be closed. */
  private get repeatable(): boolean {
    const { idempotent, chunked, contentLength } = this.request;
    return idempotent && !chunked && contentLength <= bound.replayBytes;
  }

  private start(): void {
    this.startRecord();
    this.running = true;
    this.station.running++;
    this.responded = this.informed = this.upgrading = false;
    this.requestHead = '';
    this.replay.reset();
  }

  private deliver(connection: ClientConnection): void {
    this.giveUp = undefined;
    this.connectionInUse = connection;
    connection.begin(this);
    if (this.requestHead === '') this.requestHead = requestText(this, this.station.requestLines(this));
    const flowing = writeMessage(connection.channel, this.requestHead, this.replay.chunks);
    this.replay.sent();
    if (this.requestComplete) return;
    if (flowing) this.connection.resume();
    else this.connection.pause();
  }

  /** The peer could not hand the request over, and nothing of its answer has reached the client. */
  private sentElsewhere(upstream: ClientConnection): boolean {
    if (!upstream.pool.options.trusted || !this.replay.complete || this.informed) return false;
    upstream.pool.avoid();
    const code = knownCode(upstream.head.reason) ?? 'APPLICATION_UNAVAILABLE';
    // what comes of the body meanwhile is for the next connection, and has to wait for it
    this.connectionInUse = undefined;
    if (!this.station.again(this, { code, detail: '', sent: true, reused: false, unprocessed: true })) {
      this.connectionInUse = upstream;
      return false;
    }
    upstream.pool.active--;
    upstream.destroy();
    return true;
  }

  private leaveHttp(upstream: ClientConnection, fromUpstream: Buffer): void {
    const { station, pool } = this;
    const series = upstream.series ?? station.seriesOf(this);
    const fromClient = this.connection.release();
    this.status = upstream.head.status;
    // the tunnel goes on counting for the endpoint
    this.pool = undefined;
    this.end();
    openTunnel({ exchange: this, station, upstream, pool, series, fromClient, fromUpstream });
  }

  private dropUpstream(): void {
    const upstream = this.connectionInUse;
    this.giveUp?.();
    this.giveUp = undefined;
    this.leaveUpstream();
    upstream?.destroy();
  }

  private leaveUpstream(): void {
    this.connectionInUse = undefined;
    if (this.pool !== undefined) this.pool.active--;
    this.pool = undefined;
  }

  /** A response that was begun cannot be finished. */
  private abort(code: Code): void {
    const upstream = this.connectionInUse;
    this.flag = code;
    this.end();
    upstream?.destroy();
    this.connection.abort();
  }

  private finish(): void {
    this.end();
    this.connection.finished(this.persists);
  }

  private end(): void {
    this.running = false;
    this.station.running--;
    const upstream = this.connectionInUse;
    this.leaveUpstream();
    this.endRecord(upstream?.series ?? this.station.seriesOf(this), upstream?.body.size ?? 0);
    this.requestHead = '';
    this.replay.reset();
  }
}

const knownCode = (reason: string): Code | undefined =>
  reason !== '' && Object.hasOwn(codes, reason) ? (reason as Code) : undefined;
