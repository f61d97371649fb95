/** The connections to one endpoint: those that carry an exchange, and those kept for the next. */
import type { Code } from '../../../core/errors/index.ts';
import type { Series } from '../../telemetry/types.ts';
import { bound } from '../bounds.ts';
import type { Channel } from '../channel.ts';
import type { DialHandlers } from '../dial.ts';
import type { Sweeper, Swept } from '../sweeper.ts';
import { ClientConnection } from './clientConnection.ts';

export interface PoolOptions {
  /** `address:port`, for logs. */
  readonly upstream: string;
  /** The peer is a proxy that proved its identity: what it says of retries is believed. */
  readonly trusted: boolean;
  /** How long an unused connection is kept where the other side gives no hint. */
  idleMs(): number;
  /** An unused connection older than this is not trusted with a request that must not be sent twice. */
  readonly freshMs: number;
  readonly sweeper: Sweeper;
  dial(handlers: DialHandlers): () => void;
  /** Serial of the certificate that dial would use now; '' in plain text. */
  serial(): string;
  /** Where exchanges and connections with a peer are counted; undefined: it is the client that they are counted by. */
  series(identity: string, protocol: 'http' | 'tcp'): Series | undefined;
}

/** Who asked for a connection. */
export interface Asker {
  connected(connection: ClientConnection): void;
  connectFailed(code: Code, detail: string): void;
}

/** A pool stops being chosen for a while after a failed connection, longer with each failure in a row. */
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;

export class Pool implements Swept {
  readonly options: PoolOptions;
  /** Exchanges and relays that run or wait for a connection. */
  active = 0;
  /** performance.now() until which it should be avoided; 0: in order. */
  downUntil = 0;
  private readonly idle: ClientConnection[] = [];
  private failures = 0;
  private retired = false;

  constructor(options: PoolOptions) {
    this.options = options;
    options.sweeper.add(this);
  }

  /** Nothing runs and nothing is kept. */
  get unused(): boolean {
    return this.active === 0 && this.idle.length === 0;
  }

  get full(): boolean {
    return this.active >= bound.connectionsPerEndpoint;
  }

  /** A kept connection, the last used first; undefined where a new one is needed. `safe`: sending twice does no harm. */
  take(safe: boolean): ClientConnection | undefined {
    const serial = this.options.serial();
    for (;;) {
      const connection = this.idle.pop();
      if (connection === undefined) return undefined;
      if (connection.serial === serial && this.fresh(connection, safe)) return connection;
      connection.destroy();
    }
  }

  /** Opens a connection; exactly one of the asker's functions is called, never before this returns. */
  connect(asker: Asker): () => void {
    const serial = this.options.serial();
    return this.open({
      connected: (channel, identity) =>
        asker.connected(new ClientConnection(channel, this, { identity, serial })),
      failed: (code, detail) => asker.connectFailed(code, detail),
    });
  }

  /** Opens a connection that will not carry HTTP, or is not known to. As `dial`. */
  open(handlers: DialHandlers): () => void {
    return this.options.dial({
      connected: handlers.connected,
      failed: (code, detail) => {
        this.avoid();
        handlers.failed(code, detail);
      },
    });
  }

  /** It did not serve: others come first for a while. */
  avoid(): void {
    const pause = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** Math.min(this.failures++, 10));
    this.downUntil = performance.now() + pause;
  }

  /** It did serve. A connection alone says little: a peer proxy may be there without its application. */
  served(): void {
    if (this.failures === 0) return;
    this.failures = 0;
    this.downUntil = 0;
  }

  /** Takes in a connection that was opened before it was known that it would carry HTTP. */
  adopt(channel: Channel, proven: { identity: string; serial: string }): void {
    this.keep(new ClientConnection(channel, this, proven), -1);
  }

  /** Keeps a connection for later. `hint`: seconds that the other side says it keeps it, or -1. */
  keep(connection: ClientConnection, hint: number): void {
    const limit =
      hint < 0 ? this.options.idleMs() : Math.min(hint > 2 ? (hint - 1) * 1000 : hint * 500, 60_000);
    const outdated = connection.serial !== '' && connection.serial !== this.options.serial();
    if (
      this.retired ||
      outdated ||
      !connection.usable ||
      limit <= 0 ||
      this.idle.length >= bound.idlePerEndpoint
    ) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    connection.idleMs = limit;
    this.idle.push(connection);
  }

  forget(connection: ClientConnection): void {
    const index = this.idle.indexOf(connection);
    if (index >= 0) this.idle.splice(index, 1);
  }

  sweep(now: number): void {
    // the least recently used are at the front
    while (this.idle.length > 0 && now - this.idle[0]!.idleSince > this.idle[0]!.idleMs)
      this.idle[0]!.destroy();
  }

  /** The endpoint is gone: nothing is kept any more; what runs may finish. */
  retire(): void {
    this.retired = true;
    this.options.sweeper.delete(this);
    while (this.idle.length > 0) this.idle[0]!.destroy();
  }

  private fresh(connection: ClientConnection, safe: boolean): boolean {
    if (!connection.usable) return false;
    const age = performance.now() - connection.idleSince;
    return age <= connection.idleMs && (safe || age <= this.options.freshMs);
  }
}
