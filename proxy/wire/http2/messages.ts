/** Messages on streams (RFC 9113, 8.1): what a field section is for its stream, and whether content fits its head. */
import { code } from './constants.ts';
import type { Core } from './core.ts';
import { flood } from './floods.ts';
import { Http2Head, trailersProblem } from './head.ts';
import type { Http2Stream } from './stream.ts';

export class Messages {
  private readonly connection: Core;

  constructor(connection: Core) {
    this.connection = connection;
  }

  /** Takes a decoded field section; `list` is undefined where it is larger than it may be. */
  section(streamId: number, ended: boolean, list: string[] | undefined): void {
    const { connection } = this;
    const stream = connection.table.open.get(streamId);
    if (stream === undefined) return this.opening(streamId, ended, list);
    if (stream.receivedEnd) return connection.streamError(stream, code.STREAM_CLOSED);
    if (list === undefined) return connection.streamError(stream, code.ENHANCE_YOUR_CALM);
    if (stream.responded) this.trailers(stream, ended, list);
    else this.response(stream, ended, list);
  }

  /** Judges content of a stream before it is told; false where the stream is over. */
  content(stream: Http2Stream, length: number, ended: boolean): boolean {
    if (stream.responded && this.fits(stream, length, ended)) return true;
    this.connection.streamError(stream, code.PROTOCOL_ERROR);
    return false;
  }

  /** Content agrees with content-length (8.1.1). */
  private fits(stream: Http2Stream, length: number, ended: boolean): boolean {
    if (stream.lacking < 0) return true;
    stream.lacking -= length;
    return stream.lacking === 0 || (stream.lacking > 0 && !ended);
  }

  private opening(streamId: number, ended: boolean, list: string[] | undefined): void {
    const { connection } = this;
    const { table } = connection;
    if (connection.ignores(streamId)) return connection.count(flood.late);
    if (connection.role === 'client') {
      return table.isIdle(streamId)
        ? connection.fail(code.PROTOCOL_ERROR, 'HEADERS on an idle stream')
        : connection.fail(code.STREAM_CLOSED, 'HEADERS on a closed stream');
    }
    if (streamId <= table.last) return connection.fail(code.STREAM_CLOSED, 'HEADERS on a closed stream');
    table.last = streamId;
    if (table.size >= connection.limits.streams) return connection.refuse(streamId, code.REFUSED_STREAM);
    if (list === undefined) return this.tooLarge(streamId, ended);
    const head = new Http2Head();
    if (head.takeRequest(list) !== '' || (ended && head.contentLength > 0)) {
      return connection.refuse(streamId, code.PROTOCOL_ERROR);
    }
    this.request(streamId, ended, head);
  }

  private request(streamId: number, ended: boolean, head: Http2Head): void {
    const { connection } = this;
    const { neverIndexed } = connection.sections.decoder;
    if (neverIndexed.length > 0) head.neverIndexed = neverIndexed;
    const stream = connection.openStream(streamId, ended);
    stream.lacking = head.contentLength;
    stream.tunnel = head.method === 'CONNECT';
    // priorities of both kinds, RFC 7540 and RFC 9218, come with requests
    connection.floods.giveBack(flood.priority, 1);
    connection.floods.giveBack(flood.unknown, 2);
    stream.handler = connection.handler.request(stream, head, ended);
  }

  private tooLarge(streamId: number, ended: boolean): void {
    const { connection } = this;
    if (!connection.floods.take(flood.reset)) return connection.tooMuch(flood.reset);
    const stream = connection.openStream(streamId, ended);
    stream.respond(connection.tooLarge, true);
    // what else comes of the request is not wanted
    stream.reset(code.NO_ERROR);
  }

  private response(stream: Http2Stream, ended: boolean, list: string[]): void {
    const { connection } = this;
    const head = new Http2Head();
    if (head.takeResponse(list) !== '') return connection.streamError(stream, code.PROTOCOL_ERROR);
    const { neverIndexed } = connection.sections.decoder;
    if (neverIndexed.length > 0) head.neverIndexed = neverIndexed;
    if (head.status < 200) return this.interim(stream, ended, head);
    stream.responded = true;
    if (stream.tunnel && head.status >= 300) stream.tunnel = false;
    stream.lacking = this.expected(stream, head);
    if (ended && stream.lacking > 0) return connection.streamError(stream, code.PROTOCOL_ERROR);
    stream.receivedEnd = ended;
    stream.handler.response(head, ended);
    if (ended) connection.receivedEnd(stream);
  }

  /** Content that must come; -1: any. RFC 9110, 6.4.1 and 9.3.6. */
  private expected(stream: Http2Stream, head: Http2Head): number {
    if (stream.tunnel) return -1;
    return stream.bodiless || head.status === 204 || head.status === 304 ? 0 : head.contentLength;
  }

  private interim(stream: Http2Stream, ended: boolean, head: Http2Head): void {
    const { connection } = this;
    if (ended) return connection.streamError(stream, code.PROTOCOL_ERROR);
    stream.interims++;
    if (stream.interims > connection.limits.interimResponses) {
      return connection.streamError(stream, code.ENHANCE_YOUR_CALM);
    }
    stream.handler.interim(head);
  }

  /** A tunnel has none (8.5). */
  private trailers(stream: Http2Stream, ended: boolean, list: string[]): void {
    const { connection } = this;
    if (!ended || stream.tunnel || stream.lacking > 0 || trailersProblem(list) !== '') {
      return connection.streamError(stream, code.PROTOCOL_ERROR);
    }
    stream.receivedEnd = true;
    stream.handler.trailers(list);
    connection.receivedEnd(stream);
  }
}
