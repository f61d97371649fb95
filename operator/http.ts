/**
 * Health and metrics, plain HTTP on 8080: for kubelet and Prometheus, nothing secret and nothing that changes state; and
 * how such pages are served, also those that only the pod itself may see.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from '@prometheus-io/client';

/** Without a host: all addresses, IPv6 included where the node has it. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

export interface HealthOptions {
  readonly address: ListenAddress;
  readonly registry: Registry;
  /** Why this process is not ready; undefined where it is. */
  readonly notReady: () => string | undefined;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

export type Answer = { status: number; type: string; text: string };

const plain = (status: number, text: string): Answer => ({ status, type: 'text/plain; charset=utf-8', text });

async function answerFor(path: string, { registry, notReady }: HealthOptions): Promise<Answer> {
  if (path === '/healthz/live') return plain(200, 'ok\n');
  if (path === '/healthz/ready') {
    const reason = notReady();
    return reason === undefined ? plain(200, 'ok\n') : plain(503, `${reason}\n`);
  }
  if (path === '/metrics') return { status: 200, type: registry.contentType, text: await registry.metrics() };
  return plain(404, 'known: /healthz/live, /healthz/ready, /metrics\n');
}

/** `target`: path and query. */
type Answering = (target: string) => Answer | Promise<Answer>;

/** Listens; rejects where the address cannot be bound. */
export async function serveHttp(address: ListenAddress, answering: Answering): Promise<HttpServer> {
  const server: Server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000 },
    (request, response) => {
      const answered = async (): Promise<Answer> =>
        request.method === 'GET' || request.method === 'HEAD'
          ? await answering(request.url ?? '/')
          : plain(405, 'GET and HEAD only\n');
      answered().then(
        ({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text),
        (error: Error) => response.writeHead(500).end(`${error.message}\n`),
      );
    },
  );
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Rejects where the address cannot be bound. */
export const startHealthServer = (options: HealthOptions): Promise<HttpServer> =>
  serveHttp(options.address, (target) => answerFor(target.split('?')[0] ?? '/', options));
