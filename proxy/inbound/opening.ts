/** A connection before the application notices anything of it: opened early, given to HTTP, or judged and carried. */
import type { Code } from '../../core/errors/index.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import { bound } from '../wire/bounds.ts';
import type { Channel } from '../wire/channel.ts';
import type { Pool } from '../wire/exchange/pool.ts';
import { FirstBytes } from '../wire/firstBytes.ts';
import type { Side } from '../wire/side.ts';
import { ALPN_HTTP2, ALPN_TCP } from '../wire/sniff.ts';
import { StreamAcceptor } from '../wire/streams/acceptor.ts';
import { TcpSession } from '../wire/tcpSession.ts';
import type { Peer } from './peer.ts';

/** Where a connection was going. */
export interface Target {
  port: number;
  application: () => Pool;
}

/** A connection of which it is not known yet whether it carries bytes. Judged before the application notices anything. */
export class Opening {
  readonly channel: Channel;
  readonly target: Target;
  readonly peer: Peer;
  private readonly side: Side;
  private readonly judged: Set<() => void>;
  private readonly guarded: boolean;
  private session: TcpSession | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    { channel, target, peer }: { channel: Channel; target: Target; peer: Peer },
    { side, judged, guarded }: { side: Side; judged: Set<() => void>; guarded: boolean },
  ) {
    this.channel = channel;
    this.target = target;
    this.peer = peer;
    this.side = side;
    this.judged = judged;
    this.guarded = guarded;
  }

  /** Gives the client so long to speak. */
  expire(milliseconds: number): void {
    this.timer = setTimeout(() => this.channel.destroy(), milliseconds);
  }

  /** A silent client: perhaps the application speaks first, where it may be opened to this client at all. */
  early(spokeFirst: () => Buffer): void {
    if (!this.peer.config || !this.peer.stillAllowed('connection')) {
      // TLS may still come, or a request that is refused with a reason
      this.timer = setTimeout(() => {
        spokeFirst();
        this.channel.destroy();
      }, bound.sniffMs);
      return;
    }
    this.open(() => {
      // judged when it was opened, and at each change since; counted now that it is known to carry bytes
      if (this.peer.config) this.peer.judge(this.peer.config, 'connection');
      return spokeFirst();
    });
  }

  /** It is HTTP, or TLS after all, or the client is gone: what was opened is kept for requests. */
  yield(): void {
    clearTimeout(this.timer);
    this.session?.yield();
    this.session = undefined;
  }

  /** mode, authorize: it carries bytes. */
  asBytes(bytes: Buffer): void {
    clearTimeout(this.timer);
    const { peer } = this;
    // a probe that only looks whether the port is open: neither a caller nor a violation
    const probe = bytes.length === 0 && this.channel.ended;
    if (probe && !peer.stillAllowed('connection')) {
      this.session?.yield();
      return this.channel.destroy();
    }
    const flag = peer.config ? peer.judge(peer.config, 'connection') : 'NOT_CONFIGURED';
    if (flag !== undefined) return this.refuse(flag, bytes);
    if (!this.session) this.open(() => Buffer.alloc(0));
    this.session!.bind(bytes);
  }

  /** It must not be carried, and is told of with what the client has sent so far. */
  refuse(flag: Code, bytes: Buffer): void {
    clearTimeout(this.timer);
    this.session?.yield();
    const { channel, peer, wire } = this;
    const first = new FirstBytes(false);
    first.pass(bytes);
    const end = { durationMs: 0, sentBytes: 0, receivedBytes: 0, flag };
    const { serverName } = first;
    peer.series('tcp').connection(end, { peer: channel.peer, verdict: peer.verdict, wire, serverName });
    if (channel instanceof StreamAcceptor) channel.refuse(flag);
    channel.reset();
  }

  /** How a peer proxy brings it. */
  private get wire(): Wire | undefined {
    if (this.peer.principal === undefined) return undefined;
    return this.channel instanceof StreamAcceptor ? ALPN_HTTP2 : ALPN_TCP;
  }

  private open(spokeFirst: () => Buffer): void {
    const { channel, peer, side, judged } = this;
    let tried = false;
    const session = new TcpSession({
      client: channel,
      // who is declared to speak no HTTP is taken at its word
      guarded: this.guarded,
      wire: this.wire,
      next: () => {
        if (tried) return 'APPLICATION_UNAVAILABLE';
        tried = true;
        return this.target.application();
      },
      series: () => peer.series('tcp'),
      ...(channel instanceof StreamAcceptor && {
        connected: () => channel.accept(),
        refused: (code: Code) => channel.refuse(code),
        unneeded: () => channel.cancelled,
      }),
      spokeFirst,
      ended: (ended) => {
        side.sessions.delete(ended);
        judged.delete(judge);
      },
    });
    const judge = () => {
      if (!peer.stillAllowed('connection')) session.abort('AUTHORIZATION_DENIED');
    };
    this.session = session;
    side.sessions.add(session);
    judged.add(judge);
    session.open();
  }
}
