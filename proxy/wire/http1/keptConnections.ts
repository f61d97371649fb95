/** Connections to one endpoint that carry one exchange at a time: kept when it is over, and taken for the next. */
import { bound } from '../bounds.ts';
import type { Channel } from '../channel.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Pool, Proven } from '../exchange/pool.ts';
import { ClientConnection } from './clientConnection.ts';

export class KeptConnections {
  private readonly pool: Pool;
  private readonly idle: ClientConnection[] = [];
  private retired = false;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  get empty(): boolean {
    return this.idle.length === 0;
  }

  attempt(exchange: Exchange, fresh: boolean): (() => void) | undefined {
    const connection = fresh ? undefined : this.take(exchange.repeatable);
    if (connection !== undefined) {
      exchange.deliver(connection);
      return undefined;
    }
    const { pool } = this;
    const proven = pool.options.serial();
    return pool.connect(pool.wire, {
      connected: (channel, identity) =>
        exchange.deliver(new ClientConnection(channel, this, { pool, identity, serial: proven })),
      failed: (code, detail) => pool.failed(exchange, code, detail),
    });
  }

  /** Takes in a connection that was opened before it was known that it would carry HTTP. */
  adopt(channel: Channel, { identity, serial }: Proven): void {
    this.keep(new ClientConnection(channel, this, { pool: this.pool, identity, serial }), -1);
  }

  /** Keeps a connection for later. `hint`: seconds that the other side says it keeps it, or -1. */
  keep(connection: ClientConnection, hint: number): void {
    const { idleMs, serial } = this.pool.options;
    const limit = hint < 0 ? idleMs() : Math.min(hint > 2 ? (hint - 1) * 1000 : hint * 500, 60_000);
    const outdated = connection.serial !== '' && connection.serial !== serial();
    const unwanted = this.retired || outdated || limit <= 0 || this.idle.length >= bound.idlePerEndpoint;
    if (unwanted || !connection.usable) return connection.destroy();
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

  retire(): void {
    this.retired = true;
    while (this.idle.length > 0) this.idle[0]!.destroy();
  }

  /** The last used first; undefined where a new one is needed. `safe`: sending twice does no harm. */
  private take(safe: boolean): ClientConnection | undefined {
    const { serial, freshMs } = this.pool.options;
    const now = performance.now();
    for (;;) {
      const connection = this.idle.at(-1);
      if (connection === undefined) return undefined;
      const age = now - connection.idleSince;
      // the others are older still: they wait for a request that may be sent twice
      if (!safe && age > freshMs) return undefined;
      this.idle.pop();
      if (connection.serial === serial() && connection.usable && age <= connection.idleMs) return connection;
      connection.destroy();
    }
  }
}
