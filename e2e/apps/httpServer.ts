/**
 * `node httpServer.ts PORT`: HTTP/1.1 in its less usual forms, one path each.
 * /seen: the request as it came. /echo: the body back. /size: counts and checks a body. /download?mib=N.
 * /events?count=N&everyMs=M: server-sent events. /status?code=N. /trailers. /headers?bytes=N. /slow?ms=N.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { acceptUpgrade } from './webSocketServer.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => unknown;

const MIB = 1024 * 1024;
const block = Buffer.alloc(MIB, 'weft');

function json(response: ServerResponse, value: object, status = 200): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
}

/** Bytes and CRC-32 of a body, without keeping it. */
async function digest(request: IncomingMessage): Promise<{ bytes: number; crc: number }> {
  let bytes = 0;
  let crc = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    crc = crc32(chunk, crc);
  }
  return { bytes, crc };
}

const written = (response: ServerResponse, chunk: string | Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });

const answers: Record<string, Answer> = {
  async '/seen'(request, response) {
    const { bytes } = await digest(request);
    const { method, url, httpVersion, rawHeaders, rawTrailers } = request;
    json(response, { method, url, httpVersion, rawHeaders, rawTrailers, bytes });
  },
  '/echo'(request, response) {
    // neither length nor end is known: chunked in HTTP/1.1, until close in HTTP/1.0
    request.pipe(response);
  },
  async '/size'(request, response) {
    const chunked = request.headers['transfer-encoding'] === 'chunked';
    json(response, { ...(await digest(request)), chunked });
  },
  async '/download'(_request, response, query) {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    for (let i = 0; i < Number(query.get('mib')); i += 1) await written(response, block);
    response.end();
  },
  async '/events'(_request, response, query) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    for (let i = 0; i < Number(query.get('count')); i += 1) {
      await written(response, `id: ${i}\ndata: ${Date.now()}\n\n`);
      await pause(Number(query.get('everyMs')));
    }
    response.end();
  },
  '/status'(_request, response, query) {
    response.writeHead(Number(query.get('code')), { etag: '"one"' }).end();
  },
  '/trailers'(_request, response) {
    response.writeHead(200, { trailer: 'X-Sum, X-Count' });
    response.write('body');
    response.addTrailers({ 'X-Sum': '42', 'X-Count': '1' });
    response.end();
  },
  '/headers'(request, response, query) {
    const size = Number(query.get('bytes'));
    response.setHeader('x-received', String(request.headers['x-big']?.length ?? 0));
    // without a length node closes connections of HTTP/1.0
    response.setHeader('x-big', 'b'.repeat(size)).setHeader('content-length', 2).end('ok');
  },
  async '/slow'(_request, response, query) {
    await pause(Number(query.get('ms')));
    response.end('late');
  },
  '/hints'(_request, response) {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.end('after hints');
  },
};

const options = { maxHeaderSize: 128 * 1024 };
const server = createServer(options, (request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://any');
  const answer = answers[pathname];
  if (!answer) return json(response, { unknown: pathname }, 404);
  // a client that left has nobody to tell
  void Promise.resolve(answer(request, response, searchParams)).catch(() => response.destroy());
});
server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
  if (request.url === '/refuse') return json(response, { refused: true }, 417);
  response.writeContinue();
  server.emit('request', request, response);
});
server.on('upgrade', acceptUpgrade);
server.requestTimeout = 0;
server.keepAliveTimeout = 600_000;
server.listen(Number(process.argv[2]), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
