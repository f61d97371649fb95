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
import type { Wire } from '../../core/proxyConfig/index.ts';
import { normalizeAddress } from '../wire/address.ts';
import type { Channel } from '../wire/channel.ts';
import { NO_FIELDS } from '../wire/exchange/message.ts';
import { ServerConnection } from '../wire/http1/serverConnection.ts';
import type { StreamHandler } from '../wire/http2/handlers.ts';
import type { Http2Stream } from '../wire/http2/stream.ts';
import { ALPN_HTTP2, ALPN_TCP } from '../wire/sniff.ts';
import { MESH_LIMITS } from '../wire/streams/limits.ts';
import { StreamServer } from '../wire/streams/server.ts';
import { StreamAcceptor } from '../wire/streams/acceptor.ts';
import { originalDestination, prepareOriginalDestination } from '../wire/originalDst.ts';
import { rarely } from '../wire/rarely.ts';
import { SocketChannel } from '../wire/socketChannel.ts';
import { Side } from '../wire/side.ts';
import { Sniffer, type Spoken } from '../wire/sniffer.ts';
import { secureServer } from '../wire/tls.ts';
import { Applications } from './applications.ts';
import { InboundHttp, type InboundContext } from './httpStation.ts';
import { Opening, type Target } from './opening.ts';
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
    this.side = new Side(plane, 'inbound');
    this.applications = new Applications(plane, this.side);
    this.http = new InboundHttp({ plane, side: this.side, judged: this.judged });
    plane.drain.onDrain(() => this.side.drain());
    let { authorizer: judgedBy } = plane.config.current ?? {};
    const unsubscribe = plane.config.subscribe(({ authorizer }) => {
      // endpoints change all the time, and say nothing about who may call
      if (authorizer === judgedBy) return;
      judgedBy = authorizer;
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
        this.silent(opening, () => {
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
        if (socket.alpnProtocol === ALPN_HTTP2) this.serveStreams(secured, target, principal);
        else this.recognizeInside(secured, target, principal);
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
    const declared = this.declared(target.port);
    const sniffer = new Sniffer(channel, {
      declared,
      // the application's own: inside mTLS there is none for this proxy
      tls: declared === 'http',
      decided: (spoken, bytes) => this.carry(opening, { spoken, bytes }),
      silent: () => this.silent(opening, () => sniffer.stop()),
      gone: () => opening.yield(),
    });
  }

  /** A silent client. Servers of HTTP never speak first, so they are not bothered. */
  private silent(opening: Opening, spokeFirst: () => Buffer): void {
    if (this.declared(opening.target.port) === 'http') opening.expire(this.http.idleMs());
    else opening.early(spokeFirst);
  }

  private carry(opening: Opening, { spoken, bytes }: { spoken: Spoken; bytes: Buffer }): void {
    if (spoken !== 'http' && spoken !== 'http2') return opening.asBytes(bytes);
    opening.yield();
    const { channel, target, peer } = opening;
    const options = {
      station: this.http,
      context: contextOf(peer, target, peer.principal === undefined ? undefined : ALPN_TCP),
    };
    if (spoken === 'http') new ServerConnection(channel, options).start(bytes);
    else new StreamServer({ channel, marked: false, ...options }).start(bytes);
  }

  /** The mesh's own wire: requests of a peer proxy as streams, and bytes as well. */
  private serveStreams(channel: Channel, target: Target, principal: string): void {
    const peer = new Peer(this.plane, channel, { port: target.port, principal });
    new StreamServer({
      channel,
      station: this.http,
      context: contextOf(peer, target, ALPN_HTTP2),
      marked: true,
      bytes: (stream) => this.acceptBytes(stream, { channel, target, principal }),
      limits: MESH_LIMITS,
    }).start(undefined);
  }

  private acceptBytes(
    stream: Http2Stream,
    { channel: below, target, principal }: { channel: Channel; target: Target; principal: string },
  ): StreamHandler {
    const channel = new StreamAcceptor(stream, below);
    const peer = new Peer(this.plane, channel, { port: target.port, principal });
    const opening = this.opening(channel, target, peer);
    const tlsOnly = this.declared(target.port) === 'http' && peer.stillAllowed('connection');
    if (tlsOnly) this.acceptTls(channel, opening);
    else opening.asBytes(Buffer.alloc(0));
    return stream.handler;
  }

  /**
   * To a port of HTTP. Requests come as streams of their own, where each is judged: what may come as bytes is TLS of the
   * application, which has to be seen before anything reaches it. The peer sends nothing before it is answered.
   */
  private acceptTls(channel: StreamAcceptor, opening: Opening): void {
    channel.accept();
    void new Sniffer(channel, {
      declared: 'http',
      tls: true,
      decided: (spoken, bytes) => {
        if (spoken === 'tls' || spoken === 'weft') return opening.asBytes(bytes);
        if (bytes.length > 0) return opening.refuse('BAD_REQUEST', bytes);
        opening.yield();
        channel.destroy();
      },
      silent: () => opening.expire(this.http.idleMs()),
      gone: () => opening.yield(),
    });
  }

  private opening(channel: Channel, target: Target, peer: Peer): Opening {
    const { side, judged } = this;
    const guarded = this.declared(target.port) !== 'tcp';
    return new Opening({ channel, target, peer }, { side, judged, guarded });
  }

  private declared(port: number): 'http' | 'tcp' | undefined {
    const protocol = this.plane.config.current?.section.protocols[String(port)] ?? 'Auto';
    if (protocol === 'Auto') return undefined;
    return protocol === 'Tcp' || protocol === 'Tls' ? 'tcp' : 'http';
  }

  private count(channel: Channel, security: 'mtls' | 'plain'): void {
    this.plane.telemetry.connectionOpened('inbound', security);
    channel.whenClosed = () => this.plane.telemetry.connectionClosed('inbound', security);
  }
}

function contextOf(peer: Peer, { application }: Target, wire: Wire | undefined): InboundContext {
  const source = peer.principal === undefined ? NO_FIELDS : ['x-weft-source', peer.principal];
  return { peer, application, wire, source, series: undefined };
}
