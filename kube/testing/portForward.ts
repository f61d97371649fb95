/**
 * The API server's and kubelet's side of a port-forward by WebSocket (`v4.channel.k8s.io`), as far as a client of one
 * port meets it: channel 0 carries the bytes and channel 1 what went wrong, each begins with the port's number.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A local port, an HTTP status to refuse with, or what kubelet would say of a port that it cannot reach. */
export type Reached = { port: number } | { status: number } | { message: string };

export interface PortForwards {
  readonly url: string;
  /** `namespace/pod:port`, oldest first. */
  readonly asked: string[];
  close(): Promise<void>;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const BINARY = 2;
const CLOSE = 8;

function frame(opcode: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head[0] = 0x80 | opcode;
  if (payload.length < 126) {
    head[1] = payload.length;
    return Buffer.concat([head.subarray(0, 2), payload]);
  }
  head[1] = 126;
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

const message = (channel: number, payload: Buffer): Buffer =>
  frame(BINARY, Buffer.concat([Buffer.from([channel]), payload]));

/** Frames of a client, which are masked; those that these tests send are shorter than 64 KiB. */
function* readFrames(state: { rest: Buffer }): Generator<{ opcode: number; payload: Buffer }> {
  for (;;) {
    const { rest } = state;
    if (rest.length < 2) return;
    const short = rest[1]! & 0x7f;
    const at = short === 126 ? 4 : 2;
    if (rest.length < at + 4) return;
    const size = short === 126 ? rest.readUInt16BE(2) : short;
    if (rest.length < at + 4 + size) return;
    const mask = rest.subarray(at, at + 4);
    const payload = Buffer.from(rest.subarray(at + 4, at + 4 + size)).map((byte, i) => byte ^ mask[i % 4]!);
    state.rest = rest.subarray(at + 4 + size);
    yield { opcode: rest[0]! & 0x0f, payload: Buffer.from(payload) };
  }
}

function accept(request: IncomingMessage, socket: Duplex): void {
  const key = `${request.headers['sec-websocket-key']}${GUID}`;
  const proof = createHash('sha1').update(key).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: Upgrade'];
  lines.push(`sec-websocket-accept: ${proof}`, 'sec-websocket-protocol: v4.channel.k8s.io', '', '');
  socket.write(lines.join('\r\n'));
}

function relay(socket: Duplex, port: number): void {
  const target: Socket = connect(port, '127.0.0.1');
  const state = { rest: Buffer.alloc(0) };
  // in pieces, as kubelet cuts them: no reader may take a message for a whole answer
  target.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; at += 1000) socket.write(message(0, chunk.subarray(at, at + 1000)));
  });
  target.on('close', () => socket.end(frame(CLOSE, Buffer.alloc(0))));
  target.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    state.rest = Buffer.concat([state.rest, chunk]);
    for (const { opcode, payload } of readFrames(state)) {
      if (opcode === BINARY && payload[0] === 0) target.write(payload.subarray(1));
      if (opcode === CLOSE) target.destroy();
    }
  });
  socket.on('close', () => target.destroy());
}

/** `reach` says what is behind a port of a pod. */
export async function startPortForwards(reach: (asked: string) => Reached): Promise<PortForwards> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const [, namespace, pod, port] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward\?ports=(\d+)$/.exec(request.url ?? '') ??
      [];
    const name = `${namespace}/${pod}:${port}`;
    asked.push(name);
    const reached = reach(name);
    if ('status' in reached) return void socket.end(`HTTP/1.1 ${reached.status} Refused\r\n\r\n`);
    accept(request, socket);
    const number = Buffer.alloc(2);
    number.writeUInt16LE(Number(port));
    socket.write(message(0, number));
    socket.write(message(1, number));
    if ('message' in reached) socket.write(message(1, Buffer.from(reached.message)));
    else relay(socket, reached.port);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
