/**
 * HTTP/2 connections to one endpoint. One is enough for a peer proxy; an application that takes few streams at once gets
 * more. New exchanges go on the newest; those that run on an older one end there.
 */
import type { Code } from '../../../core/errors/index.ts';
import type { Wire } from '../../../core/proxyConfig/index.ts';
import type { Series } from '../../telemetry/types.ts';
import type { Channel } from '../channel.ts';
import type { DialHandlers } from '../dial.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Pool, Proven } from '../exchange/pool.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { ConnectionHandler, StreamHandler } from '../http2/handlers.ts';
import { unheard } from '../http2/stream.ts';
import { SocketChannel } from '../socketChannel.ts';
import { agreedWire } from '../tls.ts';
import { MESH_LIMITS } from './limits.ts';
import { openBytes } from './openBytes.ts';
import { StreamUpstream } from './upstream.ts';

const MAX_CONNECTIONS = 16;
/** A connection that was used so lately will be wanted again, and is opened again within so long. */
const RECENTLY_MS = 10_000;
const AGAIN_MS = 200;

/** One of them, with what is known of it. */
export class Shared implements ConnectionHandler {
  readonly pool: Pool;
  readonly channel: Channel;
  readonly connection: Http2Connection;
  readonly identity: string;
  readonly serial: string;
  readonly series: Series | undefined;
  /** Exchanges so far. */
  served = 0;
  private readonly owner: SharedConnections;
  /** It is this side that ends it. */
  ours = false;
  private asked = false;

  constructor(
    owner: SharedConnections,
    pool: Pool,
    { channel, identity, serial }: { channel: Channel; identity: string; serial: string },
  ) {
    this.owner = owner;
    this.pool = pool;
    this.channel = channel;
    this.identity = identity;
    this.serial = serial;
    this.series = pool.options.series(identity, 'http');
    // servers of applications may take pings without data for abuse
    const limits = pool.options.trusted ? MESH_LIMITS : { pingAfterMs: Number.POSITIVE_INFINITY };
    this.connection = new Http2Connection({ channel, role: 'client', handler: this, limits });
    this.connection.start();
  }

  /** Ends it from this side. */
  end(): void {
    this.ours = true;
    this.connection.shutdown();
  }

  usedWithin(milliseconds: number): boolean {
    const { idleSince } = this.connection;
    return this.served > 0 && (idleSince === 0 || performance.now() - idleSince < milliseconds);
  }

  /** The answer to a PING comes after the SETTINGS. */
  askReady(): void {
    if (this.asked) return;
    this.asked = true;
    if (!this.connection.ping(() => this.owner.deliver())) this.connection.destroy();
  }

  request(): StreamHandler {
    return unheard;
  }
  unacceptable(): void {}
  goingAway(): void {
    this.owner.leaving(this);
  }
  available(): void {
    this.owner.deliver();
  }
  closed(): void {
    this.owner.forget(this);
  }
  errored(errorCode: number, ours: boolean): void {
    this.pool.options.incidents.http2Error(errorCode, ours ? 'proxy' : 'peer');
  }
  boundReached(bound: string): void {
    this.pool.options.incidents.boundReached(bound);
  }
}

/** RFC 8441, 3. */
const NO_EXTENDED: [Code, string] = ['UPSTREAM_PROTOCOL_ERROR', 'the server takes no :protocol'];

/** What waits for a connection. `begin`: takes it. */
interface Waiter {
  /** Says `:protocol`, which a server must have allowed before (RFC 8441, 3): that is the first that it says. */
  extended: boolean;
  begin(shared: Shared): void;
  /** The peer speaks another wire: goes by that. */
  elsewhere(): void;
  failed(code: Code, detail: string): void;
}

export class SharedConnections {
  private readonly pool: Pool;
  private readonly wire: Wire | undefined;
  private readonly connections: Shared[] = [];
  private readonly waiters: Waiter[] = [];
  private connecting = false;
  private retired = false;
  private warming: NodeJS.Timeout | undefined = undefined;

  constructor(pool: Pool, wire: Wire | undefined) {
    this.pool = pool;
    this.wire = wire;
  }

  get empty(): boolean {
    return this.connections.length === 0 && this.waiters.length === 0;
  }

  attempt(exchange: Exchange, fresh: boolean): (() => void) | undefined {
    const extended = exchange.request.upgrading;
    const shared = fresh ? undefined : this.usable();
    if (shared !== undefined && !extended) {
      exchange.deliver(new StreamUpstream(shared));
      return undefined;
    }
    let giveUp: (() => void) | undefined;
    const cancel = this.wait({
      extended,
      begin: (connected) => exchange.deliver(new StreamUpstream(connected)),
      elsewhere: () => (giveUp = this.pool.attempt(exchange, fresh)),
      failed: (code, detail) => this.pool.failed(exchange, code, detail),
    });
    return () => (giveUp ?? cancel)();
  }

  /** Opens a stream that carries bytes. As `dial`. */
  open(handlers: DialHandlers): () => void {
    let giveUp: (() => void) | undefined;
    const cancel = this.wait({
      extended: true,
      begin: (shared) => (giveUp = openBytes(shared, handlers)),
      elsewhere: () => (giveUp = this.pool.open(handlers, false)),
      failed: (code, detail) => handlers.failed(code, detail),
    });
    return () => (giveUp ?? cancel)();
  }

