/**
 * Connections of the application, from accept to the endpoint. Read from top to bottom:
 *
 *   accept            the application thinks that it has reached its destination
 *   destination       by the address that it dialled; first, since all that follows depends on it
 *   loop check        before anything is opened: a proxy that dials itself would never stop
 *   demand            what only the directory knows is asked for: all that follows is better with it, so it waits
 *   protocol          declared, or recognized from the first bytes; a silent client does not wait for it
 *   HTTP  | bytes     below here a request, or a connection, is what is sent somewhere
 *   endpoint          least request, per request: after the protocol, since a kept connection carries many requests
 *   attempts          above the pool, so that another attempt goes to another endpoint
 *   pool, mTLS        last, so that every byte that leaves is in a connection whose peer has been checked
 */
import { leastRequest } from '../balance/leastRequest.ts';
import type { Address, ConfigState, DataPlane, OutboundListen, Running } from '../context.ts';
import { normalizeAddress } from '../wire/address.ts';
import { ignore, type Channel } from '../wire/channel.ts';
import type { Pool } from '../wire/exchange/pool.ts';
import { ServerConnection } from '../wire/http1/serverConnection.ts';
import { StreamServer } from '../wire/streams/server.ts';
import { originalDestination, prepareOriginalDestination } from '../wire/originalDst.ts';
import type { SocketChannel } from '../wire/socketChannel.ts';
import { Side } from '../wire/side.ts';
import { Sniffer, type Spoken } from '../wire/sniffer.ts';
import type { TcpOptions } from '../wire/tcpSession.ts';
import { MAX_ATTEMPTS, chooseAgain } from './attempts.ts';
import { whenKnown } from './demand.ts';
import { findAt, type Find } from './find.ts';
import { OutboundHttp, type OutboundContext } from './httpStation.ts';
import { Routes, leave, type Route } from './routes.ts';
import { Session, SessionRoute } from './session.ts';

/** Starts the outbound side. Rejects where a listener cannot be bound. */
export async function startOutbound({
  listen,
  plane,
}: {
  listen: OutboundListen[];
  plane: DataPlane;
}): Promise<Running> {
  if (listen.some(({ fixed }) => fixed === undefined)) prepareOriginalDestination();
  const outbound = new Outbound(plane);
  for (const { listen: address, fixed } of listen) {
    await outbound.side.listen(address, (channel, own) => outbound.accept(channel, { own, fixed }));
  }
  return outbound.side;
}

class Outbound {
  readonly side: Side;
  private readonly plane: DataPlane;
  private readonly routes: Routes;
  private readonly http: OutboundHttp;
  private readonly balancer = leastRequest();
  private seen: ConfigState | undefined;

  constructor(plane: DataPlane) {
    this.plane = plane;
    this.side = new Side(plane, 'outbound');
    this.routes = new Routes(plane, this.side);
    this.http = new OutboundHttp({ plane, side: this.side, routes: this.routes });
    const unsubscribe = plane.config.subscribe((config) => {
      this.routes.retain(config.destinations);
      this.endOutside(config);
    });
    this.side.whenEnded(() => {
      unsubscribe();
      this.routes.end();
    });
  }

  /**
   * Connections that were opened to the outside, to what has turned out to be of the mesh: its clients come back, and
   * then by mTLS. They are looked at only where something has come.
   */
  private endOutside(config: ConfigState): void {
    const { directory, services } = config;
    const before = this.seen;
    this.seen = config;
    if (before?.directory === directory && before?.services === services) return;
    for (const session of this.side.sessions) {
      if (session instanceof Session && session.route.isMeshedIn(config)) session.abort('UPSTREAM_RESET');
    }
  }

  /** destination and loop check */
  accept(channel: SocketChannel, { own, fixed }: { own: Address; fixed: Address | undefined }): void {
    const original = fixed ?? originalDestination(channel.raw);
    const direct = original === undefined || isSame(original, own);
    if (direct) return this.recognize(channel, undefined);
    if (this.side.isOwn(normalizeAddress(original.host), original.port)) {
      this.plane.log.warn(
        { flag: 'LOOP_DETECTED', peer: channel.peer },
        'a connection would come back to this proxy',
      );
      return channel.reset();
    }
    this.demand(channel, findAt(original.host, original.port));
  }

  /** demand */
  private demand(channel: Channel, find: Find): void {
    const { config } = this.plane;
    const waiting = config.current && whenKnown(this.plane, find(config.current));
    if (!waiting) return this.recognize(channel, find);
    channel.handler = ignore;
    channel.pause();
    waiting
      .then(() => {
        if (channel.closed) return;
        channel.resume();
        this.recognize(channel, find);
      })
      .catch((error: unknown) => {
        this.plane.log.error({ error, peer: channel.peer }, 'a connection that waited cannot go on');
        channel.reset();
      });
  }

