/**
 * Connections to the application, from accept to the application. Read from top to bottom:
 *
 *   accept            redirected here, whatever port of the pod was called
 *   original port     policy is by port; refusing our own here keeps a caller from reaching the proxy through itself
 *   first bytes       mTLS of a peer, the application's own TLS, or plain text; before anything else is believed
 *   mTLS              the identity of the peer, which everything below judges by
 *   protocol          inside mTLS the same question again: HTTP, or bytes; a silent client does not wait for it
 *   mode, authorize   HTTP per request, bytes per connection, by the configuration in force at that moment
 *   application       last: nothing reaches it that was not allowed
 */
import type { Address, DataPlane, InboundListen, Running } from '../context.ts';
import { normalizeAddress } from '../wire/address.ts';
import { bound } from '../wire/bounds.ts';
import type { Channel } from '../wire/channel.ts';
import type { Pool } from '../wire/http1/pool.ts';
import { ServerConnection } from '../wire/http1/serverConnection.ts';
import { originalDestination, prepareOriginalDestination } from '../wire/originalDst.ts';
import { rarely } from '../wire/rarely.ts';
import { SocketChannel } from '../wire/socketChannel.ts';
import { Side } from '../wire/side.ts';
import { Sniffer, type Spoken } from '../wire/sniffer.ts';
import { TcpSession } from '../wire/tcpSession.ts';
import { secureServer } from '../wire/tls.ts';
import { Applications } from './applications.ts';
import { InboundHttp, type InboundContext } from './httpStation.ts';
import { Peer } from './peer.ts';

/** Starts the inbound side. Rejects where a listener cannot be bound. */
export async function startInbound({
  listen,
  plane,
}: {
  listen: InboundListen[];
  plane: DataPlane;
}): Promise<Running> {
  if (listen.some(({ fixed }) => fixed === undefined)) prepareOriginalDestination();
  const inbound = new Inbound(plane);
  for (const { listen: address, fixed } of listen) {
    await inbound.side.listen(address, (channel, own) => inbound.accept(channel, { own, fixed }));
  }
  return inbound.side;
}

/** Where a connection was going. */
interface Target {
  port: number;
  application: () => Pool;
}

class Inbound {
  readonly side: Side;
  private readonly plane: DataPlane;
  private readonly applications: Applications;
  private readonly http: InboundHttp;
  /** What is open and was judged when it was opened: called when the configuration changes. */
  private readonly judged = new Set<() => void>();

  /** For what strangers can cause. */
  private readonly sometimes = rarely();

  constructor(plane: DataPlane) {
    this.plane = plane;
    this.side = new Side(plane.log);
    this.applications = new Applications(plane, this.side.sweeper);
    this.http = new InboundHttp({ plane, side: this.side, judged: this.judged });
    const unsubscribe = plane.config.subscribe(() => {
      for (const judge of this.judged) judge();
    });
    this.side.whenEnded(() => {
      unsubscribe();
      this.applications.end();
    });
  }

  /** original port */
  accept(channel: SocketChannel, { own, fixed }: { own: Address; fixed: InboundListen['fixed'] }): void {
    const dial = fixed?.dial ?? originalDestination(channel.raw);
    const port = fixed?.port ?? dial?.port ?? own.port;
    if (!dial || this.side.isOwn(normalizeAddress(dial.host), dial.port) || (!fixed && port === own.port)) {
      this.sometimes((skipped) =>
        this.plane.log.warn(
          { flag: 'LOOP_DETECTED', peer: channel.peer, skipped },
          'the inbound port itself was called',
        ),
      );
      return channel.reset();
    }
    const application = () => this.applications.at(dial, fixed !== undefined);
    this.recognize(channel, { port, application });
  }

  /** first bytes */
  private recognize(channel: SocketChannel, target: Target): void {
    const peer = new Peer(this.plane, channel, { port: target.port, principal: undefined });
    const opening = this.opening(channel, target, peer);
    const sniffer = new Sniffer(channel, {
      declared: this.declared(target.port),
      tls: true,
      decided: (spoken, bytes) => {
        if (spoken === 'weft') {
          opening.yield();
          return this.terminate(channel, target, bytes);
        }
        this.count(channel, 'plain');
        this.carry(opening, { spoken, bytes });
      },
      silent: () =>
        opening.early(() => {
          this.count(channel, 'plain');
          return sniffer.stop();
        }),
      gone: () => opening.yield(),
    });
  }

