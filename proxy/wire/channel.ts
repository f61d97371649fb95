/**
 * A socket with one handler that can be exchanged: a connection is sniffed, then read as HTTP, then perhaps relayed
 * as bytes, and listeners need not be moved.
 */
import type { Socket } from 'node:net';

export interface Handler {
  data(bytes: Buffer): void;
  /** The other side has finished sending. */
  end(): void;
  /** What was written has left: writing may go on. */
  drain(): void;
  /** Nothing more will come. `error` where it did not end as it should. */
  closed(error: Error | undefined): void;
}

const ignore: Handler = { data: () => {}, end: () => {}, drain: () => {}, closed: () => {} };

export class Channel {
  handler: Handler = ignore;
  /** The stream of bytes; over TLS, the plain text. */
  readonly socket: Socket;
  /** The TCP socket below it, the same as `socket` without TLS. */
  readonly raw: Socket;
  /** `address:port` of the other end. */
  readonly peer: string;
  /** Told once, whatever the handler is then. */
  whenClosed: (() => void) | undefined;
  ended = false;
  closed = false;
  private error: Error | undefined;
  private readonly listeners: readonly [string, (value: never) => void][];

  constructor(socket: Socket, raw: Socket = socket) {
    this.socket = socket;
    this.raw = raw;
    this.peer = `${raw.remoteAddress ?? ''}:${raw.remotePort ?? ''}`;
    this.listeners = [
      ['data', (bytes: Buffer) => this.handler.data(bytes)],
      ['end', () => this.onEnd()],
      ['drain', () => this.handler.drain()],
      ['error', (error: Error) => (this.error = error)],
      ['close', () => this.onClose()],
    ];
    for (const [event, listener] of this.listeners) socket.on(event, listener as () => void);
    if (raw !== socket) raw.on('error', () => socket.destroy());
  }

  /** Takes the listeners off, for whoever takes the socket over. */
  detach(): void {
    for (const [event, listener] of this.listeners) this.socket.off(event, listener as () => void);
  }

  /** False where the writer should wait for `drain`. */
  write(bytes: Buffer | string): boolean {
    const { socket } = this;
    if (socket.writableEnded || socket.destroyed) return true;
    return typeof bytes === 'string' ? socket.write(bytes, 'latin1') : socket.write(bytes);
  }

  /** Finishes sending; receiving goes on. */
  end(): void {
    if (!this.socket.writableEnded && !this.socket.destroyed) this.socket.end();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends both directions in a way that the other side cannot take for a proper end. */
  reset(): void {
    if (this.raw.destroyed || this.raw.connecting) this.socket.destroy();
    else this.raw.resetAndDestroy();
    this.socket.destroy();
  }

  private onEnd(): void {
    this.ended = true;
    this.handler.end();
  }

  private onClose(): void {
    this.closed = true;
    this.whenClosed?.();
    this.handler.closed(this.error);
  }
}
