/** Small servers for people, scrapers and kubelet: rare requests, so that node:http will do. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Address, Log } from '../context.ts';

export interface Answer {
  status: number;
  body: string;
  /** JSON where absent. */
  type?: string;
}

export interface ServeOptions {
  name: string;
  address: Address;
  log: Log;
  /** `path` has no query. Called for GET and HEAD only. */
  answer: (path: string, request: IncomingMessage) => Answer | Promise<Answer>;
}

export interface Served {
  readonly address: Address;
  close(): void;
}

/** Past it the oldest connection makes room: whoever holds connections open must not keep kubelet out. */
const MAX_CONNECTIONS = 256;
/** How often idle and slow connections are looked for, in ms. */
const CHECK_MS = 1000;
const MAX_URL = 1024;

export const json = (value: unknown, status = 200): Answer => ({
  status,
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});

export const notFound: Answer = json({ message: 'not found; see /' }, 404);

async function answerOf(request: IncomingMessage, options: ServeOptions): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return json({ message: 'read-only: GET and HEAD' }, 405);
  const url = request.url ?? '/';
  if (url.length > MAX_URL) return json({ message: 'the path is too long' }, 414);
  const query = url.indexOf('?');
  try {
    return await options.answer(query === -1 ? url : url.slice(0, query), request);
  } catch (error) {
    options.log.error({ server: options.name, error }, 'could not answer');
    return json({ message: 'internal error; see the log' }, 500);
  }
}

function bind(server: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

/** `::` takes IPv4 too; a machine without IPv6 has only that. */
async function bindAny(server: Server, address: Address): Promise<Address> {
  try {
    return await bind(server, address);
  } catch (error) {
    if (address.host !== '::' || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
    return bind(server, { host: '0.0.0.0', port: address.port });
  }
}

function boundConnections(server: Server): void {
  // in the order in which they came
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (sockets.size <= MAX_CONNECTIONS) return;
    const [oldest] = sockets;
    sockets.delete(oldest!);
    oldest!.destroy();
  });
}

/** Starts a read-only server. Rejects where its address cannot be bound. */
export async function serve(options: ServeOptions): Promise<Served> {
  const server = createServer(
    {
      requestTimeout: 10_000,
      headersTimeout: 5_000,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: CHECK_MS,
    },
    (request, response) => {
      request.resume();
      void answerOf(request, options).then(({ status, body, type = 'application/json' }) => {
        response.writeHead(status, {
          'content-type': type,
          'content-length': Buffer.byteLength(body),
          server: 'weft',
          'x-content-type-options': 'nosniff',
        });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
    },
  );
  boundConnections(server);
  return {
    address: await bindAny(server, options.address),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
