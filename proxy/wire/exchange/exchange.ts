/**
 * One request with its response, between the client that sent it and whatever upstream the station finds. It knows
 * neither protocol: both ends may be HTTP/1.x or HTTP/2.
 */
import { codes, grpcStatusOf, type Code } from '../../../core/errors/index.ts';
import { bound } from '../bounds.ts';
import type { Failure, Released, Upstream } from './ends.ts';
import { NO_FIELDS, type FieldList, type Response } from './message.ts';
import type { Pool } from './pool.ts';
import { ExchangeRecord } from './record.ts';
import { knownCode, type RefusalDetail } from './refusal.ts';
import { Replay } from './replay.ts';
import { openTunnel } from './tunnel.ts';

export class Exchange extends ExchangeRecord {
  /** The station's knowledge of this exchange. */
  notes: object | undefined = undefined;
  /** Pools that were tried and did not serve. */
  readonly tried: Pool[] = [];
  /** Pass the bytes as they are: for destinations outside the mesh. */
  transparent = false;
  /**
   * Names of fields that came never-indexed in a section of HTTP/2, of the request or of a response: they are passed on
   * as such (RFC 7541, 7.1.3).
   */
  neverIndexed: FieldList = NO_FIELDS;
  /** Speak HTTP/2 to a server that is reached without the mesh's own wire. */
  overHttp2 = false;
  private readonly replay = new Replay();
  private end: Upstream | undefined = undefined;
  private pool: Pool | undefined = undefined;
  private giveUp: (() => void) | undefined = undefined;
  private running = false;
  /** For a connection, or a stream of one. */
  private waiting = false;
  /** Bytes of the final response have gone to the client. */
  private responded = false;
  /** An interim response has: the request can no longer be sent elsewhere without the client noticing. */
  private informed = false;
  private added: FieldList | undefined = undefined;

  /** Runs, and the client has got nothing of the final response. */
  get unanswered(): boolean {
    return this.running && !this.responded;
  }

  /** It can be sent a second time, whole and without harm, where a connection turns out to be closed. */
  get repeatable(): boolean {
    const { idempotent, chunked, contentLength } = this.request;
    return idempotent && !chunked && contentLength <= bound.replayBytes;
  }

  /** Fields that the station adds to the request: the same for each attempt. */
  get addedFields(): FieldList {
    return (this.added ??= this.transparent ? NO_FIELDS : this.station.requestFields(this));
  }

  // ---- from the client

  begin(body: Buffer | undefined): void {
    this.start();
    if (body !== undefined) this.replay.keep(body, true);
    this.station.begin(this);
  }

  /** `ended`: the request is complete with these bytes, and with `trailers` where the protocol carries them apart. */
  requestBody(bytes: Buffer, ended: boolean, trailers?: FieldList): void {
    if (!this.running) return;
    const upstream = this.end;
    this.replay.keep(bytes, upstream === undefined);
    this.replay.trailers = trailers;
    if (upstream === undefined) return this.downstream.pause();
    const flowing = bytes.length === 0 || upstream.body(bytes, ended && trailers === undefined);
    if (ended) upstream.complete(trailers);
    else if (!flowing) this.downstream.pause();
  }

  /** The body is not what it claims to be, or does not come. */
  requestBroken(code: 'BAD_REQUEST' | 'REQUEST_TIMEOUT', problem: string): void {
    if (!this.running) return;
    this.dropUpstream();
    if (this.responded) return this.abort(code);
    this.refuse(code, { detail: problem });
  }

  clientGone(resetCode?: number): void {
    if (!this.running) return;
    if (!this.responded) this.status = codes.CLIENT_CLOSED.status;
    this.flag ??= 'CLIENT_CLOSED';
    const upstream = this.end;
    this.giveUp?.();
    this.over();
    upstream?.abandon(resetCode);
  }

  resumeResponse(): void {
    this.end?.resume();
  }

  /** Answers a request whose head or body could not be read. `logged`: with a line in the access log. */
  refuseUnread(code: Code, detail: string, logged = true): void {
    this.start();
    this.logged = logged;
    this.refuse(code, detail === '' ? {} : { detail });
  }

  /** Adds to `neverIndexed`, nearly always nothing. */
  keepNeverIndexed(names: FieldList): void {
    if (names.length > 0) this.neverIndexed = [...new Set([...this.neverIndexed, ...names])];
  }

  // ---- from the station

  /** Sends the request over a connection of `pool`, which the station has chosen. `fresh`: over a new one. */
  send(pool: Pool, fresh = false): void {
    this.pool = this.lastPool = pool;
    this.grpcStatus = undefined;
    this.attempts++;
    this.upstream = pool.options.upstream;
    pool.active++;
    const giveUp = pool.attempt(this, fresh);
    if (this.end !== undefined) return;
    this.giveUp = giveUp;
    this.waits(true);
  }

  /** Answers the request itself. */
  refuse(code: Code, detail: RefusalDetail = {}): void {
    this.flag = code;
    this.detail = detail.detail;
    this.status = codes[code].status;
    this.responded = true;
    if (this.request.grpc) this.grpcStatus = grpcStatusOf(code);
    if (detail.bound !== undefined) this.station.boundReached(detail.bound);
    this.downstream.refuse(code, detail);
    this.finish();
  }

