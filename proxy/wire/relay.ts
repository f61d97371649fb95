/** Carries bytes between two connections, with back-pressure, half-close and reset, as if there were one. */
import type { Channel, Handler } from './channel.ts';
import { forLong } from './copies.ts';
import type { FirstBytes } from './firstBytes.ts';

export interface RelayEnd {
  /** Bytes from the side that connected, and back to it. */
  sentBytes: number;
  receivedBytes: number;
  /** A side ended by error or reset. */
  broken: boolean;
}

class Side implements Handler {
  /** Until it is over. */
  first: FirstBytes | undefined = undefined;
  bytes = 0;
  over = false;
  readonly from: Channel;
  readonly to: Channel;
  private readonly relay: Relay;

  constructor(from: Channel, to: Channel, relay: Relay) {
    this.from = from;
    this.to = to;
    this.relay = relay;
  }

  data(chunk: Buffer): void {
    if (this.first !== undefined && !this.mayPass(this.first, chunk)) return this.relay.abort();
    this.bytes += chunk.length;
    // what must wait behind other bytes may wait for long
    const bytes = this.to.buffered > 0 ? forLong(chunk) : chunk;
    if (!this.to.write(bytes)) this.from.pause();
  }
  drain(): void {
    this.to.resume();
  }
  end(): void {
    this.to.end();
  }
  closed(error: Error | undefined): void {
    this.relay.sideClosed(this, error);
  }

  private mayPass(first: FirstBytes, chunk: Buffer): boolean {
    const passes = first.pass(chunk);
    if (first.over) this.first = undefined;
    return passes;
  }
}

export interface RelayOptions {
  /** The side that connected, and the one that was dialled. */
  client: Channel;
  upstream: Channel;
  /** Bytes already read from each side. */
  fromClient?: Buffer | undefined;
  fromUpstream?: Buffer | undefined;
  /** Looks at what the client sends first; the connection ends where that may not pass. */
  first?: FirstBytes;
  done: (end: RelayEnd) => void;
}

export class Relay {
  private readonly client: Side;
  private readonly upstream: Side;
  private readonly done: (end: RelayEnd) => void;
  private open = 2;
  private broken = false;

  constructor({ client, upstream, fromClient, fromUpstream, first, done }: RelayOptions) {
    this.done = done;
    this.client = new Side(client, upstream, this);
    this.client.first = first;
    this.upstream = new Side(upstream, client, this);
    client.handler = this.client;
    upstream.handler = this.upstream;
    client.resume();
    upstream.resume();
    if (fromClient !== undefined && fromClient.length > 0) this.client.data(fromClient);
    if (fromUpstream !== undefined && fromUpstream.length > 0) this.upstream.data(fromUpstream);
    if (client.ended) this.client.end();
    if (upstream.ended) this.upstream.end();
    // what closed before the relay existed will not say so again
    if (client.closed) this.sideClosed(this.client, undefined);
    if (upstream.closed) this.sideClosed(this.upstream, undefined);
  }

  /** Ends both sides at once, as when policy no longer allows the connection. */
  abort(): void {
    this.broken = true;
    this.client.from.reset();
    this.upstream.from.reset();
  }

  sideClosed(side: Side, error: Error | undefined): void {
    if (side.over) return;
    side.over = true;
    // a side that closed before it had finished sending was cut off: so must the other be
    if (error !== undefined || !side.from.ended) {
      this.broken = true;
      side.to.reset();
    }
    if (--this.open > 0) return;
    this.done({ sentBytes: this.client.bytes, receivedBytes: this.upstream.bytes, broken: this.broken });
  }
}