  /** As many of those that wait as there is room for; another connection where there is none. */
  deliver(): void {
    while (this.waiters.length > 0) {
      const shared = this.usable();
      if (shared === undefined) return this.connect();
      if (this.waiters[0]!.extended && !shared.connection.ready) return shared.askReady();
      const waiter = this.waiters.shift()!;
      if (waiter.extended && !shared.connection.extendedConnect) waiter.failed(...NO_EXTENDED);
      else waiter.begin(shared);
    }
    this.letGo();
  }

  /** Opens a connection before it is needed, a moment later, so that many proxies do not do so at once. */
  warm(withinMs: number): void {
    if (this.warming !== undefined || this.connections.length > 0) return;
    this.warming = setTimeout(() => {
      this.warming = undefined;
      if (!this.retired && this.usable() === undefined) this.connect(true);
    }, Math.random() * withinMs).unref();
  }

  leaving(shared: Shared): void {
    // it goes on serving, but wants new requests to go elsewhere
    const theirs = !shared.ours && shared.serial === this.pool.options.serial();
    if (this.pool.options.trusted && theirs) this.pool.avoid();
    this.deliver();
  }

  forget(shared: Shared): void {
    const index = this.connections.indexOf(shared);
    if (index >= 0) this.connections.splice(index, 1);
    if (this.waiters.length > 0) this.deliver();
    else if (shared.usedWithin(RECENTLY_MS) && this.pool.options.trusted) this.warm(AGAIN_MS);
  }

  sweep(now: number): void {
    const { idleMs, load } = this.pool.options;
    for (const shared of this.connections) {
      const { connection } = shared;
      connection.sweep(now);
      load.openedStreams += connection.streams;
      load.bufferedBytes += connection.sending;
      load.heldBytes += connection.held;
      if (!connection.open) continue;
      const { idleSince } = connection;
      if (idleSince > 0 && now - idleSince > idleMs()) shared.end();
      else if (this.outdated(shared)) this.replace(shared);
    }
  }

  retire(): void {
    this.retired = true;
    clearTimeout(this.warming);
    this.letGo();
  }

  /** Who waits is still served. */
  private letGo(): void {
    if (!this.retired || this.waiters.length > 0) return;
    for (const { connection } of this.connections) connection.shutdown();
  }

  private outdated({ serial }: Shared): boolean {
    return serial !== this.pool.options.serial();
  }

  /** Our certificate is another now: the old connection serves until the new one is there. */
  private replace(old: Shared): void {
    const replaced = this.connections.some((other) => other.connection.canOpen && !this.outdated(other));
    if (replaced || old.connection.idleSince > 0) old.end();
    else this.connect(true);
  }

  /** The newest that takes another stream, or where several share the load, the one with the least of it. */
  private usable(): Shared | undefined {
    let best: Shared | undefined;
    for (let index = this.connections.length - 1; index >= 0; index--) {
      const shared = this.connections[index]!;
      if (!shared.connection.canOpen) continue;
      if (this.pool.options.spread === 1) return shared;
      if (best === undefined || shared.connection.streams < best.connection.streams) best = shared;
    }
    const few =
      this.connections.length < this.pool.options.spread && this.pool.downUntil <= performance.now();
    if (best !== undefined && few && best.served > 0 && best.connection.streams > 0) this.connect(true);
    return best;
  }

  private wait(waiter: Waiter): () => void {
    this.waiters.push(waiter);
    // never before this returns
    queueMicrotask(() => this.deliver());
    return () => {
      const index = this.waiters.indexOf(waiter);
      if (index >= 0) this.waiters.splice(index, 1);
      this.letGo();
    };
  }

  /** The peer speaks less than it was thought to: `channel` is as good as it gets. */
  private leaveTo(channel: Channel, proven: Proven): void {
    this.pool.simplify(channel, proven);
    for (const waiter of this.waiters.splice(0)) waiter.elsewhere();
    this.letGo();
  }

  private connect(early = false): void {
    const { pool, wire } = this;
    // nobody waits here for as long as the peer is known to speak less
    if (early && pool.wire !== wire) return;
    if (this.connecting || (!early && (this.waiters.length === 0 || this.mayWait()))) return;
    this.connecting = true;
    const proven = pool.options.serial();
    pool.connect(wire, {
      connected: (channel, identity) => {
        this.connecting = false;
        if (speaksLess(channel, wire)) return this.leaveTo(channel, { identity, serial: proven });
        this.connections.push(new Shared(this, pool, { channel, identity, serial: proven }));
        this.deliver();
      },
      failed: (code, detail) => {
        this.connecting = false;
        if (this.usable() !== undefined) return this.deliver();
        for (const waiter of this.waiters.splice(0)) waiter.failed(code, detail);
      },
    });
  }

  /** A connection that has not said yet how many streams it takes, or too many connections. */
  private mayWait(): boolean {
    const open = this.connections.filter(({ connection }) => connection.open);
    return (
      open.length >= MAX_CONNECTIONS ||
      open.some(({ connection }) => !connection.ready && connection.streams > 0)
    );
  }
}

function speaksLess(channel: Channel, wire: Wire | undefined): boolean {
  if (!(channel instanceof SocketChannel)) return false;
  const agreed = agreedWire(channel.socket);
  return agreed !== undefined && agreed !== wire;
}
