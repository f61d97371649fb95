/** The end of a connection, by either side, in order or not (RFC 9113, 5.4.1 and 6.8). */
import { WeftError } from '../../../core/errors/index.ts';
import { code, codeName, MAX_31 } from './constants.ts';
import type { Core } from './core.ts';

export class Ending {
  /** The highest stream that we said we take; MAX_31: we have not said. */
  lastTaken = MAX_31;
  /** No stream is opened any more, by whomever. */
  goingAway = false;
  /** The last frames are leaving, or have left: nothing is read any more, and the channel ends. */
  closing = false;
  error: Error | undefined = undefined;
  private readonly connection: Core;
  /** What the peer said it took. */
  private peerTook = MAX_31;
  private shuttingDown = false;
  /** performance.now() after which the last GOAWAY does not wait for the round trip; 0: none is awaited. */
  private goawayAt = 0;
  private closingAt = 0;
  private flushedAt = 0;
  private ended = false;

  constructor(connection: Core) {
    this.connection = connection;
  }

  /**
   * Streams that the client has opened meanwhile must not be lost, so a server first only says that it will go, and
   * which streams it took a round trip later.
   */
  shutdown(): void {
    if (this.shuttingDown || this.closing) return;
    this.shuttingDown = true;
    const { connection } = this;
    if (connection.role === 'client') {
      connection.writer.goaway(0, code.NO_ERROR, '');
      connection.kick();
      this.tellGoingAway();
      return this.closeIfDone();
    }
    connection.writer.goaway(MAX_31, code.NO_ERROR, '');
    this.goawayAt = performance.now() + connection.limits.pingMs;
    if (!connection.liveness.ping(() => this.sayLast())) this.sayLast();
    connection.kick();
    this.tellGoingAway();
  }

  private sayLast(): void {
    if (this.closing || this.lastTaken !== MAX_31) return;
    const { connection } = this;
    this.goawayAt = 0;
    this.lastTaken = connection.table.last;
    connection.writer.goaway(this.lastTaken, code.NO_ERROR, '');
    connection.kick();
    this.closeIfDone();
  }

  /** GOAWAY of the peer. */
  peerGoesAway(lastId: number, errorCode: number): void {
    const { connection } = this;
    if (lastId > this.peerTook) return connection.fail(code.PROTOCOL_ERROR, 'GOAWAY raises its last stream');
    this.peerTook = lastId;
    if (errorCode !== code.NO_ERROR && this.error === undefined) {
      this.error = failure(`the peer ended the connection with ${codeName(errorCode)}`);
      connection.handler.errored(errorCode, false);
    }
    this.tellGoingAway();
    // streams that a client opened; a server opens none
    if (connection.role === 'server') return;
    for (const stream of connection.table.open.values()) {
      if (stream.id > lastId) connection.lose(stream, code.REFUSED_STREAM, true);
    }
    this.closeIfDone();
  }

  /** Where this side goes, or a server told this client to, the last stream ends the connection. */
  closeIfDone(): void {
    const { connection } = this;
    if (this.closing || connection.table.size > 0 || !this.goingAway) return;
    if (connection.role === 'server' && this.lastTaken === MAX_31) return;
    this.close();
  }

  /** A connection error: says so and ends. */
  fail(errorCode: number, text: string): void {
    if (this.closing) return;
    const { connection } = this;
    this.error = failure(text);
    connection.writer.goaway(connection.lastTaken, errorCode, text);
    connection.handler.errored(errorCode, true);
    this.close();
    this.tellGoingAway();
    connection.loseAll(errorCode);
  }

  /** Nothing more is taken; what was made still leaves, and then the channel ends. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.closingAt = performance.now();
    this.connection.reader.stopped = true;
    this.connection.kick();
  }

  /** What was made has been written. */
  left(): void {
    if (!this.closing || this.ended) return;
    this.ended = true;
    // receiving goes on: closed under bytes that nobody read, TCP would reset, and the peer lose what was said last
    this.connection.channel.end();
  }

  tellGoingAway(): void {
    if (this.goingAway) return;
    this.goingAway = true;
    this.connection.handler.goingAway();
  }

  sweep(now: number): void {
    if (this.goawayAt > 0 && now > this.goawayAt) this.sayLast();
    if (!this.closing) return;
    const { channel, limits } = this.connection;
    if (channel.flushed && this.flushedAt === 0) this.flushedAt = now;
    const deadline =
      this.flushedAt > 0 ? this.flushedAt + limits.lingerMs : this.closingAt + limits.stalledMs;
    if (now > deadline) channel.destroy();
  }
}

export const failure = (text: string): WeftError => new WeftError('HTTP2_FAILED', text);
