/** `node smtpServer.ts PORT`: takes mail as SMTP does (RFC 5321): greets first; says in its answer how long a mail was. */
import { createServer } from 'node:net';

const answers: Record<string, string> = {
  EHLO: '250-smtp.example\r\n250 PIPELINING\r\n',
  MAIL: '250 sender ok\r\n',
  RCPT: '250 recipient ok\r\n',
  DATA: '354 go on\r\n',
  RSET: '250 ok\r\n',
};

const server = createServer((socket) => {
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.write('220 smtp.example ESMTP\r\n');
  let text = '';
  let mail = false;
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (;;) {
      const ending = mail ? '\r\n.\r\n' : '\r\n';
      const end = text.indexOf(ending);
      if (end < 0) return;
      const piece = text.slice(0, end);
      text = text.slice(end + ending.length);
      const verb = piece.slice(0, 4).toUpperCase();
      if (mail) socket.write(`250 took ${piece.length} bytes\r\n`);
      else if (verb === 'QUIT') socket.end('221 bye\r\n');
      else socket.write(answers[verb] ?? '502 unknown\r\n');
      mail = !mail && verb === 'DATA';
    }
  });
});
server.listen(Number(process.argv[2]), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
