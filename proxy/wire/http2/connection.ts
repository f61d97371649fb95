/** One HTTP/2 connection, either role, over a channel: what its owner sees of it. How it works: core.ts. */
import type { Swept } from '../sweeper.ts';
import { code, PREFACE } from './constants.ts';
import { Core } from './core.ts';
import type { StreamHandler } from './handlers.ts';
import { ownSettings } from './settings.ts';
import type { Http2Stream } from './stream.ts';

const NONE: readonly string[] = [];

export class Http2Connection extends Core implements Swept {
  /** Client role: Http2Stream.neverIndexed of the next request, whose head leaves before there is a stream to say it of. */
  neverIndexed: readonly string[] = NONE;

  /** Begins, with bytes that were already read: of a client, its preface among them. */
  start(bytes?: Buffer): void {
    const { channel } = this;
    channel.handler = this;
    if (this.role === 'client') this.writer.raw(PREFACE);
    this.writer.settings(ownSettings(this.role, this.limits), false);
    this.credit.start();
    this.kick();
    if (bytes !== undefined && bytes.length > 0) this.data(bytes);
    if (channel.ended) this.end();
    if (channel.closed) this.closed(undefined);
  }

  /**
   * Client role: opens a stream and sends its head, pseudo-fields first. `ended`: nothing follows. Undefined where no
   * stream can be opened now, and for `:protocol` where the server has not said that it takes it.
   */
  request(fields: readonly string[], ended: boolean, handler: StreamHandler): Http2Stream | undefined {
    const { neverIndexed } = this;
    this.neverIndexed = NONE;
    if (!this.canOpen) return undefined;
    const method = pseudoField(fields, ':method');
    if (method === 'CONNECT' && !this.extendedConnect && pseudoField(fields, ':protocol') !== '') {
      return undefined;
    }
    const id = this.table.nextId();
    this.table.last = id;
    const stream = this.openStream(id, false, handler);
    stream.neverIndexed = neverIndexed;
    stream.bodiless = method === 'HEAD';
    stream.tunnel = method === 'CONNECT';
    this.sendHead(stream, fields, ended);
    return stream;
  }

  /** Open streams. */
  get streams(): number {
    return this.table.size;
  }

  /** What follows each of them. */
  *handlers(): Generator<StreamHandler> {
    for (const { handler } of this.table.open.values()) yield handler;
  }

  /** Bytes that wait to be sent: content, frames, and what the channel has not got rid of. */
  get sending(): number {
    return this.sender.queued + this.writer.bytes + this.channel.buffered;
  }

  /** Bytes of content that streams took while they were paused. */
  get held(): number {
    return this.credit.held;
  }

  /** The peer may send no content, since paused streams hold too much. */
  get withholding(): boolean {
    return this.credit.window <= 0;
  }

  /** Client role: `request` gives a stream. */
  get canOpen(): boolean {
    return this.open && this.role === 'client' && this.hasRoom && this.table.nextId() > 0;
  }

  /** Client role: the server takes `:protocol` (RFC 8441). Not known before `ready`. */
  get extendedConnect(): boolean {
    return this.peer.enableConnectProtocol;
  }

  /** SETTINGS of the peer have come. */
  get ready(): boolean {
    return this.peer.known;
  }

  /** performance.now() when the last stream ended, or of the start; 0 while streams are open. */
  get idleSince(): number {
    return this.table.size > 0 ? 0 : this.idleAt;
  }

  /** Graceful end: streams that run may finish, new ones go elsewhere. */
  shutdown(): void {
    this.ending.shutdown();
  }

  /** Ends at once; streams are told. */
  destroy(errorCode: number = code.NO_ERROR): void {
    if (this.over) return;
    if (!this.ending.closing) {
      this.writer.goaway(this.lastTaken, errorCode, '');
      if (errorCode !== code.NO_ERROR) this.handler.errored(errorCode, true);
    }
    if (!this.blocked) this.output.write();
    this.stop(errorCode === code.NO_ERROR ? code.CANCEL : errorCode);
    this.channel.destroy();
  }

  /** Asks for a round trip; told its milliseconds. False where too many are under way or the connection is over. */
  ping(told: (milliseconds: number) => void): boolean {
    return !this.ending.closing && this.liveness.ping(told);
  }

  /** Called about twice a second until `closed` was told. */
  sweep(now: number): void {
    if (this.over) return;
    this.ending.sweep(now);
    if (this.ending.closing) return;
    this.credit.giveSome();
    this.liveness.sweep(now);
  }
}

/** '' where it is not there. */
function pseudoField(fields: readonly string[], name: string): string {
  for (let at = 0; at < fields.length && fields[at]!.charCodeAt(0) === 58; at += 2) {
    if (fields[at] === name) return fields[at + 1]!;
  }
  return '';
}