  /** protocol */
  private recognize(channel: Channel, find: Find | undefined): void {
    const config = this.plane.config.current;
    const protocol = find === undefined ? 'Http' : config ? find(config).protocol : 'Auto';
    if (find !== undefined && (protocol === 'Tcp' || protocol === 'Tls')) {
      const session = this.session(channel, find, { own: true });
      session.bind(Buffer.alloc(0));
      return session.open();
    }
    const isHttp = protocol !== 'Auto';
    let session: Session | undefined;
    let idle: NodeJS.Timeout | undefined;
    const sniffer = new Sniffer(channel, {
      declared: isHttp ? 'http' : undefined,
      tls: find !== undefined,
      decided: (spoken, bytes) => {
        clearTimeout(idle);
        if (find === undefined || this.carriesHttp(spoken, find))
          return this.serveHttp(channel, find, { spoken, bytes, route: session?.yield() });
        const opened = session ?? this.session(channel, find);
        opened.bind(bytes);
        if (!session) opened.open();
      },
      silent: () => {
        // a server of HTTP never speaks first
        if (isHttp || find === undefined) idle = setTimeout(() => channel.destroy(), this.http.idleMs());
        else {
          session = this.session(channel, find, { spokeFirst: () => sniffer.stop() });
          session.open();
        }
      },
      gone: () => {
        clearTimeout(idle);
        leave(session?.yield());
      },
    });
  }

  /** What is outside the mesh is none of our business: HTTP/2 passes there as bytes do. */
  private carriesHttp(spoken: Spoken, find: Find): boolean {
    if (spoken !== 'http2') return spoken === 'http';
    const config = this.plane.config.current;
    return config === undefined || find(config).kind !== 'outside';
  }

  private serveHttp(
    channel: Channel,
    find: OutboundContext['find'],
    { spoken, bytes, route }: { spoken: Spoken; bytes: Buffer; route: Route | undefined },
  ): void {
    const context: OutboundContext = { find, connection: undefined, config: undefined, route };
    const options = { station: this.http, context };
    if (spoken === 'http2') {
      const connection = new StreamServer({ channel, marked: false, ...options });
      context.connection = connection;
      return connection.start(bytes);
    }
    const takeOver = (connection: ServerConnection, unread: Buffer) =>
      this.leaveHttp(connection, context, unread);
    new ServerConnection(channel, { ...options, takeOver }).start(bytes);
  }

  /** A connection carried as bytes, to one endpoint after the other until one accepts it. */
  private session(
    client: Channel,
    find: Find,
    { own = false, spokeFirst = () => Buffer.alloc(0) }: Partial<Pick<TcpOptions, 'own' | 'spokeFirst'>> = {},
  ): Session {
    const route = new SessionRoute(this.plane.config, find, this.routes);
    const tried: Pool[] = [];
    const session = new Session(route, {
      client,
      own,
      next: () => {
        // endpoints may have come and gone since the attempt before
        const current = route.renew();
        if (!current) return 'NOT_CONFIGURED';
        if (tried.length >= MAX_ATTEMPTS) return 'NO_ENDPOINT';
        const pool = chooseAgain(this.balancer, current, tried);
        if (typeof pool !== 'string') tried.push(pool);
        return pool;
      },
      series: () => (route.current ? route.current.series('tcp') : this.unknownSeries()),
      spokeFirst,
      ended: (ended, yielded) => {
        this.side.sessions.delete(ended);
        if (!yielded) leave(route.current);
      },
    });
    this.side.sessions.add(session);
    return session;
  }

  /**
   * Outside the mesh nothing declares HTTP: what turns out to be none is carried as bytes. Inside, and to ports that
   * are declared, it is refused.
   */
  private leaveHttp(connection: ServerConnection, { find }: OutboundContext, bytes: Buffer): boolean {
    const config = this.plane.config.current;
    if (!config || find?.(config).kind !== 'outside') return false;
    const session = this.session(connection.channel, find);
    connection.release();
    session.bind(Buffer.from(bytes));
    session.open();
    return true;
  }

  private unknownSeries() {
    const source = this.plane.identity.current?.spiffeId ?? '';
    return this.plane.telemetry.series({
      direction: 'outbound',
      source,
      destination: '',
      service: '',
      protocol: 'tcp',
      security: 'plain',
    });
  }
}

const isSame = (a: Address, b: Address): boolean =>
  a.port === b.port && normalizeAddress(a.host) === normalizeAddress(b.host);
