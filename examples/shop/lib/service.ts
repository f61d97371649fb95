/** What all services of the shop have in common: routes, health endpoints, a view of the caller, graceful shutdown. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as TcpServer } from 'node:net';
import { call, traceHeaders, type Answer, type Call } from './client.ts';
import { readSettings, type Settings } from './settings.ts';

const MAX_BODY_BYTES = 1024 * 1024;
/** How long connections stay open on shutdown for what is on its way; each answer asks for its connection to be closed. */
const LINGER_MS = 2_000;

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly body: string;
  readonly settings: Settings;
  /** Calls another service of the shop with the trace headers of this request. */
  call(service: string, path: string, options?: Call): Promise<Answer>;
}

export interface Reply {
  status?: number;
  body: Record<string, unknown>;
}

/** By `METHOD /path`. */
export type Routes = Record<string, (exchange: Exchange) => Reply | Promise<Reply>>;

/** What an answer says about the service that gave it and what it saw of its caller. */
function view(name: string, settings: Settings, incoming: IncomingMessage): Record<string, unknown> {
  return {
    service: name,
    version: settings.version,
    pod: settings.pod,
    source: incoming.headers['x-weft-source'] ?? null,
    requestId: incoming.headers['x-request-id'] ?? null,
    traceparent: incoming.headers['traceparent'] ?? null,
  };
}

/** `/call?to=payment&path=/charge&method=POST`: lets a person or a test make one service call any other. */
async function relay({ url, call: callService }: Exchange): Promise<Reply> {
  const to = url.searchParams.get('to') ?? '';
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(to)) {
    return { status: 400, body: { error: '`to` must be the name of a service' } };
  }
  const path = url.searchParams.get('path') ?? '/';
  if (!path.startsWith('/')) return { status: 400, body: { error: '`path` must start with /' } };
  const answer = await callService(to, path, { method: url.searchParams.get('method') ?? 'GET' });
  return { body: { answer } };
}

const common: Routes = {
  'GET /livez': () => ({ body: { alive: true } }),
  'GET /readyz': () => ({ body: { ready: true } }),
  'GET /startupz': () => ({ body: { started: true } }),
  'GET /whoami': () => ({ body: {} }),
  'GET /call': relay,
};

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  incoming.setEncoding('utf8');
  for await (const chunk of incoming) {
    text += chunk as string;
    if (text.length > MAX_BODY_BYTES) throw new Error('the body is too large');
  }
  return text;
}

/** Starts the service and ends it on SIGTERM: stop accepting, finish running requests, exit 0. */
export function serve(name: string, own: Routes, closers: (() => void)[] = []): Server {
  const settings = readSettings();
  const routes: Routes = { ...common, ...own };
  let stopping = false;

  async function answer(incoming: IncomingMessage): Promise<Reply> {
    const url = new URL(incoming.url ?? '/', 'http://shop');
    const route = routes[`${incoming.method} ${url.pathname}`];
    if (!route) return { status: 404, body: { error: `no ${incoming.method} ${url.pathname} here` } };
    const headers = traceHeaders(incoming.headers);
    return await route({
      url,
      method: incoming.method ?? 'GET',
      body: await bodyOf(incoming),
      settings,
      call: (service, path, options = {}) =>
        call(settings.upstream(service) + path, {
          ...options,
          headers: { ...headers, ...options.headers },
        }),
    });
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await answer(incoming).catch((error: unknown) => ({
      status: 500,
      body: { error: (error as Error).message },
    }));
    if (stopping) response.setHeader('connection', 'close');
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ ...view(name, settings, incoming), ...reply.body })}\n`);
  }

  const server = createServer((incoming, response) => void handle(incoming, response));
  // longer than any client keeps an idle connection, so that the client is the one that closes it
  server.keepAliveTimeout = 75_000;
  server.listen(settings.port, settings.host, () => {
    process.stdout.write(`${JSON.stringify({ service: name, listening: server.address() })}\n`);
  });
  const stop = () => {
    stopping = true;
    // closes the listener alone: http.Server.close would also cut idle connections, and with them requests that have
    // arrived but were not read yet
    TcpServer.prototype.close.call(server, () => process.exit(0));
    setInterval(() => server.closeIdleConnections(), LINGER_MS);
    for (const close of closers) close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  return server;
}
