/** One endpoint: its connections of either protocol, how busy it is, and whether it should be avoided. */
import type { Code } from '../../../core/errors/index.ts';
import type { Wire } from '../../../core/proxyConfig/index.ts';
import type { Load, Series } from '../../telemetry/types.ts';
import { bound } from '../bounds.ts';
import type { Channel } from '../channel.ts';
import type { DialHandlers } from '../dial.ts';
import { KeptConnections } from '../http1/keptConnections.ts';
import { SharedConnections } from '../streams/sharedConnections.ts';
import { StreamChannel } from '../streams/streamChannel.ts';
import type { Sweeper, Swept } from '../sweeper.ts';
import type { Exchange } from './exchange.ts';
import type { Incidents } from './station.ts';

export interface PoolOptions {
  /** `address:port`, for logs. */
  readonly upstream: string;
  /** The best form that the peer understands; undefined: no proxy, plain text. */
  readonly wire: Wire | undefined;
  /** The peer is a proxy that proved its identity: what it says of retries is believed. */
  readonly trusted: boolean;
  /** HTTP/2 connections that share the load: behind some addresses each leads to another peer. */
  readonly spread: number;
  /** How long an unused connection is kept where the other side gives no hint. */
  idleMs(): number;
  /** An unused connection older than this is not trusted with a request that must not be sent twice. */
  readonly freshMs: number;
  readonly sweeper: Sweeper;
  readonly load: Load;
  readonly incidents: Incidents;
  dial(wire: Wire | undefined, handlers: DialHandlers): () => void;
  /** Serial of the certificate that dial would use now; '' in plain text. */
  serial(): string;
  /** Where exchanges and connections with a peer are counted; undefined: it is the client that they are counted by. */
  series(identity: string, protocol: 'http' | 'tcp'): Series | undefined;
}

/** What is known of a connection beyond its bytes. */
export interface Proven {
  /** SPIFFE id that the peer proved; '' in plain text. */
  identity: string;
  /** Serial of our certificate on it; '' in plain text. */
  serial: string;
}

/** How long a peer that agreed to no more than the simpler wire is not asked for the better one. */
const SIMPLER_MS = 60_000;
/** A pool stops being chosen for a while after a failed connection, longer with each failure in a row. */
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;

export class Pool implements Swept {
  readonly options: PoolOptions;
  /** The form that is spoken now: `options.wire`, unless the peer turned out to speak less. */
  wire: Wire | undefined;
  /** Exchanges and relays that run or wait for a connection. */
  active = 0;
  /** performance.now() until which it should be avoided; 0: in order. */
  downUntil = 0;
  private readonly kept: KeptConnections;
  private readonly shared: SharedConnections;
  /** HTTP/2 by `weft-tcp/1`, from when the peer has turned out to speak no better form. */
  private simpler: SharedConnections | undefined = undefined;
  private simplerUntil = 0;
  private failures = 0;
  /** What was carried as bytes was large: the next is kept apart, too. */
  private bulky = false;
  private retired = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.wire = options.wire;
    this.kept = new KeptConnections(this);
    this.shared = new SharedConnections(this, options.wire);
    options.sweeper.add(this);
  }

  /** Nothing runs and nothing is kept. */
  get unused(): boolean {
    const { active, kept, shared, simpler } = this;
    return active === 0 && kept.empty && shared.empty && (simpler === undefined || simpler.empty);
  }

  get full(): boolean {
    return this.active >= bound.connectionsPerEndpoint;
  }

  /**
   * Brings the exchange to a connection: at once, by exchange.deliver, or later, unless the function that is returned
   * is called first. A failure is told by exchange.attemptFailed, never before this returns.
   */
  attempt(exchange: Exchange, fresh: boolean): (() => void) | undefined {
    if (this.wire !== 'weft/1' && !exchange.overHttp2) return this.kept.attempt(exchange, fresh);
    const shared = this.wire === this.options.wire ? this.shared : this.simpler!;
    return shared.attempt(exchange, fresh);
  }

  /** Opens a way for bytes. `own`: on a connection of its own, not beside others. As `dial`. */
  open(handlers: DialHandlers, own: boolean): () => void {
    const { wire } = this;
    if (wire === 'weft/1' && !own && !this.bulky) return this.shared.open(handlers);
    return this.connect(wire === undefined ? undefined : 'weft-tcp/1', handlers);
  }

  /** A way for bytes has ended. */
  carried(bytes: number): void {
    if (bytes > 0) this.bulky = bytes >= bound.bulkBytes;
  }

  /** Dials, and remembers failure. */
  connect(wire: Wire | undefined, handlers: DialHandlers): () => void {
    return this.options.dial(wire, {
      connected: handlers.connected,
      failed: (code, detail) => {
        this.avoid();
        handlers.failed(code, detail);
      },
    });
  }

  /** Exactly one of the exchange's functions is called, never before this returns. */
  failed(exchange: Exchange, code: Code, detail: string): void {
    exchange.attemptFailed({ code, detail, sent: false, reused: false, unprocessed: false });
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

  /** Opens the connection to a peer proxy before it is needed. */
  warm(withinMs: number): void {
    if (this.wire === 'weft/1') this.shared.warm(withinMs);
  }

  /**
   * The peer agreed to `weft-tcp/1` alone: its proxy is older than the one that was known there. All goes on so, apart
   * from what runs by the better wire, until it is time to ask again. It stays one endpoint: what runs there, and how
   * well, is counted here whichever wire it goes by.
   */
  simplify(channel: Channel, proven: Proven): void {
    this.wire = 'weft-tcp/1';
    this.simplerUntil = performance.now() + SIMPLER_MS;
    this.simpler ??= new SharedConnections(this, 'weft-tcp/1');
    // who waits is still served, and nothing kept after that
    if (this.retired) this.simpler.retire();
    this.adopt(channel, proven);
  }

  /** Takes in a connection that was opened before it was known that it would carry HTTP. */
  adopt(channel: Channel, proven: Proven): void {
    // beside a shared connection there is no use for one that carries a single exchange at a time
    if (this.wire === 'weft/1' || channel instanceof StreamChannel) channel.destroy();
    else this.kept.adopt(channel, proven);
  }

  sweep(now: number): void {
    this.kept.sweep(now);
    this.shared.sweep(now);
    this.simpler?.sweep(now);
    if (now > this.simplerUntil) this.wire = this.options.wire;
    if (this.retired && this.unused) this.options.sweeper.delete(this);
  }

  /** The endpoint is gone: nothing is kept any more; what runs may finish. */
  retire(): void {
    // streams that run on need their deadlines
    this.retired = true;
    this.kept.retire();
    this.shared.retire();
    this.simpler?.retire();
  }
}
