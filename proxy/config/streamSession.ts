/** One stream over mTLS to one replica of the operator. */
import { lookup } from 'node:dns/promises';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { peerIdentity } from '../../certs/verify/index.ts';
import type { OperatorMessage, ProxyMessage } from '../../core/control/index.ts';
import { MAX_OPERATOR_MESSAGE_BYTES, STREAM_PATH } from '../../core/control/protocol.ts';
import { WeftError } from '../../core/errors/index.ts';
import type { Address, IdentityState } from '../context.ts';
import { Lines } from './lines.ts';
import { readOperatorMessage } from './messages.ts';

export interface SessionOptions {
  address: Address;
  identity: IdentityState;
  /** SPIFFE id that the operator must prove. */
  operatorId: string;
  /** 0 ≤ random < 1; chooses among the addresses of a name. */
  random: () => number;
  /** The operator has taken the stream. */
  onOpen: (session: StreamSession) => void;
  onMessage: (session: StreamSession, message: OperatorMessage) => void;
  /** Something was heard of the operator. */
  onContact: () => void;
  /** The operator asks to go elsewhere; until then it goes on. */
  onLeaving: (session: StreamSession) => void;
  /** Once, for a session that was opened and not closed from here. */
  onEnd: (session: StreamSession, end: SessionEnd) => void;
}

export interface SessionEnd {
  /** The operator ended it as it should, with nothing to object to. */
  orderly: boolean;
  problem: string;
}

export interface StreamSession {
  /** `address:port` that is connected. */
  readonly peer: string;
  send(message: ProxyMessage): void;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Where all proxies come back at once, an operator takes its time, and to give up would only cost it more. */
const HANDSHAKE_TIMEOUT_MS = 15_000;
const OPEN_TIMEOUT_MS = 15_000;
/** The operator pings every 2 s. After so long without a sign of it it is asked; it is gone when that brings none. */
const CHECK_MS = 5_000;
const MAX_SILENCE_MS = 14_000;

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
    const within = (ms: number) => setTimeout(() => socket.destroy(new Error('no connection in time')), ms);
    let timer = within(CONNECT_TIMEOUT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      timer = within(HANDSHAKE_TIMEOUT_MS);
    });
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

/** Connects and checks who answers. Rejects where that fails. */
export async function openSession(options: SessionOptions): Promise<StreamSession> {
  const host = await resolve(options);
  // loaded only now: it is dear, and nothing on the data path needs it
  const http2 = await import('node:http2');
  const socket = await dial(host, options);
  checkPeer(socket, options.operatorId);
  const session = http2.connect('https://operator', {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  // a session alone does not keep the process running, and neither stands in its way to end
  session.unref();
  const peer = `${host.includes(':') ? `[${host}]` : host}:${options.address.port}`;
  return new Session(session, peer, options);
}

class Session implements StreamSession {
  readonly peer: string;
  readonly #options: SessionOptions;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #lines = new Lines(MAX_OPERATOR_MESSAGE_BYTES);
  readonly #check: NodeJS.Timeout;
  #heardAt = performance.now();
  #openedAt: number | undefined;
  readonly #startedAt = performance.now();
  #status = 0;
  #orderly = false;
  #problem: string | undefined;
  #over = false;

  constructor(session: ClientHttp2Session, peer: string, options: SessionOptions) {
    this.peer = peer;
    this.#options = options;
    this.#session = session;
    session.on('error', (error) => this.#broken(error.message));
    session.on('ping', () => this.#heard());
    session.on('goaway', (code) => this.#leaving(code));
    session.once('close', () => this.#ended());
    this.#stream = session.request(
      { ':method': 'POST', ':path': STREAM_PATH, 'content-type': 'application/x-ndjson' },
      { endStream: false },
    );
    this.#stream.on('response', (headers) => this.#opened(headers[':status'] ?? 0));
    this.#stream.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#stream.on('end', () => this.#finished());
    this.#stream.on('error', (error) => this.#broken(error.message));
    this.#stream.once('close', () => session.destroy());
    this.#check = setInterval(() => this.#watch(), CHECK_MS);
    this.#check.unref();
  }

  send(message: ProxyMessage): void {
    if (!this.#stream.writable) return;
    this.#stream.write(`${JSON.stringify(message)}\n`);
  }

  close(): void {
    this.#over = true;
    clearInterval(this.#check);
    this.#session.destroy();
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#options.onContact();
  }

  #opened(status: number): void {
    this.#heard();
    this.#status = status;
    if (status !== 200) return;
    this.#openedAt = performance.now();
    if (!this.#over) this.#options.onOpen(this);
  }

  #read(chunk: Buffer): void {
    this.#heard();
    try {
      for (const line of this.#lines.push(chunk)) {
        const message = readOperatorMessage(line);
        if (message?.type === 'error') this.#broken(`${message.code}: ${message.message}`);
        if (message && !this.#over) this.#options.onMessage(this, message);
      }
    } catch (error) {
      this.#broken((error as Error).message);
      this.#session.destroy();
    }
  }

  /** Peers that say nothing are gone, whatever TCP believes. */
  #watch(): void {
    const now = performance.now();
    const unopened = this.#openedAt === undefined && now - this.#startedAt > OPEN_TIMEOUT_MS;
    if (unopened || now - this.#heardAt > MAX_SILENCE_MS) {
      this.#broken('no answer in time');
      this.#session.destroy();
    } else if (now - this.#heardAt > CHECK_MS && !this.#session.destroyed)
      this.#session.ping((error) => error ?? this.#heard());
  }

  #leaving(code: number): void {
    if (this.#over || code !== 0) return;
    this.#orderly = true;
    this.#options.onLeaving(this);
  }

  /** The operator has ended the stream; without an objection that is orderly. */
  #finished(): void {
    if (this.#status !== 200) this.#broken(`the operator answered ${this.#status}`);
    this.#orderly = true;
    this.#session.destroy();
  }

  /** The first reason counts: what follows is its consequence. */
  #broken(problem: string): void {
    this.#problem ??= problem;
  }

  #ended(): void {
    clearInterval(this.#check);
    if (this.#over) return;
    this.#over = true;
    const orderly = this.#orderly && this.#problem === undefined;
    this.#options.onEnd(this, { orderly, problem: this.#problem ?? 'the operator ended the stream' });
  }
}
