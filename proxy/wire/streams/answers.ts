/** One exchange of a client that speaks HTTP/2: its stream, answered from an upstream of either version. */
import { codes, grpcMessage, grpcStatusOf, type Code } from '../../../core/errors/index.ts';
import { bound } from '../bounds.ts';
import type { Downstream, Released } from '../exchange/ends.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { FieldList, Response } from '../exchange/message.ts';
import { refusalBody, type RefusalDetail } from '../exchange/refusal.ts';
import { ChunkReader } from '../http1/chunkReader.ts';
import { EMPTY, code as reason } from '../http2/constants.ts';
import type { StreamHandler } from '../http2/handlers.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { listOf, trailersOf } from './fields.ts';
import { responseFields, statusText } from './heads.ts';
import type { StreamRequest } from './request.ts';
import type { StreamServer } from './server.ts';
import { StreamChannel } from './streamChannel.ts';

export class StreamAnswers implements Downstream, StreamHandler {
  readonly request: StreamRequest;
  requestComplete: boolean;
  requestBytes = 0;
  private readonly stream: Http2Stream;
  private readonly server: StreamServer;
  private readonly exchange: Exchange;
  /** A body that comes as chunks. */
  private chunks: ChunkReader | undefined = undefined;
  private flowing = true;
  /** What follows the head are bytes, for when the answer allows them. */
  private readonly opening: boolean;
  private readonly early: Buffer[] = [];
  /** It gets no answer, but a reset by its connection. */
  private malformed = false;
  /** Bytes of its body at the last look, and since when they are so many. */
  private heard = -1;
  private heardAt = 0;

  constructor(server: StreamServer, stream: Http2Stream, request: StreamRequest) {
    this.server = server;
    this.stream = stream;
    this.request = request;
    this.opening = request.upgrading || request.method === 'CONNECT';
    this.requestComplete = request.ended || this.opening;
    this.exchange = new Exchange(this, server.options.station, server.options.context);
  }

  get peer(): string {
    return this.server.options.channel.peer;
  }

  begin(): void {
    // what comes before the answer is kept: no more than one window of it
    if (this.opening) this.stream.pause();
    this.exchange.begin(undefined);
  }

  /** A request that is not valid, and so is not answered (RFC 9113, 8.1.1). */
  refuseMalformed(problem: string): void {
    const skipped = this.server.options.station.unreadable();
    const detail = skipped > 0 ? `${problem}; ${skipped} others are not in the log` : problem;
    this.malformed = true;
    this.exchange.refuseUnread('BAD_REQUEST', detail, skipped >= 0);
  }

  refuseUnread(code: Code, detail: string): void {
    this.exchange.refuseUnread(code, detail);
  }

  keepNeverIndexed(names: FieldList): void {
    this.exchange.keepNeverIndexed(names);
  }

  /**
   * Gives up a body of known length that does not come, unless it is this side that keeps it waiting. `withheld`: no
   * stream of its connection may send. Other bodies may rightly be silent: they are conversations.
   */
  sweep(now: number, withheld: boolean): void {
    const { request } = this;
    if (this.requestComplete || request.contentLength < 0 || request.grpc) return;
    if (withheld || this.stream.paused || this.heard !== this.requestBytes) {
      this.heard = this.requestBytes;
      this.heardAt = now;
    } else if (now - this.heardAt > bound.bodyMs) this.exchange.requestBroken('REQUEST_TIMEOUT', '');
  }

  // ---- from the stream

  interim(): void {}
  response(): void {}

  data(bytes: Buffer, ended: boolean): void {
    if (this.opening) return void this.early.push(bytes);
    this.requestBytes += bytes.length;
    this.requestComplete = ended;
    this.exchange.requestBody(bytes, ended);
  }

  trailers(fields: string[], neverIndexed: FieldList): void {
    this.requestComplete = true;
    this.exchange.keepNeverIndexed(neverIndexed);
    this.exchange.requestBody(EMPTY, true, trailersOf(fields, this.server.options.marked));
  }

  drain(): void {
    this.exchange.resumeResponse();
  }

