/**
 * `node http10Server.ts PORT`: answers as servers of HTTP/1.0 do. /close: no length, the end of the connection ends the
 * body. /keep: `Connection: keep-alive` with a length, where the client asked for it.
 */
import { createServer } from 'node:net';

const BODY = 'ten of one\n'.repeat(100);

const server = createServer((socket) => {
  let text = '';
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      const keep = head.includes(' /keep') && /^connection: *keep-alive/im.test(head);
      if (keep) {
        socket.write(
          `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
        );
      } else socket.end(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${BODY}`);
    }
  });
});
server.listen(Number(process.argv[2]), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
