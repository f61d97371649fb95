/** A proxy as the operator sees it: one connection with a stream of messages. */
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import {
  STREAM_PATH,
  type OperatorMessage,
  type ProxyMessage,
  type Report,
  type StateMessage,
  type UpdateMessage,
} from '../../core/control/index.ts';
import { until } from '../../kube/testing/until.ts';

export interface Files {
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  readonly 'ca.crt': string;
}

export class ProxyStream {
  /** In the order in which they came. */
  readonly messages: OperatorMessage[] = [];
  readonly closed: Promise<void>;
  readonly stream: ClientHttp2Stream;
  status = 0;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => (this.status = headers[':status'] ?? 0));
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.messages.push(JSON.parse(line) as OperatorMessage);
    });
    stream.on('error', () => {});
    this.closed = new Promise((resolve) => stream.once('close', resolve));
  }

  send(message: ProxyMessage): void {
    this.raw(`${JSON.stringify(message)}\n`);
  }

  raw(text: string): void {
    this.stream.write(text);
  }

  /** `has`: hashes; default nothing. */
  state(report: Report, has: Partial<StateMessage['has']> = {}, used: string[] = []): void {
    this.send({ type: 'state', report, has: { parts: {}, services: {}, ...has }, used });
  }

  ack({ epoch, revision, hash }: UpdateMessage): void {
    this.send({ type: 'ack', epoch, revision, hash, since: new Date().toISOString() });
  }

  refuse({ epoch, revision, hash }: UpdateMessage, code: string): void {
    const since = new Date().toISOString();
    this.send({ type: 'refusal', epoch, revision, hash, code, message: 'for the test', since });
  }

  /** The next message of the type that was not given before. */
  async next<T extends OperatorMessage['type']>(type: T): Promise<Extract<OperatorMessage, { type: T }>> {
    const at = (): number => this.messages.findIndex((message) => message.type === type);
    await until(`a message ${type}`, () => at() !== -1);
    return this.messages.splice(at(), 1)[0] as Extract<OperatorMessage, { type: T }>;
  }
}

export class ProxyClient {
  readonly session: ClientHttp2Session;
  readonly closed: Promise<void>;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    this.closed = new Promise((resolve) => session.once('close', resolve));
  }

  /** Rejects where the handshake fails or the server ends the connection at once. */
  static async connect(port: number, files: Files): Promise<ProxyClient> {
    const session = connect(`https://127.0.0.1:${port}`, {
      cert: files['tls.crt'],
      key: files['tls.key'],
      ca: files['ca.crt'],
      minVersion: 'TLSv1.3',
      // servers prove SPIFFE identities, no names
      checkServerIdentity: () => undefined,
    });
    session.on('error', () => {});
    const client = new ProxyClient(session);
    await new Promise<void>((resolve, reject) => {
      // the server's SETTINGS come after it has looked at our certificate
      session.once('remoteSettings', () => resolve());
      session.once('error', reject);
      session.once('close', () => reject(new Error('closed by the server')));
    });
    return client;
  }

  open(headers: OutgoingHttpHeaders = {}): ProxyStream {
    const request = { ':method': 'POST', ':path': STREAM_PATH, ...headers };
    return new ProxyStream(this.session.request(request, { endStream: false }));
  }

  /** Opens the stream, and says what is in force. */
  report(report: Report): ProxyStream {
    const stream = this.open();
    stream.state(report);
    return stream;
  }

  close(): Promise<void> {
    this.session.destroy();
    return this.closed;
  }
}
