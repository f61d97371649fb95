/** Upgrades of the test server: `websocket` (echoes messages; text `close CODE REASON` closes), and `echo/1` (bytes). */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { closing, encode, FrameReader, opcode, type Frame } from './webSocketFrames.ts';

/** RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function answerFrame(socket: Duplex, { opcode: code, payload }: Frame): void {
  const command = code === opcode.text ? payload.toString('utf8', 0, 64) : '';
  if (code === opcode.ping) socket.write(encode(opcode.pong, payload, false));
  else if (code === opcode.close) socket.end(encode(opcode.close, payload, false));
  else if (command === 'ping me') socket.write(encode(opcode.ping, Buffer.from('from the server'), false));
  else if (code === opcode.pong) socket.write(encode(opcode.text, Buffer.from(`pong ${payload}`), false));
  else if (command.startsWith('close ')) {
    const [, status, ...reason] = command.split(' ');
    socket.write(encode(opcode.close, closing(Number(status), reason.join(' ')), false));
  } else socket.write(encode(code, payload, false));
}

export function acceptUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  const { upgrade, 'sec-websocket-key': key = '', 'sec-websocket-protocol': protocol } = request.headers;
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${upgrade}`];
  if (upgrade === 'echo/1') {
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
    return;
  }
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  lines.push(`Sec-WebSocket-Accept: ${accept}`);
  if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const reader = new FrameReader();
  const take = (chunk: Buffer) => {
    for (const frame of reader.read(chunk)) answerFrame(socket, frame);
  };
  if (head.length > 0) take(head);
  socket.on('data', take);
}
