/** Clients and servers that speak bytes, for tests that must see exactly what passes. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Waits until `condition` holds; fails with what it was waiting for. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen in ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A client socket that keeps what it received. */
export class Client {
  readonly socket: Socket;
  received = '';
  ended = false;
  closed = false;
  error: string | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text) => (this.received += String(text)));
    this.socket.on('end', () => (this.ended = true));
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code));
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Everything received, once it matches. */
  async until(pattern: RegExp | string): Promise<string> {
    const matches = () =>
      typeof pattern === 'string' ? this.received.includes(pattern) : pattern.test(this.received);
    try {
      await until(matches, `receiving ${String(pattern)}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}; received: ${JSON.stringify(this.received)}`, {
        cause: error,
      });
    }
    return this.received;
  }

  /** What was received since the last call, once it matches. */
  async next(pattern: RegExp | string): Promise<string> {
    const text = await this.until(pattern);
    this.received = '';
    return text;
  }
}

export interface TestServer {
  readonly server: Server;
  readonly port: number;
  readonly sockets: Socket[];
  close(): Promise<void>;
}

/** A server that hands each connection to `accept`. */
export async function serve(accept: (socket: Socket) => void, port = 0): Promise<TestServer> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    sockets,
    async close() {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port on which nothing listens. */
export async function deadPort(): Promise<number> {
  const server = await serve(() => {});
  await server.close();
  return server.port;
}
