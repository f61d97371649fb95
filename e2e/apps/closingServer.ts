/**
 * `node closingServer.ts PORT MODE`: an HTTP/1.1 server that closes connections as some applications do.
 * idle: a second after its last answer, without a word. random: every fifth answer or so says `Connection: close`.
 * counted: the tenth answer of a connection says it. silent: closes after the tenth answer without a word.
 */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';

const [port, mode] = process.argv.slice(2);
const IDLE_MS = 1_000;
const answered = new WeakMap<Socket, number>();
const timers = new WeakMap<Socket, NodeJS.Timeout>();

const server = createServer((request, response) => {
  const { socket } = request;
  clearTimeout(timers.get(socket));
  request.resume();
  request.on('end', () => {
    const count = (answered.get(socket) ?? 0) + 1;
    answered.set(socket, count);
    if ((mode === 'random' && Math.random() < 0.2) || (mode === 'counted' && count === 10))
      response.setHeader('connection', 'close');
    response.setHeader('content-length', 2).end('ok', () => {
      if (mode === 'silent' && count === 10) socket.end();
      else if (mode === 'idle') {
        timers.set(
          socket,
          setTimeout(() => socket.destroy(), IDLE_MS),
        );
      }
    });
  });
});
// neither a timeout of node's own nor a header that would tell of ours
server.keepAliveTimeout = 0;
server.listen(Number(port), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
