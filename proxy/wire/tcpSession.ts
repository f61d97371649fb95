/**
 * One client connection carried as bytes. The upstream may be opened before it is known that it is one: whichever
 * side speaks first decides, and an upstream that HTTP then needs is handed to its pool.
 */
import type { Code } from '../../core/errors/index.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import type { LogFields, Series, Verdict } from '../telemetry/types.ts';
import { bound } from './bounds.ts';
import type { Channel, Handler } from './channel.ts';
import type { Pool } from './exchange/pool.ts';
import { FirstBytes } from './firstBytes.ts';
import { Relay } from './relay.ts';
import { StreamChannel } from './streams/streamChannel.ts';

export interface TcpOptions {
  client: Channel;
  /** The endpoint to try next; undefined: there is none. Called again only after a failure to connect. */
  next(): Pool | Code;
  /** On a connection of its own, not beside others. */
  own?: boolean;
  /** The upstream is open, or will not be. */
  connected?(): void;
  refused?(code: Code): void;
  /** A client that turns out to send a request is not heard: the connection ends. */
  guarded?: boolean;
  /** How a peer proxy brings it here. */
  wire?: Wire | undefined;
  /** It was opened ahead and not needed: nobody is told of it. */
  unneeded?(): boolean;
  /** Counts where no endpoint was reached. */
  series(): Series;
  /** The upstream spoke, or closed, before the client was understood. Returns what the client has sent so far. */
  spokeFirst(): Buffer;
  /** `yielded`: it became HTTP, and what was opened for it is in its pool. */
  ended(session: TcpSession, yielded: boolean): void;
  verdict?: Verdict | undefined;
}

