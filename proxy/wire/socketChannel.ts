/** A channel over a socket, plain or TLS. */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { joinHostPort, normalizeAddress } from './address.ts';
import { ignore, type Channel, type Handler } from './channel.ts';
import { copyOut } from './copies.ts';
import { readShared } from './sharedReads.ts';

/** Listeners are shared by all sockets and find their channel here: thousands of idle connections hold no closures. */
const owner = Symbol('channel');
type Owned = Socket & { [owner]?: SocketChannel | undefined };

export class SocketChannel implements Channel {
  handler: Handler = ignore;
  /** The stream of bytes; over TLS, the plain text. */
  readonly socket: Socket;
  /** The TCP socket below it, the same as `socket` without TLS. */
  readonly raw: Socket;
  readonly remoteAddress: string;
  whenClosed: (() => void) | undefined = undefined;
  ended = false;
  closed = false;
  private error: Error | undefined = undefined;
  private readonly remotePort: number;
  private peerText = '';

  constructor(socket: Socket, raw: Socket = socket) {
    this.socket = socket;
    this.raw = raw;
    this.remoteAddress = normalizeAddress(raw.remoteAddress ?? '');
    this.remotePort = raw.remotePort ?? 0;
    (socket as Owned)[owner] = this;
    // over TLS, what one read brought is copied by decryption anyway
    if (socket === raw) readShared(socket, onRead);
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('drain', onDrain);
    socket.on('error', onError);
    socket.on('close', onClose);
    if (raw !== socket) raw.on('error', () => socket.destroy());
  }

  get peer(): string {
    return (this.peerText ||= joinHostPort(this.remoteAddress, this.remotePort));
  }
  get flushed(): boolean {
    return this.socket.writableFinished;
  }
  get buffered(): number {
    return this.socket.writableLength;
  }
  get usable(): boolean {
    return !this.ended && !this.closed && !this.socket.destroyed;
  }

  /** Takes the listeners off, for whoever takes the socket over. */
  detach(): void {
    const { socket } = this;
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('drain', onDrain);
    socket.off('error', onError);
    socket.off('close', onClose);
    // the socket lives on, and must not keep what was sniffed
    (socket as Owned)[owner] = undefined;
    this.handler = ignore;
  }

  write(bytes: Buffer | string): boolean {
    const { socket } = this;
    if (socket.writableEnded || socket.destroyed) return true;
    return typeof bytes === 'string' ? socket.write(bytes, 'latin1') : socket.write(bytes);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  end(): void {
    if (!this.socket.writableEnded && !this.socket.destroyed) this.socket.end();
  }

  /** A little more is read and kept: who does not read would not notice that the other side is gone. */
  pause(): void {
    Duplex.prototype.pause.call(this.socket);
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    if (this.raw.destroyed || this.raw.connecting) this.socket.destroy();
    else this.raw.resetAndDestroy();
    this.socket.destroy();
  }

  /** From the socket. */
  fail(error: Error): void {
    this.error = error;
  }

  finishReading(): void {
    this.ended = true;
    this.handler.end();
  }

  finish(): void {
    this.closed = true;
    this.whenClosed?.();
    this.handler.closed(this.error);
  }
}

/** Past the stream, where that would give the bytes on at once. */
function onRead(this: Socket, length: number, shared: Buffer): boolean {
  const bytes = copyOut(shared, length);
  const channel = (this as Owned)[owner];
  if (channel === undefined || this.readableFlowing !== true || this.readableLength > 0)
    return this.push(bytes);
  channel.handler.data(bytes);
  return true;
}
function onData(this: Socket, bytes: Buffer): void {
  (this as Owned)[owner]!.handler.data(bytes);
}
function onEnd(this: Socket): void {
  (this as Owned)[owner]!.finishReading();
}
function onDrain(this: Socket): void {
  (this as Owned)[owner]!.handler.drain();
}
function onError(this: Socket, error: Error): void {
  (this as Owned)[owner]!.fail(error);
}
function onClose(this: Socket): void {
  (this as Owned)[owner]!.finish();
}