  reset(code: number, _unprocessed: boolean, problem: string): void {
    // there is nobody to answer any more, but it is not the client that left
    if (problem !== '') this.exchange.requestBroken('BAD_REQUEST', problem);
    else this.exchange.clientGone(code);
  }

  // ---- from the exchange

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  inform(response: Response, cuts: number): void {
    this.head(responseFields(response, cuts, this.server.options), false);
  }

  respond(response: Response, cuts: number, ended: boolean): boolean {
    this.chunks = response.chunked ? new ChunkReader() : undefined;
    const fields = responseFields(response, cuts, this.server.options);
    const early = earlyBody(response);
    this.head(fields, ended && early === undefined);
    return early === undefined || this.body(early);
  }

  body(bytes: Buffer): boolean {
    if (this.chunks === undefined) return this.stream.write(bytes);
    this.flowing = true;
    this.chunks.read(bytes, (piece) => {
      if (!this.stream.write(piece)) this.flowing = false;
    });
    return this.flowing;
  }

  complete(trailers: FieldList | undefined): void {
    const { marked } = this.server.options;
    this.stream.neverIndexed = this.exchange.neverIndexed;
    this.stream.end(trailers ? trailersOf(trailers, marked) : this.chunks?.trailersFor(marked));
    // the rest of the request is not wanted (RFC 9113, 8.1)
    if (!this.stream.receivedEnd) this.stream.reset(reason.NO_ERROR);
  }

  refuse(code: Code, detail: RefusalDetail): void {
    const { stream, request } = this;
    if (this.malformed) return;
    if (request.grpc) stream.respond(grpcRefusal(code, detail), true);
    else {
      const body = Buffer.from(refusalBody(code, detail));
      const bodiless = request.method === 'HEAD';
      stream.respond(refusal(code, detail, body.length), bodiless);
      if (!bodiless) stream.write(body);
    }
    stream.end();
    if (!stream.receivedEnd) stream.reset(reason.NO_ERROR);
  }

  finished(): void {}

  abort(resetCode: number | undefined): void {
    this.stream.reset(resetCode ?? reason.INTERNAL_ERROR);
  }

  release(response: Response | undefined, cuts: number): Released {
    if (response !== undefined) {
      const switched = response.status === 101;
      this.head(responseFields(response, cuts, { ...this.server.options, switched }), false);
    }
    const { channel } = this.server.options;
    return { channel: new StreamChannel(this.stream, channel), bytes: Buffer.concat(this.early) };
  }

  private head(fields: FieldList, ended: boolean): void {
    this.stream.neverIndexed = this.exchange.neverIndexed;
    this.stream.respond(fields, ended);
  }
}

/** What came of an HTTP/1.x body together with its head. */
function earlyBody(response: Response): Buffer | undefined {
  const { bytes, end, bodyEnd } = response as unknown as { bytes: Buffer; end: number; bodyEnd: number };
  return response.version === 20 || bodyEnd === end ? undefined : bytes.subarray(end, bodyEnd);
}

function refusal(code: Code, { unprocessed }: RefusalDetail, length: number): FieldList {
  return listOf({
    ':status': statusText(codes[code].status),
    ...own(code, unprocessed),
    'content-type': 'application/json',
    'content-length': String(length),
    date: new Date().toUTCString(),
  });
}

/** A refusal as gRPC clients understand it: trailers only (gRPC over HTTP/2, Responses). */
function grpcRefusal(code: Code, { unprocessed, detail }: RefusalDetail): FieldList {
  return listOf({
    ':status': '200',
    ...own(code, unprocessed),
    'content-type': 'application/grpc',
    'grpc-status': String(grpcStatusOf(code)),
    'grpc-message': grpcMessage(`${code}: ${codes[code].meaning}${detail ? `: ${detail}` : ''}`),
  });
}

const own = (code: Code, unprocessed: boolean | undefined) => ({
  server: 'weft',
  'x-weft-reason': code,
  ...(unprocessed === true && { 'x-weft-unprocessed': '1' }),
});
