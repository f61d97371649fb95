/**
 * The proxies' server, port 15010: HTTP/2 over TLS 1.3 with both certificates. A proxy keeps one connection and posts
 * a report on each change. Everything that a peer can make grow has a bound: connections in all and for each identity,
 * streams, bytes of a request and the time it may take.
 */
import { constants } from 'node:crypto';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import type { ListenAddress } from '../http.ts';
import { sessionAllowance, type PeerIdentity } from './admit.ts';
import { serveExchange, type ExchangeContext } from './exchange.ts';

/** PEM texts: chain of the operator's own certificate, its key, and the roots that peers are verified with. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface ControlServerOptions extends ExchangeContext {
  readonly address: ListenAddress;
  readonly identity: ServerIdentity;
  /** Identity of a certificate whose chain is verified; undefined where it is none of the mesh. */
  readonly identify: (certificate: X509Certificate) => PeerIdentity | undefined;
  readonly now: () => number;
  /** One call for each connection that was turned away. */
  readonly onRefused: (reason: RefusedConnection, detail: string) => void;
  readonly limits?: Partial<ControlLimits>;
}

export type RefusedConnection = 'handshake' | 'identity' | 'limit' | 'silent' | 'expired';

export interface ControlLimits {
  /** Connections in all. */
  readonly connections: number;
  readonly streamsPerConnection: number;
  /** A PING is sent this often, in ms; a peer that has not answered the last one by the next is gone. */
  readonly pingMs: number;
}

const DEFAULT_LIMITS: ControlLimits = { connections: 20_000, streamsPerConnection: 4, pingMs: 30_000 };
const HANDSHAKE_TIMEOUT_MS = 10_000;

export interface ControlServer {
  readonly port: number;
  connections(): number;
  /** New connections use this identity; open ones stay. */
  setIdentity(identity: ServerIdentity): void;
  close(): Promise<void>;
}

const tlsOptions = ({ cert, key, ca }: ServerIdentity) => ({
  cert,
  key,
  ca,
  minVersion: 'TLSv1.3' as const,
  requestCert: true,
  rejectUnauthorized: true,
  secureOptions: constants.SSL_OP_NO_TICKET,
});

interface Accepted {
  readonly certificate: X509Certificate;
  readonly peer: PeerIdentity;
}

class Sessions {
  readonly #open = new Set<ServerHttp2Session>();
  readonly #perIdentity = new Map<string, number>();
  readonly #options: ControlServerOptions;
  readonly #limits: ControlLimits;

  constructor(options: ControlServerOptions, limits: ControlLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Checks who connects and how many there are; a refused connection is closed at once. */
  accept(session: ServerHttp2Session): void {
    const { reports } = this.#options;
    // node:http2 destroys the session on its errors; the `close` that follows is what counts
    session.on('error', () => {});
    const accepted = this.#check(session);
    if (!accepted) {
      session.destroy();
      return;
    }
    const key = `${accepted.peer.namespace}/${accepted.peer.serviceAccount}`;
    this.#open.add(session);
    this.#perIdentity.set(key, (this.#perIdentity.get(key) ?? 0) + 1);
    const stopWatching = this.#watch(session, accepted.certificate);
    session.on('stream', (stream, headers) => {
      void serveExchange({ stream, headers, session, peer: accepted.peer }, this.#options);
    });
    session.once('close', () => {
      stopWatching();
      this.#open.delete(session);
      const left = (this.#perIdentity.get(key) ?? 1) - 1;
      if (left > 0) this.#perIdentity.set(key, left);
      else this.#perIdentity.delete(key);
      reports.disconnected(session);
    });
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
    const held = this.#perIdentity.get(`${peer.namespace}/${peer.serviceAccount}`) ?? 0;
    if (this.#open.size >= this.#limits.connections || held >= sessionAllowance(peer, snapshot())) {
      onRefused('limit', `${peer.namespace}/${peer.serviceAccount} holds ${held} connections`);
      return undefined;
    }
    return { certificate, peer };
  }

  /** Ends a session whose peer is silent or whose certificate has expired: the proxy comes back with its new one. */
  #watch(session: ServerHttp2Session, certificate: X509Certificate): () => void {
    const { now, onRefused } = this.#options;
    const notAfter = certificate.validToDate.getTime();
    let answered = true;
    const timer = setInterval(() => {
      if (!answered) {
        onRefused('silent', 'no answer to a ping');
        session.destroy();
      } else if (now() > notAfter) {
        onRefused('expired', 'the certificate of the connection has expired');
        session.close();
      } else {
        answered = false;
        session.ping(() => (answered = true));
      }
    }, this.#limits.pingMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  closeAll(): void {
    for (const session of this.#open) session.close();
  }

  destroyAll(): void {
    for (const session of this.#open) session.destroy();
  }
}

const CLOSE_GRACE_MS = 1_000;

/** Listens; rejects where the address cannot be bound. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const server: Http2SecureServer = createSecureServer({
    ...tlsOptions(options.identity),
    allowHTTP1: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxSessionMemory: 1,
    settings: { maxConcurrentStreams: limits.streamsPerConnection, enablePush: false },
  });
  const sessions = new Sessions(options, limits);
  server.maxConnections = limits.connections + 100;
  server.on('session', (session) => sessions.accept(session));
  server.on('tlsClientError', (error) => options.onRefused('handshake', error.message));
  server.on('sessionError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.address, resolve);
  });
  server.on('error', (error) => options.onRefused('handshake', error.message));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sessions.size,
    setIdentity: (identity) => server.setSecureContext(tlsOptions(identity)),
    close: () => close(server, sessions),
  };
}

/** Says GOAWAY, gives running requests a moment, then closes what is left. */
async function close(server: Http2SecureServer, sessions: Sessions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  sessions.closeAll();
  const timer = setTimeout(() => sessions.destroyAll(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
}
