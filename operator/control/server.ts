/**
 * The proxies' server, port 15010: HTTP/2 over TLS 1.3 with both certificates, one stream for each proxy
 * (docs/stream.md). Everything that a peer can make grow has a bound: connections in all and for each identity,
 * streams, bytes of a message and what is sent before it was taken.
 *
 *   socket ─► turn.ts ─► handshake ─► sessions.ts ─► serve.ts ─┬─► proxySession.ts ─► delivery.ts
 *                                                              └─► forwarded.ts      of other replicas
 */
import { constants } from 'node:crypto';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { ListenAddress } from '../http.ts';
import { CLOSE_GRACE_MS, Sessions, type ControlLimits, type SessionsOptions } from './sessions.ts';
import { takeTurns } from './turns.ts';

/** PEM texts: chain of the operator's own certificate, its key, and the roots that peers are verified with. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface ControlServerOptions extends SessionsOptions {
  readonly address: ListenAddress;
  readonly identity: ServerIdentity;
  readonly limits?: Partial<ControlLimits>;
}

const DEFAULT_LIMITS: ControlLimits = {
  connections: 20_000,
  streamsPerConnection: 4,
  pingMs: 2_000,
  silentMs: 30_000,
};
const HANDSHAKE_TIMEOUT_MS = 10_000;
const BACKLOG = 4_096;

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
  // nobody resumes: each connection proves its identity anew
  secureOptions: constants.SSL_OP_NO_TICKET,
});

/** Listens; rejects where the address cannot be bound. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { address, identity, onRefused } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const secure: Http2SecureServer = createSecureServer({
    ...tlsOptions(identity),
    allowHTTP1: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxSessionMemory: 1,
    settings: { maxConcurrentStreams: limits.streamsPerConnection, enablePush: false },
  });
  const sessions = new Sessions(options, limits);
  const sockets = new Sockets();
  secure.on('session', (session) => {
    const socket = sockets.of(session.socket);
    if (socket) sessions.accept(session, socket);
    else session.destroy();
  });
  secure.on('tlsClientError', (error) => onRefused('handshake', error.message));
  secure.on('sessionError', () => {});
  const handshake = takeTurns((socket) => secure.emit('connection', socket));
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    handshake(socket);
  });
  server.maxConnections = limits.connections + 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: BACKLOG }, resolve);
  });
  server.on('error', (error) => onRefused('handshake', error.message));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sessions.size,
    setIdentity: (next) => secure.setSecureContext(tlsOptions(next)),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      sessions.leaveAll();
      const timer = setTimeout(() => {
        sessions.destroyAll();
        sockets.destroyAll();
      }, CLOSE_GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** The TCP connections, to be found by those that TLS made of them. */
class Sockets {
  readonly #open = new Map<string, Socket>();

  add(socket: Socket): void {
    const key = keyOf(socket);
    this.#open.set(key, socket);
    // its port may be another one's by now
    socket.once('close', () => {
      if (this.#open.get(key) === socket) this.#open.delete(key);
    });
  }

  of(secured: Pick<Socket, 'remoteAddress' | 'remotePort'>): Socket | undefined {
    return this.#open.get(keyOf(secured));
  }

  destroyAll(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }
}

const keyOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${remoteAddress} ${remotePort}`;
