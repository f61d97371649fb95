/** A control server as the operator's, for tests: real HTTP/2 and mTLS, answers as the test wants them. */
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { spiffeIdOf, type IdentityFiles } from '../../../certs/verify/index.ts';
import { parseReport, REPORT_PATH, type Report, type ReportAnswer } from '../../../core/control/index.ts';
import type { Address } from '../../context.ts';

export interface TestOperator {
  readonly address: Address;
  readonly reports: Report[];
  /** SPIFFE ids of the sessions, in order. */
  readonly clients: (string | undefined)[];
  answer: (report: Report) => ReportAnswer | undefined;
  /** Ends all sessions. */
  disconnect(): void;
  close(): Promise<void>;
}

function respond(stream: ServerHttp2Stream, answer: ReportAnswer): void {
  stream.respond({ ':status': answer.ok ? 200 : 421, 'content-type': 'application/json' });
  stream.end(JSON.stringify(answer));
}

export async function startTestOperator(files: IdentityFiles): Promise<TestOperator> {
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
    address: { host: '127.0.0.1', port: 0 },
    reports: [],
    clients: [],
    answer: () => ({ ok: true }),
    disconnect: () => {
      for (const session of sessions) session.destroy();
    },
    close: () => {
      operator.disconnect();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
    const certificate = (
      session.socket as unknown as { getPeerX509Certificate(): never }
    ).getPeerX509Certificate();
    const identity = spiffeIdOf(certificate);
    operator.clients.push(identity.ok ? identity.value : undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (text += chunk));
    stream.on('end', () => {
      if (headers[':path'] !== REPORT_PATH) return stream.close();
      const report = parseReport(text);
      operator.reports.push(report);
      const answer = operator.answer(report);
      if (answer) respond(stream, answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  operator.address.port = (server.address() as AddressInfo).port;
  return operator;
}
