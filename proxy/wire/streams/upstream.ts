/** One attempt over a stream of an HTTP/2 connection. */
import type { Series } from '../../telemetry/types.ts';
import type { Channel } from '../channel.ts';
import type { Upstream } from '../exchange/ends.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { FieldList } from '../exchange/message.ts';
import type { Pool } from '../exchange/pool.ts';
import { ChunkReader } from '../http1/chunkReader.ts';
import { EMPTY, code, codeName } from '../http2/constants.ts';
import type { StreamHandler } from '../http2/handlers.ts';
import type { Http2Head } from '../http2/head.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { trailersOf } from './fields.ts';
import { requestFields } from './heads.ts';
import { StreamResponse, grpcStatusIn } from './response.ts';
import type { Shared } from './sharedConnections.ts';
import { StreamChannel } from './streamChannel.ts';

/** An answer that cannot be read. */
const INVALID = { code: 'UPSTREAM_PROTOCOL_ERROR', sent: true, reused: false, unprocessed: false } as const;

export class StreamUpstream implements Upstream, StreamHandler {
  responseBytes = 0;
  private readonly shared: Shared;
  private exchange: Exchange | undefined = undefined;
  private stream: Http2Stream | undefined = undefined;
  /** A request body that comes as chunks. */
  private chunks: ChunkReader | undefined = undefined;
  private flowing = true;
  /** Bytes may follow the answer: our side stays open. */
  private opening = false;

  constructor(shared: Shared) {
    this.shared = shared;
  }

  get pool(): Pool {
    return this.shared.pool;
  }
  get series(): Series | undefined {
    return this.shared.series;
  }

  // ---- from the exchange

  send(exchange: Exchange, chunks: readonly Buffer[], ended: boolean): boolean {
    this.exchange = exchange;
    const { request } = exchange;
    this.chunks = request.chunked ? new ChunkReader() : undefined;
    this.opening = request.upgrading || request.method === 'CONNECT';
    const fields = requestFields(exchange, this.pool.options.trusted);
    const bare = ended && chunks.length === 0 && !this.opening;
    const { connection } = this.shared;
    connection.neverIndexed = exchange.neverIndexed;
    this.stream = connection.request(fields, bare, this);
    let flowing = true;
    for (const chunk of chunks) flowing = this.body(chunk);
    return flowing;
  }

  body(bytes: Buffer): boolean {
    if (this.chunks === undefined) return this.stream!.write(bytes);
    this.flowing = true;
    this.chunks.read(bytes, (piece) => {
      if (!this.stream!.write(piece)) this.flowing = false;
    });
    return this.flowing;
  }

  complete(trailers: FieldList | undefined): void {
    if (this.opening) return;
    const { trusted } = this.pool.options;
    if (this.exchange !== undefined) this.stream!.neverIndexed = this.exchange.neverIndexed;
    this.stream!.end(trailers ? trailersOf(trailers, trusted) : this.chunks?.trailersFor(trusted));
  }

  pause(): void {
    this.stream!.pause();
  }

  resume(): void {
    this.stream?.resume();
  }

  abandon(resetCode: number = code.CANCEL): void {
    this.exchange = undefined;
    this.stream?.reset(resetCode);
  }

  release(): Channel {
    this.exchange = undefined;
    return new StreamChannel(this.stream!, this.shared.channel);
  }

  // ---- from the stream

  interim(head: Http2Head): void {
    this.exchange?.keepNeverIndexed(head.neverIndexed);
    this.exchange?.interim(this, new StreamResponse(head, this.pool.options.trusted));
  }

  response(head: Http2Head, ended: boolean): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.keepNeverIndexed(head.neverIndexed);
    const response = new StreamResponse(head, this.pool.options.trusted);
    if (!response.unprocessed) this.pool.served();
    // another connection to the same address may lead to a peer that has its application
    else if (this.pool.options.spread > 1) this.shared.connection.shutdown();
    if (response.grpcStatus !== undefined) exchange.grpcStatus = response.grpcStatus;
    if (switches(response, exchange)) return exchange.tunnel(this, response, EMPTY);
    if (this.opening) {
      this.stream!.tunnel = false;
      this.stream!.end();
    }
    exchange.response(this, response, ended);
    if (ended && this.exchange === exchange) this.finish(exchange, undefined);
  }

  data(bytes: Buffer, ended: boolean): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    this.responseBytes += bytes.length;
    if (bytes.length > 0) exchange.responseBody(bytes, ended);
    if (ended && this.exchange === exchange) this.finish(exchange, undefined);
  }

  trailers(fields: string[], neverIndexed: FieldList): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.keepNeverIndexed(neverIndexed);
    const status = grpcStatusIn(fields);
    if (status !== undefined) exchange.grpcStatus = status;
    this.finish(exchange, trailersOf(fields, this.pool.options.trusted));
  }

  drain(): void {
    this.exchange?.resumeRequest();
  }

  reset(resetCode: number, unprocessed: boolean, problem: string): void {
    const { exchange } = this;
    this.exchange = undefined;
    // what the server did wrong is no reason to reset the client's stream likewise
    if (problem !== '') return exchange?.attemptFailed({ ...INVALID, detail: problem });
    exchange?.attemptFailed({
      code: 'UPSTREAM_RESET',
      detail: `the stream was reset: ${codeName(resetCode)}`,
      sent: true,
      // that their connection is gone says nothing of the requests on it
      reused: !this.shared.connection.open,
      unprocessed,
      resetCode,
    });
  }

  private finish(exchange: Exchange, trailers: FieldList | undefined): void {
    this.exchange = undefined;
    this.shared.served++;
    // an answer before the end of the request: the rest of it is not wanted
    if (!exchange.downstream.requestComplete) this.stream!.reset(code.NO_ERROR);
    exchange.complete(trailers);
  }
}

/** True where this response ends HTTP on the stream (RFC 9113, 8.5; RFC 8441, 5). */
function switches({ status, mark }: StreamResponse, { request }: Exchange): boolean {
  if (request.upgrading && mark !== undefined) return mark.switched;
  return (request.upgrading || request.method === 'CONNECT') && status >= 200 && status < 300;
}