  /** mTLS */
  private terminate(channel: SocketChannel, target: Target, bytes: Buffer): void {
    const identity = this.plane.identity.current;
    if (!identity) return channel.reset();
    channel.detach();
    // flowing, the socket would give the bytes to nobody instead of to TLS
    channel.pause();
    channel.socket.unshift(bytes);
    secureServer(channel.raw, {
      context: identity.serverContext,
      trustDomain: this.plane.config.current?.document.trust.trustDomain,
      secured: (socket, principal) => {
        const secured = new SocketChannel(socket, channel.raw);
        this.count(secured, 'mtls');
        this.recognizeInside(secured, target, principal);
      },
      failed: ({ code, detail }) => {
        this.plane.telemetry.handshakeFailed('inbound', code);
        this.sometimes((skipped) =>
          this.plane.log.info({ flag: code, peer: channel.peer, detail, skipped }, 'a handshake failed'),
        );
      },
    });
  }

  /** protocol */
  private recognizeInside(channel: Channel, target: Target, principal: string): void {
    const peer = new Peer(this.plane, channel, { port: target.port, principal });
    const opening = this.opening(channel, target, peer);
    const sniffer = new Sniffer(channel, {
      declared: this.declared(target.port),
      tls: false,
      decided: (spoken, bytes) => this.carry(opening, { spoken, bytes }),
      silent: () => opening.early(() => sniffer.stop()),
      gone: () => opening.yield(),
    });
  }

  private carry(opening: Opening, { spoken, bytes }: { spoken: Spoken; bytes: Buffer }): void {
    if (spoken !== 'http') return opening.asBytes(bytes);
    opening.yield();
    const { channel, target, peer } = opening;
    const context: InboundContext = {
      peer,
      application: target.application,
      sourceLine: peer.principal === undefined ? '' : `x-weft-source: ${peer.principal}\r\n`,
      series: undefined,
    };
    new ServerConnection(channel, this.http, context).start(bytes);
  }

  private opening(channel: Channel, target: Target, peer: Peer): Opening {
    const { side, judged } = this;
    return new Opening({ channel, target, peer }, { side, judged });
  }

  private declared(port: number): 'http' | 'tcp' | undefined {
    const protocol = this.plane.config.current?.section.protocols[String(port)] ?? 'Auto';
    if (protocol === 'Auto') return undefined;
    return protocol === 'Http' ? 'http' : 'tcp';
  }

  private count(channel: Channel, security: 'mtls' | 'plain'): void {
    this.plane.telemetry.connectionOpened('inbound', security);
    channel.whenClosed = () => this.plane.telemetry.connectionClosed('inbound', security);
  }
}

/** A connection of which it is not known yet whether it carries bytes. Judged before the application notices anything. */
class Opening {
  readonly channel: Channel;
  readonly target: Target;
  readonly peer: Peer;
  private readonly side: Side;
  private readonly judged: Set<() => void>;
  private session: TcpSession | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    { channel, target, peer }: { channel: Channel; target: Target; peer: Peer },
    { side, judged }: { side: Side; judged: Set<() => void> },
  ) {
    this.channel = channel;
    this.target = target;
    this.peer = peer;
    this.side = side;
    this.judged = judged;
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
    if (flag !== undefined) {
      this.session?.yield();
      const end = { durationMs: 0, sentBytes: 0, receivedBytes: 0, flag };
      peer.series('tcp').connection(end, { peer: this.channel.peer, verdict: peer.verdict });
      return this.channel.reset();
    }
    if (!this.session) this.open(() => Buffer.alloc(0));
    this.session!.bind(bytes);
  }

  private open(spokeFirst: () => Buffer): void {
    const { peer, side, judged } = this;
    let tried = false;
    const session = new TcpSession({
      client: this.channel,
      next: () => {
        if (tried) return 'APPLICATION_UNAVAILABLE';
        tried = true;
        return this.target.application();
      },
      series: () => peer.series('tcp'),
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
