/** A webhook server on loopback with real certificates, and a client that trusts them. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import { createServingAuthority, issueServing } from '../../certs/issue/index.ts';
import { testSource } from '../../certs/testing/pki.ts';
import type { ServingCertificate } from '../certificate.ts';
import { createMetrics } from '../metrics.ts';
import { createServer, type Log } from '../server.ts';
import type { ClusterView } from '../view.ts';

const NAME = 'weft-webhook.weft-system.svc';
const HOUR_MS = 3_600_000;

export interface TestAuthority {
  ca: string;
  issue(): Promise<ServingCertificate>;
}

export async function testAuthority(): Promise<TestAuthority> {
  const issuer = await createServingAuthority(testSource(), [NAME]);
  return {
    ca: String(issuer.certificate),
    issue: async () => {
      const leaf = await issueServing(testSource(), { issuer, dnsNames: [NAME], lifetimeMs: HOUR_MS });
      return { cert: leaf.certificatePem, key: leaf.keyPem, notAfter: new Date(Date.now() + HOUR_MS) };
    },
  };
}

export interface LogLine {
  level: string;
  fields: object;
  message: string;
}

export function recordingLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, info: write('info'), warn: write('warn'), error: write('error') };
}

export async function startWebhook(view: ClusterView, authority: TestAuthority) {
  const log = recordingLog();
  const metrics = createMetrics();
  const admission = {
    view,
    systemNamespace: 'weft-system',
    revision: 'default',
    image: { name: 'weft:test' },
  };
  const server = createServer({ admission, metrics, log });
  await server.reviews.listen({ host: '127.0.0.1', port: 0 });
  await server.health.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.reviews.server.address() as AddressInfo;
  const options = { host: '127.0.0.1', port, servername: NAME, ca: authority.ca };

  /** Sends a body as it is; gives status, headers and the parsed answer. */
  async function send(path: string, body: string, headers: Record<string, string> = {}) {
    const outgoing = request({
      ...options,
      path,
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...headers },
    });
    // a server that has answered may close before it has read all; what `once` rejects with comes before that
    outgoing.on('error', () => undefined).end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
    return { status: incoming.statusCode!, headers: incoming.headers, body: JSON.parse(text) as unknown };
  }

  /** Serial number of the certificate that a new handshake shows. */
  async function handshake(versions: { maxVersion?: 'TLSv1.1' } = {}): Promise<string> {
    // the client offers what it is told to, so that it is the server that refuses
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const socket = connect({
      ...options,
      ...versions,
      ciphers,
      minVersion: versions.maxVersion ?? 'TLSv1.2',
    });
    await once(socket, 'secureConnect');
    const certificate: PeerCertificate = socket.getPeerCertificate();
    socket.destroy();
    return certificate.serialNumber;
  }

  return { server, metrics, log, send, handshake, options };
}

export type TestWebhook = Awaited<ReturnType<typeof startWebhook>>;

/** An AdmissionReview as the API server sends it. */
export function reviewText(request: object): string {
  const full = { uid: 'u-1', operation: 'CREATE', namespace: 'shop', ...request };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: full });
}

export const podResource = { group: '', version: 'v1', resource: 'pods' };
export const policyResource = { group: 'mesh.weft.dev', version: 'v1alpha1', resource: 'meshpolicies' };
