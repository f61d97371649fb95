/** One HTTP/2 connection over mTLS from a replica to the leader, which has to prove that it is the operator. */
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { peerIdentity } from '../../certs/verify/index.ts';
import { FORWARD_PATH } from '../../core/control/index.ts';
import type { ServerIdentity } from './server.ts';

/** `spiffeId`: of the operator, the leader's too. */
export interface ForwardIdentity extends ServerIdentity {
  readonly spiffeId: string;
}

export interface ForwardOptions {
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string;
  readonly identity: ForwardIdentity;
  /** The leader takes lines. */
  readonly onOpen: () => void;
  /** Once, whether it was ever open or not. */
  readonly onClosed: (reason: string) => void;
}

export interface ForwardConnection {
  readonly isOpen: boolean;
  /** `taken` is called when the connection has room for more. */
  write(lines: string, taken: () => void): void;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const PING_MS = 5_000;

function dial({ address, identity }: ForwardOptions): TLSSocket {
  const { hostname, port } = new URL(`https://${address}`);
  const socket = connectTls({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 443),
    cert: identity.cert,
    key: identity.key,
    ca: identity.ca,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
    // the peer is known by its SPIFFE id, not by a host name
    checkServerIdentity: () => undefined,
  });
  const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
  socket.once('secureConnect', () => {
    clearTimeout(timer);
    const proved = peerIdentity(socket);
    if (!proved.ok) socket.destroy(proved.error);
    else if (proved.value !== identity.spiffeId) {
      socket.destroy(new Error(`the leader proved ${proved.value}, not ${identity.spiffeId}`));
    }
  });
  socket.once('close', () => clearTimeout(timer));
  return socket;
}

/** A leader that does not answer is gone, whatever TCP believes. */
function keepAlive(session: ClientHttp2Session): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) session.destroy(new Error('no answer to a ping'));
    else if (!session.destroyed) {
      answered = false;
      session.ping((error) => (answered = !error));
    }
  }, PING_MS);
  session.once('close', () => clearInterval(timer));
}

export function openForward(options: ForwardOptions): ForwardConnection {
  let stream: ClientHttp2Stream | undefined;
  let reason = 'the connection ended';
  let isOpen = false;
  let isClosed = false;
  const failed = (error: Error): void => {
    reason = error.message;
  };
  const closed = (): void => {
    isOpen = false;
    if (isClosed) return;
    isClosed = true;
    socket.destroy();
    options.onClosed(reason);
  };
  const socket = dial(options);
  socket.on('error', failed);
  socket.once('close', closed);
  socket.once('secureConnect', () => {
    if (socket.destroyed) return;
    const session = connectHttp2(`https://${options.address}`, { createConnection: () => socket });
    session.on('error', failed);
    session.on('goaway', () => session.destroy());
    session.once('close', closed);
    keepAlive(session);
    stream = session.request({ ':method': 'POST', ':path': FORWARD_PATH }, { endStream: false });
    stream.on('error', failed);
    stream.once('response', ({ ':status': status }) => {
      isOpen = status === 200;
      if (isOpen) options.onOpen();
    });
    // the leader says something only where it refuses
    stream.on('data', (chunk: Buffer) => (reason = chunk.toString('utf8').slice(0, 500).trim()));
    stream.once('close', () => session.destroy());
  });
  return {
    get isOpen() {
      return isOpen;
    },
    write: (lines, taken) => void stream?.write(lines, (error) => (error ? undefined : taken())),
    close() {
      isClosed = true;
      isOpen = false;
      socket.destroy();
    },
  };
}
