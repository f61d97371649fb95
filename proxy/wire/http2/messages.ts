/** Messages on streams (RFC 9113, 8.1): what a field section is for its stream, and whether content fits its head. */
import { code } from './constants.ts';
import type { Core } from './core.ts';
import { flood } from './floods.ts';
import { Http2Head, trailersProblem } from './head.ts';
import type { Http2Stream } from './stream.ts';

const DIFFERENT_LENGTH = 'content and content-length differ';

export class Messages {
  private readonly connection: Core;

  constructor(connection: Core) {
    this.connection = connection;
  }

  /** Takes a decoded field section. */
  section(streamId: number, ended: boolean, list: string[]): void {
    const { connection } = this;
    const stream = connection.table.open.get(streamId);
    if (stream === undefined) return this.opening(streamId, ended, list);
    if (stream.receivedEnd) return this.afterEnd(stream);
    if (stream.responded) this.trailers(stream, ended, list);
    else this.response(stream, ended, list);
  }

  /** The same of one that is larger than it may be, of which `list` is the beginning. */
  large(streamId: number, ended: boolean, list: string[]): void {
    const { connection } = this;
    const stream = connection.table.open.get(streamId);
    if (stream !== undefined) {
      if (stream.receivedEnd) return this.afterEnd(stream);
      return this.exceeds(stream, 'headerListBytes', 'a field section is too large');
    }
    if (!this.opens(streamId)) return;
    const head = new Http2Head();
    // as much as there is of it
    head.takeRequest(list);
    connection.handler.boundReached('headerListBytes');
    this.unacceptable(connection.openStream(streamId, ended), head, '');
  }

  private afterEnd(stream: Http2Stream): void {
    this.connection.streamError(stream, code.STREAM_CLOSED, 'HEADERS after the end');
  }

  private malformed(stream: Http2Stream, problem: string): void {
    this.connection.streamError(stream, code.PROTOCOL_ERROR, problem);
  }

  /** Judges content of a stream before it is told; false where the stream is over. */
  content(stream: Http2Stream, length: number, ended: boolean): boolean {
    if (stream.responded && this.fits(stream, length, ended)) return true;
    this.malformed(stream, stream.responded ? DIFFERENT_LENGTH : 'DATA before HEADERS');
    return false;
  }

  /** Content agrees with content-length (8.1.1). */
  private fits(stream: Http2Stream, length: number, ended: boolean): boolean {
    if (stream.lacking < 0) return true;
    stream.lacking -= length;
    return stream.lacking === 0 || (stream.lacking > 0 && !ended);
  }

  private opening(streamId: number, ended: boolean, list: string[]): void {
    if (!this.opens(streamId)) return;
    const head = new Http2Head();
    let problem = head.takeRequest(list);
    if (problem === '' && ended && head.contentLength > 0) problem = 'content-length without content';
    if (problem === '') this.request(streamId, ended, head);
    else this.unacceptable(this.connection.openStream(streamId, ended), head, problem);
  }

  /** A field section without a stream may open one; else it is refused. */
  private opens(streamId: number): boolean {
    const { connection } = this;
    const { table } = connection;
    if (connection.ignores(streamId)) connection.count(flood.late);
    else if (connection.role === 'client' && table.isIdle(streamId))
      connection.fail(code.PROTOCOL_ERROR, 'HEADERS on an idle stream');
    else if (connection.role === 'client' || streamId <= table.last)
      connection.fail(code.STREAM_CLOSED, 'HEADERS on a closed stream');
    else {
      table.last = streamId;
      if (table.size < connection.limits.streams) return true;
      connection.handler.boundReached('streams');
      connection.refuse(streamId, code.REFUSED_STREAM);
    }
    return false;
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

  private unacceptable(stream: Http2Stream, head: Http2Head, problem: string): void {
    const { connection } = this;
    if (!connection.floods.take(flood.reset)) return connection.tooMuch(flood.reset);
    connection.handler.unacceptable(stream, head, problem);
    // after an answer, what else comes of the request is not wanted
    stream.reset(stream.ending ? code.NO_ERROR : code.PROTOCOL_ERROR);
  }

  private response(stream: Http2Stream, ended: boolean, list: string[]): void {
    const { connection } = this;
    const head = new Http2Head();
    const problem = head.takeResponse(list);
    if (problem !== '') return this.malformed(stream, problem);
    const { neverIndexed } = connection.sections.decoder;
    if (neverIndexed.length > 0) head.neverIndexed = neverIndexed;
    if (head.status < 200) return this.interim(stream, ended, head);
    stream.responded = true;
    if (stream.tunnel && head.status >= 300) stream.tunnel = false;
    stream.lacking = this.expected(stream, head);
    if (ended && stream.lacking > 0) return this.malformed(stream, DIFFERENT_LENGTH);
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
    if (ended) return this.malformed(stream, 'an interim response ends the stream');
    stream.interims++;
    if (stream.interims > connection.limits.interimResponses) {
      return this.exceeds(stream, 'interimResponses', 'too many interim responses');
    }
    stream.handler.interim(head);
  }

  private exceeds(stream: Http2Stream, bound: string, text: string): void {
    const { connection } = this;
    connection.handler.boundReached(bound);
    connection.streamError(stream, code.ENHANCE_YOUR_CALM, text);
  }

  /** A tunnel has none (8.5). */
  private trailers(stream: Http2Stream, ended: boolean, list: string[]): void {
    const { connection } = this;
    if (!ended) return this.malformed(stream, 'HEADERS amid content');
    if (stream.tunnel) return this.malformed(stream, 'trailers in a tunnel');
    const problem = stream.lacking > 0 ? DIFFERENT_LENGTH : trailersProblem(list);
    if (problem !== '') return this.malformed(stream, problem);
    stream.receivedEnd = true;
    stream.handler.trailers(list, connection.sections.decoder.neverIndexed);
    connection.receivedEnd(stream);
  }
}
