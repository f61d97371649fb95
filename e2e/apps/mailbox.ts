/** A small server that speaks first, as SMTP does (RFC 5321, 3.1): greets at once, then answers line by line. */
import { createServer } from 'node:net';

const server = createServer((socket) => {
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.write('220 mailbox ESMTP\r\n');
  let text = '';
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
      const verb = text.slice(0, end).split(' ')[0]!.toUpperCase();
      text = text.slice(end + 2);
      if (verb === 'QUIT') socket.end('221 bye\r\n');
      else socket.write(verb === 'EHLO' || verb === 'NOOP' ? '250 ok\r\n' : '502 unknown\r\n');
    }
    if (text.length > 4096) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
});
server.listen(2525, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
