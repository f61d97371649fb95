/** One client connection that speaks HTTP/2: each of its streams is an exchange, or carries bytes. */
import type { Channel } from '../channel.ts';
import type { HttpConnection, Station } from '../exchange/station.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { ConnectionHandler, StreamHandler } from '../http2/handlers.ts';
import type { Http2Head } from '../http2/head.ts';
import type { Http2Limits } from '../http2/limits.ts';
import { unheard, type Http2Stream } from '../http2/stream.ts';
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
    load.acceptedStreams += this.connection.streams;
    load.bufferedBytes += this.options.channel.buffered;
    const { idleSince } = this.connection;
    if (idleSince > 0 && now - idleSince > this.options.station.idleMs()) this.connection.shutdown();
  }

  request(stream: Http2Stream, head: Http2Head, ended: boolean): StreamHandler {
    const { marked, bytes } = this.options;
    if (head.protocol === TCP_PROTOCOL && bytes !== undefined) return bytes(stream);
    // what only proxies ask of each other
    if (!marked && head.protocol.startsWith('weft-')) {
      stream.respond([':status', '400'], true);
      return unheard;
    }
    const answers = new StreamAnswers(this, stream, new StreamRequest(head, { trusted: marked, ended }));
    answers.begin();
    return answers;
  }

  goingAway(): void {}
  available(): void {}

  closed(): void {
    const { station, context } = this.options;
    station.connections.delete(this);
    station.sweeper.delete(this);
    station.disconnected(context);
  }
}
