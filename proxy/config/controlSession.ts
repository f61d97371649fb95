/** One HTTP/2 session over mTLS to one replica of the operator. */
import { lookup } from 'node:dns/promises';
import type { ClientHttp2Session } from 'node:http2';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { peerIdentity } from '../../certs/verify/index.ts';
import type { ReportAnswer } from '../../core/control/index.ts';
import { REPORT_PATH } from '../../core/control/protocol.ts';
import { WeftError } from '../../core/errors/index.ts';
import type { Address, IdentityState } from '../context.ts';

export interface SessionOptions {
  address: Address;
  identity: IdentityState;
  /** SPIFFE id that the operator must prove. */
  operatorId: string;
  /** 0 ≤ random < 1; chooses among the addresses of a name. */
  random: () => number;
  onEnd: () => void;
}

export interface ControlSession {
  /** `address:port` that is connected. */
  readonly peer: string;
  /** Sends one report. Rejects where there is no answer in time; the session is to be closed then. */
  post(report: string): Promise<ReportAnswer>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const PING_EVERY_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** One address of a name, another each time: replicas behind a headless name share the load. */
async function resolve({ address, random }: SessionOptions): Promise<string> {
  if (isIP(address.host) !== 0) return address.host;
  const found = await lookup(address.host, { all: true });
  if (found.length === 0) throw new Error(`${address.host} has no address`);
  return found[Math.floor(random() * found.length)]!.address;
}

function dial(host: string, { address, identity }: SessionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: address.port,
      secureContext: identity.clientContext,
      ALPNProtocols: ['h2'],
      // the peer is known by its SPIFFE id, not by a host name
      checkServerIdentity: () => undefined,
    });
    const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection ended during the handshake'));
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

function checkPeer(socket: TLSSocket, operatorId: string): void {
  const identity = peerIdentity(socket);
  if (identity.ok && identity.value === operatorId) return;
  socket.destroy();
  if (!identity.ok) throw identity.error;
  throw new WeftError('PEER_IDENTITY_MISMATCH', `the operator proved ${identity.value}, not ${operatorId}`, {
    resource: 'control',
  });
}

/** Pings; a peer that does not answer is gone, whatever TCP believes. */
function keepAlive(session: ClientHttp2Session): () => void {
  let overdue: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    if (overdue !== undefined) return;
    overdue = setTimeout(() => session.destroy(new Error('no answer to a ping')), PING_TIMEOUT_MS);
    overdue.unref();
    session.ping(() => {
      clearTimeout(overdue);
      overdue = undefined;
    });
  }, PING_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    clearTimeout(overdue);
  };
}

function parseAnswer(status: number, text: string): ReportAnswer {
  try {
    const { ok, code, message, leader } = JSON.parse(text) as Record<string, unknown>;
    if (ok === true) return { ok };
    return {
      ok: false,
      code: typeof code === 'string' ? code : `HTTP ${status}`,
      message: typeof message === 'string' ? message : '',
      ...(typeof leader === 'string' && { leader }),
    };
  } catch {
    return { ok: false, code: `HTTP ${status}`, message: 'the answer is not JSON' };
  }
}

function post(session: ClientHttp2Session, report: string): Promise<ReportAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': REPORT_PATH,
      'content-type': 'application/json',
    });
    const timer = setTimeout(() => stream.destroy(new Error('no answer in time')), REQUEST_TIMEOUT_MS);
    let status = 0;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_ANSWER_BYTES) stream.destroy(new Error('the answer is too long'));
    });
    stream.on('error', reject);
    stream.on('close', () => {
      clearTimeout(timer);
      if (status === 0) reject(new Error('the stream ended without an answer'));
      else resolve(parseAnswer(status, text));
    });
    stream.end(report);
  });
}

/** Connects and checks who answers. Rejects where that fails; `onEnd` is called once for a session that was opened. */
export async function openSession(options: SessionOptions): Promise<ControlSession> {
  const host = await resolve(options);
  const socket = await dial(host, options);
  checkPeer(socket, options.operatorId);
  // loaded only now: it is dear, and nothing on the data path needs it
  const http2 = await import('node:http2');
  const session = http2.connect('https://operator', { createConnection: () => socket });
  const stopPings = keepAlive(session);
  session.on('error', () => {});
  session.on('goaway', () => session.close());
  session.once('close', () => {
    stopPings();
    options.onEnd();
  });
  // a session alone does not keep the process running, and neither stands in its way to end
  session.unref();
  return {
    peer: `${host.includes(':') ? `[${host}]` : host}:${options.address.port}`,
    post: (report) => post(session, report),
    close: () => session.destroy(),
  };
}
