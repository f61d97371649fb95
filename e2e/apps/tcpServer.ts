/**
 * `node tcpServer.ts PORT UDP_PORT TLS_PORT`: raw TCP on PORT; a first line says what the connection is for.
 * echo: bytes come back. last: waits for the client's end, then says how much came. reset: is reset at once.
 * flood: as many bytes as fit, until the client goes. fates: how the connections before this one ended, as JSON.
 * UDP_PORT: datagrams come back. TLS_PORT: TLS of its own; says as JSON which name and ALPN the client sent.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

const [port, udpPort, ...tlsPorts] = process.argv.slice(2).map(Number);
const block = Buffer.alloc(64 * 1024, 'weft');

/** By the name that the client gave its connection. */
const fates: Record<string, string> = {};

function flood(socket: Socket): void {
  while (!socket.destroyed && socket.write(block));
  if (!socket.destroyed) socket.once('drain', () => flood(socket));
}

function serve(socket: Socket, line: string, rest: Buffer): void {
  const [verb, name = ''] = line.split(' ');
  if (verb === 'fates') {
    socket.end(JSON.stringify(fates));
    return;
  }
  fates[name] = 'open';
  socket.on('end', () => {
    fates[name] = 'ended';
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    fates[name] = error.code ?? error.message;
  });
  if (verb === 'echo') {
    socket.write(rest);
    socket.pipe(socket);
  } else if (verb === 'last') {
    let bytes = rest.length;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.on('end', () => socket.end(`${bytes} bytes, and all of this after your end`));
  } else if (verb === 'reset') socket.resetAndDestroy();
  else if (verb === 'flood') flood(socket);
  else socket.destroy();
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  let bytes: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  const take = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf(10);
    if (end < 0) return;
    socket.off('data', take);
    serve(socket, bytes.toString('latin1', 0, end), bytes.subarray(end + 1));
  };
  socket.on('data', take);
});
server.listen(port, '0.0.0.0');

const udp = createSocket('udp4');
udp.on('message', (message, { port, address }) => udp.send(message, port, address));
udp.bind(udpPort);

const certificate = { cert: readFileSync('/tls/tls.crt'), key: readFileSync('/tls/tls.key') };
for (const tlsPort of tlsPorts) {
  const tls = createTlsServer({ ...certificate, ALPNProtocols: ['own/1'] }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(JSON.stringify({ servername: socket.servername, alpn: socket.alpnProtocol }));
  });
  tls.listen(tlsPort, '0.0.0.0');
}
process.on('SIGTERM', () => process.exit(0));
