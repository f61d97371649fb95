/** Servers and clients over real sockets on the loopback. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { SocketChannel } from '../../socketChannel.ts';
import { Http2Connection } from '../connection.ts';
import type { ConnectionHandler } from '../handlers.ts';
import type { Http2Limits } from '../limits.ts';

export interface Listening {
  readonly port: number;
  readonly connections: Http2Connection[];
  stop(): void;
}

/** A server of ours: `accept` makes the handler of each connection. */
export async function listenHttp2(
  accept: (connection: () => Http2Connection) => ConnectionHandler,
  { limits = {}, port = 0 }: { limits?: Partial<Http2Limits>; port?: number } = {},
): Promise<Listening> {
  const connections: Http2Connection[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    const channel = new SocketChannel(socket);
    const connection: Http2Connection = new Http2Connection({
      channel,
      role: 'server',
      handler: accept(() => connection),
      limits,
    });
    connections.push(connection);
    const timer = setInterval(() => connection.sweep(performance.now()), 500).unref();
    channel.whenClosed = () => {
      clearInterval(timer);
      connections.splice(connections.indexOf(connection), 1);
    };
    connection.start();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A client of ours. */
export async function connectHttp2(
  port: number,
  handler: ConnectionHandler,
  limits: Partial<Http2Limits> = {},
): Promise<Http2Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  const connection = new Http2Connection({
    channel: new SocketChannel(socket),
    role: 'client',
    handler,
    limits,
  });
  connection.start();
  return connection;
}
