/** Bytes from a plain port into TLS with a certificate of the mesh, for clients that cannot show one. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { IdentityFiles } from '../../certs/verify/index.ts';

export interface TlsRelay {
  readonly port: number;
  close(): Promise<void>;
}

/** Each connection becomes one TLS connection to `port` with `identity`, which must end in the protocol `alpn`. */
export async function tlsRelay(port: number, identity: IdentityFiles, alpn: string): Promise<TlsRelay> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (plain) => {
    const secure = connect({
      port,
      host: '127.0.0.1',
      key: identity['tls.key'],
      cert: identity['tls.crt'],
      ca: identity['ca.crt'],
      ALPNProtocols: [alpn],
      // the certificate names a workload, not a host
      checkServerIdentity: () => undefined,
    });
    secure.setNoDelay(true);
    const end = () => {
      plain.destroy();
      secure.destroy();
    };
    for (const socket of [plain, secure]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    secure.once('secureConnect', () => {
      if (secure.alpnProtocol !== alpn) end();
    });
    plain.pipe(secure).pipe(plain);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
