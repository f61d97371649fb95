/** A control server as the operator's, for tests: real HTTP/2 and mTLS, and says what the test wants it to. */
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { spiffeIdOf, type IdentityFiles } from '../../../certs/verify/index.ts';
import {
  parseProxyMessage,
  STREAM_PATH,
  type OperatorMessage,
  type ProxyMessage,
  type StateMessage,
} from '../../../core/control/index.ts';
import type { Address } from '../../context.ts';
import { Lines } from '../lines.ts';

/** One stream of a proxy. */
export interface TestStream {
  /** SPIFFE id that it proved. */
  readonly client: string | undefined;
  readonly messages: ProxyMessage[];
  readonly closed: boolean;
  send(message: OperatorMessage): void;
  /** Bytes as they are. */
  write(text: string): void;
  /** Ends the response as it should. */
  end(): void;
  /** Says that the session is to end, and ends the stream when the proxy has left. */
  goAway(): void;
  destroy(): void;
}

export interface TestOperator {
  readonly address: Address;
  readonly streams: TestStream[];
  /** Called for each message. */
  onMessage: (stream: TestStream, message: ProxyMessage) => void;
  /** Status of the answer to new streams. */
  status: number;
  close(): Promise<void>;
}

class Stream implements TestStream {
  readonly client: string | undefined;
  readonly messages: ProxyMessage[] = [];
  readonly #stream: ServerHttp2Stream;
  readonly #session: ServerHttp2Session;

  constructor(stream: ServerHttp2Stream, session: ServerHttp2Session, client: string | undefined) {
    this.#stream = stream;
    this.#session = session;
    this.client = client;
  }

  get closed(): boolean {
    return this.#stream.closed;
  }

  send(message: OperatorMessage): void {
    this.write(`${JSON.stringify(message)}\n`);
  }

  write(text: string): void {
    if (this.#stream.writable) this.#stream.write(text);
  }

  end(): void {
    this.#stream.end();
  }

  goAway(): void {
    this.#session.goaway();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

export const statesOf = ({ messages }: TestStream): StateMessage[] =>
  messages.filter((message) => message.type === 'state');

/** At a port of its own, or at `port`. */
export async function startTestOperator(files: IdentityFiles, port = 0): Promise<TestOperator> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer({
    cert: files['tls.crt'],
    key: files['tls.key'],
    ca: files['ca.crt'],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  const operator: TestOperator = {
    address: { host: '127.0.0.1', port },
    streams: [],
    onMessage: () => {},
    status: 200,
    close: () => {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const session = stream.session as ServerHttp2Session;
    const certificate = (
      session.socket as unknown as { getPeerX509Certificate(): never }
    ).getPeerX509Certificate();
    const identity = spiffeIdOf(certificate);
    const taken = new Stream(stream, session, identity.ok ? identity.value : undefined);
    const lines = new Lines(1024 * 1024);
    stream.on('error', () => {});
    if (headers[':path'] !== STREAM_PATH) return stream.close();
    stream.respond({ ':status': operator.status });
    if (operator.status !== 200) return stream.end();
    operator.streams.push(taken);
    stream.on('data', (chunk: Buffer) => {
      for (const line of lines.push(chunk)) {
        const message = parseProxyMessage(line);
        taken.messages.push(message);
        operator.onMessage(taken, message);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  operator.address.port = (server.address() as AddressInfo).port;
  return operator;
}
