/**
 * One end of streams of bytes, as a process of its own, so that it takes no time from what is measured. `sink PORT` takes
 * all that comes and says how much when asked; `source PORT STREAMS` sends as fast as it is taken, until it is ended.
 */
import { connect, createServer, type Socket } from 'node:net';

const CHUNK = Buffer.alloc(256 * 1024, 'weft');

function sink(port: number): void {
  let bytes = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => (bytes += chunk.length));
    socket.on('error', () => socket.destroy());
  });
  server.listen(port, '127.0.0.1');
  process.on('message', () => process.send!(bytes));
}

function fill(socket: Socket): void {
  while (socket.write(CHUNK));
}

function source(port: number, streams: number): void {
  for (let index = 0; index < streams; index += 1) {
    const socket = connect(port, '127.0.0.1', () => fill(socket));
    socket.on('drain', () => fill(socket));
    socket.on('error', (error) => {
      process.stderr.write(`a stream broke: ${error.message}\n`);
      process.exitCode = 1;
      socket.destroy();
    });
  }
}

const [role, port, streams] = process.argv.slice(2);
if (role === 'sink') sink(Number(port));
if (role === 'source') source(Number(port), Number(streams));
// whoever started this is gone
process.on('disconnect', () => process.exit());
