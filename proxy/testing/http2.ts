/** Clients and servers of HTTP/2 that are not ours: Node's own. */
import { once } from 'node:events';
import {
  connect,
  createServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Http2Connection } from '../wire/http2/connection.ts';
import { unheard, type Http2Stream } from '../wire/http2/stream.ts';
import { quiet } from '../wire/http2/testing/quiet.ts';
import { SocketChannel } from '../wire/socketChannel.ts';
import type { TestMeshOfTwo } from './mesh.ts';

export interface Answer2 {
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  interim: number[];
  body: string;
  trailers: IncomingHttpHeaders | undefined;
  /** RST_STREAM's code; 0: none. */
  reset: number;
}

export type Handler2 = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** An application that speaks HTTP/2 with prior knowledge; returns its port. */
export async function application2(mesh: TestMeshOfTwo, handler: Handler2): Promise<number> {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    handler(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  mesh.onEnd(async () => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** As `application2`, by our own codec, which can reset a stream at any moment; returns its port. */
export async function ownApplication2(
  mesh: TestMeshOfTwo,
  handler: (stream: Http2Stream) => void,
): Promise<number> {
  const server = createTcpServer((socket) => {
    const connection = new Http2Connection({
      channel: new SocketChannel(socket),
      role: 'server',
      handler: {
        ...quiet,
        request: (stream) => {
          handler(stream);
          return unheard;
        },
      },
    });
    connection.start();
    mesh.onEnd(async () => void socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  mesh.onEnd(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

export async function client2(mesh: TestMeshOfTwo, port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  mesh.onEnd(async () => session.destroy());
  await once(session, 'connect');
  return session;
}

export interface Call2 {
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  trailers?: OutgoingHttpHeaders;
}

/** One exchange, to its end in whatever form. */
export function call2(session: ClientHttp2Session, { headers, body, trailers }: Call2): Promise<Answer2> {
  const stream = session.request(
    { ':path': '/', ':authority': 'cart', ...headers },
    {
      endStream: body === undefined && trailers === undefined,
      waitForTrailers: trailers !== undefined,
    },
  );
  if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  if (body !== undefined || trailers !== undefined) stream.end(body);
  return collect(stream);
}

export function collect(stream: ReturnType<ClientHttp2Session['request']>): Promise<Answer2> {
  const answer: Answer2 = { headers: {}, interim: [], body: '', trailers: undefined, reset: 0 };
  stream.setEncoding('latin1');
  stream.on('headers', (headers) => answer.interim.push(Number(headers[':status'])));
  stream.on('response', (headers) => (answer.headers = headers));
  stream.on('data', (text) => (answer.body += String(text)));
  stream.on('trailers', (headers) => (answer.trailers = headers));
  stream.on('error', () => {});
  return new Promise((resolve) => {
    stream.on('close', () => resolve({ ...answer, reset: stream.rstCode ?? 0 }));
  });
}
