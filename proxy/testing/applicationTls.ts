/** TLS that is the application's own: a server of it, and a client. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { IdentityFiles } from '../../certs/verify/index.ts';
import type { TestMeshOfTwo } from './mesh.ts';
import { until } from './sockets.ts';

/** Greets each client by what it asked for; returns its port, and how many it greeted. */
export async function tlsApplication(mesh: TestMeshOfTwo, identity: IdentityFiles) {
  const files = identity as unknown as Record<string, string>;
  let greeted = 0;
  const server = createServer(
    { cert: files['tls.crt']!, key: files['tls.key']!, ALPNProtocols: ['http/1.1'] },
    (socket) => {
      greeted++;
      socket.on('error', () => {});
      socket.end(`hello ${String(socket.servername)} ${String(socket.alpnProtocol)}`);
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  mesh.onEnd(async () => void server.close());
  return { port: (server.address() as AddressInfo).port, greeted: () => greeted };
}

/** What a client hears that asks for `own.example` and HTTP/1.1; '' where it was not let through. */
export async function greetingAt(port: number): Promise<string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'own.example',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  let text = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.on('close', () => (closed = true));
  await until(() => closed, 'the end');
  return text;
}
