/**
 * The gRPC health service (grpc.health.v1.Health/Check), as kubelet's gRPC probe asks it, over node:http2.
 * The two messages are small enough to be read and written by hand:
 * HealthCheckRequest {string service = 1}, HealthCheckResponse {enum status = 1}.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2';

const CHECK_PATH = '/grpc.health.v1.Health/Check';
const MAX_MESSAGE_BYTES = 4096;
const grpcStatus = { ok: '0', invalid: '3', notFound: '5', unimplemented: '12' } as const;
const SERVING = 1;
const NOT_SERVING = 2;

/** A gRPC frame: one byte of flags, four of length, the message. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The service that a framed HealthCheckRequest asks for; undefined where it is not one. */
export function requestedService(framed: Buffer): string | undefined {
  if (framed.length < 5 || framed[0] !== 0) return undefined;
  const message = framed.subarray(5);
  if (framed.readUInt32BE(1) !== message.length) return undefined;
  if (message.length === 0) return '';
  const [tag, length] = message;
  // names are short: a length of one byte covers all that this server knows
  if (tag !== 0x0a || length === undefined || length > 127 || message.length !== length + 2) return undefined;
  return message.subarray(2).toString('utf8');
}

function end(stream: ServerHttp2Stream, status: string, message?: Uint8Array): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', ...(message ? {} : { 'grpc-status': status }) },
    message ? { waitForTrailers: true } : { endStream: true },
  );
  if (!message) return;
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(frame(message));
}

export interface HealthServer {
  /** From now on NOT_SERVING; running calls end, then the listener closes. */
  close(): void;
  readonly listening: Promise<number>;
}

export function serveHealth(service: string, listen: { host: string; port: number }): HealthServer {
  let serving = true;
  const server = createServer();
  const sessions = new Set<{ close(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('error', () => stream.close());
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_MESSAGE_BYTES) stream.close();
      else chunks.push(chunk);
    });
    stream.on('end', () => {
      if (stream.destroyed || stream.closed) return;
      if (headers[':path'] !== CHECK_PATH) return end(stream, grpcStatus.unimplemented);
      const asked = requestedService(Buffer.concat(chunks));
      if (asked === undefined) return end(stream, grpcStatus.invalid);
      if (asked !== '' && asked !== service) return end(stream, grpcStatus.notFound);
      return end(stream, grpcStatus.ok, Uint8Array.of(0x08, serving ? SERVING : NOT_SERVING));
    });
  });
  const listening = new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : listen.port);
    });
  });
  return {
    listening,
    close() {
      serving = false;
      server.close();
      for (const session of sessions) session.close();
    },
  };
}