export class TcpSession implements Handler, LogFields {
  readonly peer: string;
  upstream = '';
  wire: Wire | undefined;
  readonly verdict: Verdict | undefined;
  detail: string | undefined;
  private readonly options: TcpOptions;
  private readonly first: FirstBytes;
  private readonly startedAt = performance.now();
  private pool: Pool | undefined;
  private giveUp: (() => void) | undefined;
  private opened: { channel: Channel; identity: string; serial: string } | undefined;
  private relay: Relay | undefined;
  /** Set once the client is known to speak no HTTP. */
  private clientBytes: Buffer | undefined;
  private over = false;
  private flag: Code | undefined;
  private failure: Code | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: TcpOptions) {
    this.options = options;
    this.first = new FirstBytes(options.guarded ?? false);
    this.wire = options.wire;
    this.peer = options.client.peer;
    this.verdict = options.verdict;
  }

  get serverName(): string | undefined {
    return this.first.serverName;
  }

  /** Either side has spoken: to end it would cut something off. */
  get carrying(): boolean {
    return this.relay !== undefined || this.clientBytes !== undefined;
  }

  /** Opens the upstream. */
  open(): void {
    const pool = this.options.next();
    if (typeof pool === 'string') this.cannotOpen(pool);
    else this.dial(pool);
  }

  /** The client speaks no HTTP, and has said `bytes` so far. */
  bind(bytes: Buffer): void {
    this.clientBytes = bytes;
    this.options.client.handler = this;
    this.options.client.pause();
    if (this.options.client.closed) return this.closed();
    if (this.failure !== undefined) return this.fail(this.failure);
    this.carry();
  }

  /** The client speaks HTTP after all: what was opened for it is kept for that. */
  yield(): unknown {
    if (this.over) return undefined;
    this.over = true;
    clearTimeout(this.timer);
    // what is still being opened is kept, too: to give it up would look like a broken client at the other side
    if (this.opened) this.pool?.adopt(this.opened.channel, this.opened);
    this.leavePool();
    this.options.ended(this, true);
    return undefined;
  }

  /** Ends the connection from the proxy's side, as when policy no longer allows it. */
  abort(flag: Code): void {
    if (this.over) return;
    this.flag = flag;
    if (this.relay) return this.relay.abort();
    this.fail(flag);
  }

  // before the relay takes the client over
  data(): void {}
  end(): void {}
  drain(): void {}
  closed(): void {
    this.fail('CLIENT_CLOSED');
  }

  private dial(pool: Pool): void {
    this.pool = pool;
    this.upstream = pool.options.upstream;
    pool.active++;
    const serial = pool.options.serial();
    this.giveUp = pool.open(
      {
        connected: (channel, identity) => {
          this.opened = { channel, identity, serial };
          this.wire ??= wireTo(channel, pool);
          this.options.connected?.();
          if (this.over) pool.adopt(channel, this.opened);
          else this.carry();
        },
        failed: (code, detail) => {
          if (this.over) return;
          this.giveUp = undefined;
          this.detail = detail;
          this.leavePool();
          const other = this.options.next();
          if (typeof other === 'string') this.cannotOpen(code);
          else this.dial(other);
        },
      },
      this.options.own ?? false,
    );
  }

  /** A client that has not spoken may yet turn out to speak HTTP, and then gets an answer instead of a reset. */
  private cannotOpen(code: Code): void {
    if (this.clientBytes !== undefined) return this.fail(code);
    this.failure = code;
    this.timer = setTimeout(() => {
      this.options.spokeFirst();
      this.fail(code);
    }, bound.refusedMs);
  }

  private carry(): void {
    const { opened, clientBytes } = this;
    if (!opened) return;
    this.giveUp = undefined;
    if (clientBytes === undefined) {
      opened.channel.handler = this.listener();
      return;
    }
    this.connect(opened.channel, undefined);
  }

  /** The upstream is open and nobody has spoken. */
  private listener(): Handler {
    const spoke = (bytes: Buffer | undefined) => {
      if (this.over || !this.opened) return;
      this.clientBytes = this.options.spokeFirst();
      this.connect(this.opened.channel, bytes);
    };
    return { data: spoke, end: () => spoke(undefined), drain: () => {}, closed: () => spoke(undefined) };
  }

  private connect(upstream: Channel, fromUpstream: Buffer | undefined): void {
    const { pool } = this;
    this.relay = new Relay({
      client: this.options.client,
      upstream,
      fromClient: this.clientBytes,
      fromUpstream,
      first: this.first,
      done: ({ sentBytes, receivedBytes, broken }) => {
        this.flag ??= broken ? 'UPSTREAM_RESET' : undefined;
        this.finish(sentBytes, receivedBytes);
      },
    });
    // a peer proxy may take the connection and have no application for it
    if (fromUpstream === undefined) whenHeard(upstream, () => pool?.served());
    else pool?.served();
  }

  /** No upstream could be opened: the client sees its connection reset, as it would without a proxy. */
  private fail(flag: Code): void {
    if (this.over) return;
    this.flag = flag;
    // what did not pass is told of, too
    if (this.clientBytes !== undefined) this.first.pass(this.clientBytes);
    this.giveUp?.();
    this.opened?.channel.destroy();
    this.options.refused?.(flag);
    this.options.client.reset();
    this.finish(0, 0);
  }

  private finish(sentBytes: number, receivedBytes: number): void {
    this.over = true;
    clearTimeout(this.timer);
    const { pool } = this;
    pool?.carried(sentBytes + receivedBytes);
    const series =
      (this.opened && pool?.options.series(this.opened.identity, 'tcp')) ?? this.options.series();
    this.leavePool();
    const durationMs = performance.now() - this.startedAt;
    const unneeded = sentBytes === 0 && this.options.unneeded?.() === true;
    if (!unneeded) series.connection({ durationMs, sentBytes, receivedBytes, flag: this.flag }, this);
    this.options.ended(this, false);
  }

  private leavePool(): void {
    if (this.pool) this.pool.active--;
    this.pool = undefined;
  }
}

/** How bytes travel to a peer; undefined where it is no proxy. */
function wireTo(channel: Channel, { options }: Pool): Wire | undefined {
  if (options.wire === undefined) return undefined;
  return channel instanceof StreamChannel ? 'weft/1' : 'weft-tcp/1';
}

/** Calls back at the first bytes that come. The handler gets them, and all else, as it would have. */
function whenHeard(channel: Channel, heard: () => void): void {
  const { handler } = channel;
  channel.handler = {
    data(bytes) {
      channel.handler = handler;
      heard();
      handler.data(bytes);
    },
    end: () => handler.end(),
    drain: () => handler.drain(),
    closed: (error) => handler.closed(error),
  };
}
