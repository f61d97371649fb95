/** A proxy as the operator sees it: one connection that posts reports. */
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { REPORT_PATH, type Report, type ReportAnswer } from '../../core/control/index.ts';

export interface Files {
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  readonly 'ca.crt': string;
}

export interface Reply {
  status: number;
  body: ReportAnswer;
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

  report(report: Report): Promise<Reply> {
    return this.send(JSON.stringify(report));
  }

  /** Rejects where the stream ends without an answer. */
  send(body: string, headers: OutgoingHttpHeaders = {}): Promise<Reply> {
    const stream = this.session.request({ ':method': 'POST', ':path': REPORT_PATH, ...headers });
    return new Promise((resolve, reject) => {
      let status = 0;
      let text = '';
      stream.setEncoding('utf8');
      stream.on('response', (answer) => (status = answer[':status'] ?? 0));
      stream.on('data', (chunk: string) => (text += chunk));
      stream.on('error', (error) => (status === 0 ? reject(error) : undefined));
      stream.on('close', () => {
        if (status === 0) reject(new Error('no answer'));
        else resolve({ status, body: JSON.parse(text) as ReportAnswer });
      });
      stream.end(body);
    });
  }

  close(): Promise<void> {
    this.session.destroy();
    return this.closed;
  }
}