  // ---- from the pool

  deliver(upstream: Upstream): void {
    this.giveUp = undefined;
    this.waits(false);
    this.end = upstream;
    const { replay, downstream } = this;
    const complete = downstream.requestComplete;
    const flowing = upstream.send(this, replay.chunks, complete && replay.trailers === undefined);
    replay.sent();
    if (complete) upstream.complete(replay.trailers);
    else if (flowing) downstream.resume();
    else downstream.pause();
  }

  // ---- from the upstream

  interim(upstream: Upstream, response: Response): void {
    if (this.request.version === 10 && !this.transparent) return;
    if (response.status !== 100) this.informed = true;
    this.downstream.inform(response, this.station.responseCuts(upstream));
  }

  /** The final response has begun. `ended`: all of it is there. */
  response(upstream: Upstream, response: Response, ended: boolean): void {
    if (response.unprocessed && this.sentElsewhere(upstream, response)) return;
    this.responded = true;
    this.status = response.status;
    if (upstream.pool.options.trusted) this.flag = knownCode(response.reason);
    if (!this.downstream.respond(response, this.station.responseCuts(upstream), ended)) upstream.pause();
  }

  /** `ended`: complete follows, without trailers. */
  responseBody(bytes: Buffer, ended: boolean): void {
    if (!this.downstream.body(bytes, ended)) this.end?.pause();
  }

  /** The response is complete. */
  complete(trailers?: FieldList): void {
    this.downstream.complete(trailers);
    this.finish();
  }

  resumeRequest(): void {
    this.downstream.resume();
  }

  attemptFailed(failure: Failure): void {
    if (!this.running) return;
    this.giveUp = undefined;
    this.waits(false);
    if (this.responded) return this.abort(failure.code, failure.resetCode);
    this.leaveUpstream();
    this.detail = failure.detail;
    if (this.replay.complete && !this.informed && this.station.again(this, failure)) return;
    this.station.failed(this, failure);
  }

  /** The response ends HTTP on the connection (RFC 9110, 7.8 and 9.3.6). `early`: bytes that came after it. */
  tunnel(upstream: Upstream, response: Response, early: Buffer): void {
    this.status = response.status;
    this.leaveHttp(upstream, this.downstream.release(response, this.station.responseCuts(upstream)), early);
  }

  /** Outside the mesh what cannot be read is passed on as it is. */
  passThrough(upstream: Upstream, bytes: Buffer): void {
    this.leaveHttp(upstream, this.downstream.release(undefined, 0), bytes);
  }

  // ---- the rest

  private start(): void {
    this.startRecord();
    this.running = true;
    this.station.running++;
    this.responded = this.informed = this.overHttp2 = false;
    this.added = this.lastPool = undefined;
    if (this.tried.length > 0) this.tried.length = 0;
    this.replay.reset();
  }

  /** The peer could not hand the request over, and nothing of its answer has reached the client. */
  private sentElsewhere(upstream: Upstream, response: Response): boolean {
    if (!upstream.pool.options.trusted || !this.replay.complete || this.informed) return false;
    upstream.pool.avoid();
    const code = knownCode(response.reason) ?? 'APPLICATION_UNAVAILABLE';
    // what comes of the body meanwhile is for the next connection, and has to wait for it
    this.end = undefined;
    if (!this.station.again(this, { code, detail: '', sent: true, reused: false, unprocessed: true })) {
      this.end = upstream;
      return false;
    }
    upstream.pool.active--;
    upstream.abandon();
    return true;
  }

  private leaveHttp(upstream: Upstream, { channel, bytes }: Released, fromUpstream: Buffer): void {
    const { pool } = this;
    const series = upstream.series ?? this.station.seriesOf(this);
    // the tunnel goes on counting for the endpoint
    this.pool = undefined;
    this.over();
    openTunnel(this, {
      client: channel,
      fromClient: bytes,
      upstream: upstream.release(),
      fromUpstream,
      pool,
      series,
    });
  }

  private waits(waiting: boolean): void {
    if (this.waiting === waiting) return;
    this.waiting = waiting;
    this.station.load.pending += waiting ? 1 : -1;
  }

  private dropUpstream(): void {
    const upstream = this.end;
    this.waits(false);
    this.giveUp?.();
    this.giveUp = undefined;
    this.leaveUpstream();
    upstream?.abandon();
  }

  private leaveUpstream(): void {
    this.end = undefined;
    if (this.pool !== undefined) this.pool.active--;
    this.pool = undefined;
  }

  /** A response that was begun cannot be finished. */
  private abort(code: Code, resetCode?: number): void {
    const upstream = this.end;
    this.flag = code;
    this.over();
    upstream?.abandon();
    this.downstream.abort(resetCode);
  }

  private finish(): void {
    this.over();
    this.downstream.finished();
  }

  private over(): void {
    this.running = false;
    this.waits(false);
    this.station.running--;
    const upstream = this.end;
    this.leaveUpstream();
    this.endRecord(upstream?.series ?? this.station.seriesOf(this), upstream?.responseBytes ?? 0);
    this.added = this.notes = this.giveUp = undefined;
    this.neverIndexed = NO_FIELDS;
    this.replay.reset();
  }
}
