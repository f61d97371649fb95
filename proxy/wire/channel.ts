/**
 * A two-way flow of bytes with one handler that can be exchanged: a connection is sniffed, then read as HTTP, then
 * perhaps relayed as bytes, and listeners need not be moved. It is a socket (socketChannel.ts) or a stream of an HTTP/2
 * connection that carries bytes.
 */
export interface Handler {
  data(bytes: Buffer): void;
  /** The other side has finished sending. */
  end(): void;
  /** What was written has left: writing may go on. */
  drain(): void;
  /** Nothing more will come. `error` where it did not end as it should. */
  closed(error: Error | undefined): void;
}

export interface Channel {
  handler: Handler;
  /** `address:port` of the other end. */
  readonly peer: string;
  /** Address of the other end, as policy sees it. */
  readonly remoteAddress: string;
  /** The other side has finished sending. */
  readonly ended: boolean;
  readonly closed: boolean;
  /** Everything that was written, and the end, has been handed to the system. */
  readonly flushed: boolean;
  /** Bytes that were written and have not left. */
  readonly buffered: number;
  /** Neither direction has ended: what is written may arrive, and be answered. */
  readonly usable: boolean;
  /** Told once, whatever the handler is then. */
  whenClosed: (() => void) | undefined;
  /** Text is Latin-1. False where the writer should wait for `drain`. */
  write(bytes: Buffer | string): boolean;
  /** What is written until `uncork` leaves in one piece. */
  cork(): void;
  uncork(): void;
  /** Finishes sending; receiving goes on. */
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
  /** Ends both directions in a way that the other side cannot take for a proper end. */
  reset(): void;
}

export const ignore: Handler = { data: () => {}, end: () => {}, drain: () => {}, closed: () => {} };
