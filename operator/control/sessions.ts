/** Connections that are open: who they are, how many one identity may hold, and whether they are alive. */
import type { X509Certificate } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { sessionAllowance, type PeerIdentity } from './admit.ts';
import { Liveness } from './liveness.ts';
import { Budget } from './proxySession.ts';
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

interface Open {
  readonly connection: Connection;
  /** Beneath TLS. A session of node:http2 may wait for a write that never ends: its end is the socket's. */
  readonly socket: Socket;
}

/** `namespace/serviceAccount`. */
const keyOf = ({ namespace, serviceAccount }: PeerIdentity): string => `${namespace}/${serviceAccount}`;

/** Time to go in order, ms. */
export const CLOSE_GRACE_MS = 1_000;

/**
 * GOAWAY, and the end of its streams: a stream that lives as long as the connection does not end by itself. Not
 * `session.close()`: after it node:http2 waits for the peer, for as long as that takes.
 */
function leave(session: ServerHttp2Session, { streams }: Connection): void {
  if (!session.destroyed) session.goaway();
  for (const stream of streams) stream.end(() => stream.close());
}

function end(session: ServerHttp2Session, socket: Socket): void {
  session.destroy();
  socket.destroy();
}

export class Sessions {
  readonly #open = new Map<ServerHttp2Session, Open>();
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
  accept(session: ServerHttp2Session, socket: Socket): void {
    // node:http2 destroys the session on its errors; the `close` that follows is what counts
    session.on('error', () => {});
    const accepted = this.#check(session);
    if (!accepted) {
      session.destroy();
      this.#options.clock.after(CLOSE_GRACE_MS, () => socket.destroy());
      return;
    }
    const { peer, notAfter } = accepted;
    const connection: Connection = {
      peer,
      streams: new Set(),
      budget: new Budget(this.#options.clock),
      proxy: undefined,
      leaving: false,
    };
    this.#open.set(session, { connection, socket });
    this.#count(peer, 1);
    const stopWatching = this.#watch(session, { connection, socket }, notAfter);
    session.on('stream', (stream, headers) => {
      serveRequest({ stream, headers, connection }, this.#options);
    });
    const ended = (): void => {
      if (!this.#open.delete(session)) return;
      stopWatching();
      this.#count(peer, -1);
    };
    session.once('close', ended);
    socket.once('close', ended);
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
  #watch(session: ServerHttp2Session, { connection, socket }: Open, notAfter: number): () => void {
    const { clock, onRefused } = this.#options;
    return this.#liveness.add({
      ping(answered) {
        if (!session.destroyed) session.ping((error) => (error ? undefined : answered()));
      },
      onTurn() {
        if (session.destroyed) socket.destroy();
        connection.proxy?.look();
        if (clock.now() <= notAfter || connection.leaving) return;
        connection.leaving = true;
        onRefused('expired', 'the certificate of the connection has expired');
        leave(session, connection);
        clock.after(CLOSE_GRACE_MS, () => end(session, socket));
      },
      onResponsive: (responsive) => connection.proxy?.responsive(responsive),
      onSilent() {
        onRefused('silent', 'no answer to pings');
        end(session, socket);
      },
      onFailed(error) {
        connection.proxy?.fail(error);
        end(session, socket);
      },
    });
  }

  /** Says GOAWAY, gives what is under way a moment, then closes what is left. */
  leaveAll(): void {
    for (const [session, { connection }] of this.#open) leave(session, connection);
  }

  destroyAll(): void {
    for (const [session, { socket }] of this.#open) end(session, socket);
  }
}
