/** One client connection that speaks HTTP/2: each of its streams is an exchange, or carries bytes. */
import type { Channel } from '../channel.ts';
import type { HttpConnection, Station } from '../exchange/station.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { ConnectionHandler, StreamHandler } from '../http2/handlers.ts';
import type { Http2Head } from '../http2/head.ts';
import type { Http2Limits } from '../http2/limits.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { Swept } from '../sweeper.ts';
import { StreamAnswers } from './answers.ts';
import { StreamRequest } from './request.ts';
import { TCP_PROTOCOL } from './streamChannel.ts';

export interface StreamServerOptions {
  channel: Channel;
  station: Station;
  /** The station's own knowledge of this connection. */
  context: object;
  /** The client is a proxy that proved its identity: it says, and is told, what HTTP/1.x said besides. */
  marked: boolean;
  /** A stream of such a client that carries bytes. Returns what follows the stream. */
  bytes?: (stream: Http2Stream) => StreamHandler;
  limits?: Partial<Http2Limits>;
}

export class StreamServer implements ConnectionHandler, HttpConnection, Swept {
  readonly options: StreamServerOptions;
  private readonly connection: Http2Connection;

  constructor(options: StreamServerOptions) {
    this.options = options;
    const { channel, station, limits } = options;
    this.connection = new Http2Connection({
      channel,
      role: 'server',
      handler: this,
      ...(limits && { limits }),
    });
    station.connections.add(this);
    station.sweeper.add(this);
  }

  /** Begins, with bytes that were already read. */
  start(bytes: Buffer | undefined): void {
    this.connection.start(bytes);
  }

  get idle(): boolean {
    return this.connection.streams === 0;
  }

  close(): void {
    this.connection.destroy(0);
  }

  shutdown(): void {
    this.connection.shutdown();
  }

  sweep(now: number): void {
    this.connection.sweep(now);
    const { load } = this.options.station;
    const { streams, sending, held, withholding, idleSince } = this.connection;
    load.acceptedStreams += streams;
    load.bufferedBytes += sending;
    load.heldBytes += held;
    for (const handler of this.connection.handlers()) {
      if (handler instanceof StreamAnswers) handler.sweep(now, withholding);
    }
    if (idleSince > 0 && now - idleSince > this.options.station.idleMs()) this.connection.shutdown();
  }

  request(stream: Http2Stream, head: Http2Head, ended: boolean): StreamHandler {
    const { marked, bytes } = this.options;
    if (head.protocol === TCP_PROTOCOL && bytes !== undefined) return bytes(stream);
    const answers = this.answers(stream, head, ended);
    if (head.neverIndexed.length > 0) answers.keepNeverIndexed(head.neverIndexed);
    if (marked || !head.protocol.startsWith('weft-')) answers.begin();
    else answers.refuseUnread('BAD_REQUEST', ':protocol is for proxies');
    return answers;
  }

  unacceptable(stream: Http2Stream, head: Http2Head, problem: string): void {
    const answers = this.answers(stream, head, stream.receivedEnd);
    if (problem === '') answers.refuseUnread('HEADERS_TOO_LARGE', '');
    else answers.refuseMalformed(problem);
  }

  private answers(stream: Http2Stream, head: Http2Head, ended: boolean): StreamAnswers {
    const { marked } = this.options;
    return new StreamAnswers(this, stream, new StreamRequest(head, { trusted: marked, ended }));
  }

  goingAway(): void {}
  available(): void {}

  closed(): void {
    const { station, context } = this.options;
    station.connections.delete(this);
    station.sweeper.delete(this);
    station.disconnected(context);
  }

  errored(errorCode: number, ours: boolean): void {
    this.options.station.http2Error(errorCode, ours ? 'proxy' : 'peer');
  }

  boundReached(bound: string): void {
    this.options.station.boundReached(bound);
  }
}
