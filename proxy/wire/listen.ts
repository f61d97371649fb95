import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Address, DataPlane, ListenAddress } from '../context.ts';
import { bound } from './bounds.ts';
import { rarely } from './rarely.ts';

const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

export interface Listener {
  readonly address: Address;
  readonly server: Server;
}

/**
 * Listens with what every accepted connection needs: no delay of small writes, half-open connections, a bound.
 * `::` takes IPv4 too; where the machine has no IPv6, IPv4 alone is listened on, and `::1` is left out (undefined).
 */
export async function listen(
  address: ListenAddress,
  { log, telemetry }: Pick<DataPlane, 'log' | 'telemetry'>,
  accept: (socket: Socket) => void,
): Promise<Listener | undefined> {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: bound.keepAliveMs },
    accept,
  );
  server.maxConnections = bound.connections;
  const sometimes = rarely();
  server.on('drop', (dropped) => {
    telemetry.boundReached('connections');
    sometimes((skipped) =>
      log.warn({ bound: 'connections', peer: dropped?.remoteAddress, skipped }, 'too many connections'),
    );
  });
  try {
    await bind(server, address);
  } catch (error) {
    if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '') || !address.host.includes(':')) throw error;
    log.info({ host: address.host, port: address.port }, 'this machine has no IPv6');
    if (address.host !== '::') return undefined;
    await bind(server, { ...address, host: '0.0.0.0' });
  }
  const actual = server.address() as AddressInfo;
  return { server, address: { host: actual.address, port: actual.port } };
}

function bind(server: Server, { host, port, shared = false }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1024, reusePort: shared }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
