/** Connections that are open: who they are, how many one identity may hold, and whether they are alive. */
import type { X509Certificate } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { sessionAllowance, type PeerIdentity } from './admit.ts';
import { Liveness } from './liveness.ts';
import { serveRequest, type Connection, type ServeContext } from './serve.ts';

export type RefusedConnection = 'handshake' | 'identity' | 'limit' | 'silent' | 'expired';

export interface ControlLimits {
  /** Connections in all. */
  readonly connections: number;
  readonly streamsPerConnection: number;
  /** A PING is sent this often, in ms; a peer that has not answered the last one by the next is unresponsive. */
  readonly pingMs: number;
  /** Unresponsive for longer than this, in ms, its connection is closed. */
  readonly silentMs: number;
}

export interface SessionsOptions extends ServeContext {
  /** Identity of a certificate whose chain is verified; undefined where it is none of the mesh. */
  readonly identify: (certificate: X509Certificate) => PeerIdentity | undefined;
  /** One call for each connection that was turned away. */
  readonly onRefused: (reason: RefusedConnection, detail: string) => void;
}

interface Accepted {
  readonly peer: PeerIdentity;
  /** End of the certificate, ms since the epoch. */
  readonly notAfter: number;
}

/** `namespace/serviceAccount`. */
const keyOf = ({ namespace, serviceAccount }: PeerIdentity): string => `${namespace}/${serviceAccount}`;

/** GOAWAY, and the end of its streams: a stream that lives as long as the connection does not end by itself. */
function endSession(session: ServerHttp2Session, { streams }: Connection): void {
  for (const stream of streams) stream.end(() => stream.close());
  session.close();
}

export class Sessions {
  readonly #open = new Map<ServerHttp2Session, Connection>();
  readonly #perIdentity = new Map<string, number>();
  readonly #options: SessionsOptions;
  readonly #limits: ControlLimits;
  readonly #liveness: Liveness;

  constructor(options: SessionsOptions, limits: ControlLimits) {
    this.#options = options;
    this.#limits = limits;
    const { pingMs, silentMs } = limits;
    this.#liveness = new Liveness({ clock: options.clock, everyMs: pingMs, endMs: silentMs });
  }

  get size(): number {
    return this.#open.size;
  }

  /** Checks who connects and how many there are; a refused connection is closed at once. */
  accept(session: ServerHttp2Session): void {
    // node:http2 destroys the session on its errors; the `close` that follows is what counts
    session.on('error', () => {});
    const accepted = this.#check(session);
    if (!accepted) {
      session.destroy();
      return;
    }
    const { peer, notAfter } = accepted;
    const connection: Connection = { peer, streams: new Set(), proxy: undefined };
    this.#open.set(session, connection);
    this.#count(peer, 1);
    const stopWatching = this.#watch(session, connection, notAfter);
    session.on('stream', (stream, headers) => {
      serveRequest({ stream, headers, connection }, this.#options);
    });
    session.once('close', () => {
      stopWatching();
      this.#open.delete(session);
      this.#count(peer, -1);
    });
  }

  #count(peer: PeerIdentity, more: number): void {
    const count = (this.#perIdentity.get(keyOf(peer)) ?? 0) + more;
    if (count > 0) this.#perIdentity.set(keyOf(peer), count);
    else this.#perIdentity.delete(keyOf(peer));
  }

  #check(session: ServerHttp2Session): Accepted | undefined {
    const { identify, snapshot, onRefused } = this.#options;
    const socket = session.socket as TLSSocket;
    const certificate = socket.getPeerX509Certificate();
    // a resumed session would carry on an identity that was checked in the past
    if (!socket.authorized || !certificate || socket.isSessionReused()) {
      onRefused('identity', 'no verified certificate');
      return undefined;
    }
    const peer = identify(certificate);
    if (!peer) {
      onRefused('identity', 'the certificate has no identity of this mesh');
      return undefined;
    }
    const held = this.#perIdentity.get(keyOf(peer)) ?? 0;
    if (this.#open.size >= this.#limits.connections || held >= sessionAllowance(peer, snapshot())) {
      onRefused('limit', `${keyOf(peer)} holds ${held} connections`);
      return undefined;
    }
    return { peer, notAfter: certificate.validToDate.getTime() };
  }

  /** Ends a session whose peer is silent or whose certificate has expired: the proxy comes back with its new one. */
  #watch(session: ServerHttp2Session, connection: Connection, notAfter: number): () => void {
    const { clock, onRefused } = this.#options;
    return this.#liveness.add({
      ping(answered) {
        if (!session.destroyed) session.ping((error) => (error ? undefined : answered()));
      },
      onTurn() {
        connection.proxy?.look();
        if (clock.now() <= notAfter || session.closed) return;
        onRefused('expired', 'the certificate of the connection has expired');
        endSession(session, connection);
      },
      onResponsive: (responsive) => connection.proxy?.responsive(responsive),
      onSilent() {
        onRefused('silent', 'no answer to pings');
        session.destroy();
      },
    });
  }

  closeAll(): void {
    for (const [session, connection] of this.#open) endSession(session, connection);
  }

  destroyAll(): void {
    for (const session of this.#open.keys()) session.destroy();
  }
}
