/**
 * mTLS between proxies: TLS 1.3, both sides proven, the wire agreed on by ALPN. No SNI is sent.
 * Sessions are not resumed: a resumed one would be taken over without looking at certificates again.
 */
import type { Socket } from 'node:net';
import { TLSSocket, connect, type PeerCertificate, type SecureContext } from 'node:tls';
import { WeftError, type Code } from '../../core/errors/index.ts';
import { peerIdentity, spiffeIdOf } from '../../certs/verify/index.ts';
import { bound } from './bounds.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';
import { ALPN_HTTP2, ALPN_TCP } from './sniff.ts';

/** In the order of preference. */
const WIRES: readonly Wire[] = [ALPN_HTTP2, ALPN_TCP];

/** Shared: a function made in place would keep all that is around it for as long as the connection lasts. */
const ignoreError = (): void => {};

export interface TlsFailure {
  code: Code;
  detail: string;
}

export interface HandshakeHandlers {
  /** `identity` is the SPIFFE id that the peer proved. */
  secured(socket: TLSSocket, identity: string): void;
  failed(failure: TlsFailure): void;
}

export interface ClientHandshake extends HandshakeHandlers {
  context: SecureContext;
  /** The peer must prove one of these. */
  identities: ReadonlySet<string>;
  /** The best wire that the peer is thought to speak; the simpler one is offered as well. */
  alpn: string;
}

/** Begins TLS on a connected socket. The caller bounds the time; exactly one handler is called. */
export function secureClient(
  raw: Socket,
  { context, identities, alpn, secured, failed }: ClientHandshake,
): void {
  const wires = alpn === ALPN_HTTP2 ? WIRES : [alpn];
  let identity = '';
  const socket = connect({
    socket: raw,
    secureContext: context,
    ALPNProtocols: [...wires],
    rejectUnauthorized: true,
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
      const proven = spiffeIdOf(certificate.raw);
      if (!proven.ok) return proven.error;
      if (!identities.has(proven.value)) {
        return new WeftError(
          'PEER_IDENTITY_MISMATCH',
          `the peer is ${proven.value}, not ${[...identities].join(' or ')}`,
        );
      }
      identity = proven.value;
      return undefined;
    },
  });
  const finish = settle(socket, failed);
  socket.once('secureConnect', () => {
    const problem = unacceptable(socket, wires) ?? (identity === '' ? 'no identity was checked' : undefined);
    if (finish(problem)) secured(socket, identity);
  });
}

export interface ServerHandshake extends HandshakeHandlers {
  context: SecureContext;
  /** Identities of other trust domains are refused; undefined: any that the bundle vouches for. */
  trustDomain: string | undefined;
}

/** Terminates TLS on an accepted socket; bytes already read must have been put back. Exactly one handler is called. */
export function secureServer(raw: Socket, { context, trustDomain, secured, failed }: ServerHandshake): void {
  // what goes wrong below is told by the TLS socket
  raw.on('error', ignoreError);
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: [...WIRES],
  });
  const finish = settle(socket, failed);
  const timer = setTimeout(() => finish('the peer did not finish the handshake in time'), bound.handshakeMs);
  const stopTimer = () => clearTimeout(timer);
  socket.once('close', stopTimer);
  socket.once('secure', () => {
    stopTimer();
    socket.off('close', stopTimer);
    const problem = unacceptable(socket, WIRES);
    if (problem !== undefined) return void finish(problem);
    // Node leaves the verdict on the chain to tls.Server, which is not involved here
    const verifyError = verifyErrorOf(socket);
    const proven = peerIdentity(
      {
        authorized: verifyError === null,
        authorizationError: verifyError,
        getPeerX509Certificate: () => socket.getPeerX509Certificate(),
      },
      trustDomain,
    );
    if (finish(proven.ok ? undefined : proven.error) && proven.ok) secured(socket, proven.value);
  });
}

/** The wire that was agreed on; undefined where the connection is no mTLS. */
export const agreedWire = (socket: Socket): Wire | undefined =>
  socket instanceof TLSSocket ? WIRES.find((wire) => wire === socket.alpnProtocol) : undefined;

/** One outcome per handshake: whatever comes first. Returns true where it was success. */
function settle(
  socket: TLSSocket,
  failed: (failure: TlsFailure) => void,
): (problem: Error | string | undefined) => boolean {
  let settled = false;
  const finish = (problem: Error | string | undefined): boolean => {
    if (settled) return false;
    settled = true;
    socket.off('error', onError);
    socket.off('close', onClose);
    if (problem === undefined) return true;
    // errors that follow the verdict have nobody to tell
    socket.on('error', ignoreError);
    socket.destroy();
    failed(failureOf(problem));
    return false;
  };
  const onError = (error: Error) => void finish(error);
  const onClose = () => void finish('the connection was closed during the handshake');
  socket.on('error', onError);
  socket.on('close', onClose);
  return finish;
}

function failureOf(problem: Error | string): TlsFailure {
  if (problem instanceof WeftError) return { code: problem.code, detail: problem.message };
  const text =
    typeof problem === 'string' ? problem : ((problem as NodeJS.ErrnoException).code ?? problem.message);
  return { code: 'TLS_HANDSHAKE_FAILED', detail: text };
}

/** What contexts and options should have ruled out; if they did not, the connection is not used. */
function unacceptable(socket: TLSSocket, wires: readonly string[]): string | undefined {
  if (socket.getProtocol() !== 'TLSv1.3') return `TLS 1.3 is needed, not ${socket.getProtocol()}`;
  if (!wires.includes(String(socket.alpnProtocol))) return `ALPN ${wires.join(' or ')} is needed`;
  return socket.isSessionReused() ? 'the session was resumed' : undefined;
}

/** Null where OpenSSL found the peer's chain in order; fails closed where Node does not say. */
function verifyErrorOf(socket: TLSSocket): Error | null {
  const handle = (socket as unknown as { _handle?: { verifyError?: () => Error | null | undefined } })
    ._handle;
  if (typeof handle?.verifyError !== 'function') return new Error('the chain could not be verified');
  return handle.verifyError() ?? null;
}
