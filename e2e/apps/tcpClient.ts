/**
 * `node tcpClient.ts SCENARIO HOST PORT [NUMBER]`: one scenario with tcpServer.ts; prints what was seen as JSON.
 * half-close BYTES, silence SECONDS, silence-at-first SECONDS, reset-by-server, reset-by-client, reset-while-flooded,
 * udp, tls.
 */
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

const [scenario = '', host = '', portText = '', numberText = '0'] = process.argv.slice(2);
const port = Number(portText);
const number = Number(numberText);
const name = `${scenario}-${process.pid}-${Date.now()}`;

async function open(verb: string): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.write(`${verb} ${name}\n`);
  return socket;
}

/** How the server saw this connection end. */
async function fate(): Promise<string> {
  const end = Date.now() + 10_000;
  for (;;) {
    const socket = await open('fates');
    const all = JSON.parse(await text(socket)) as Record<string, string>;
    socket.destroy();
    if ((all[name] ?? 'open') !== 'open' || Date.now() > end) return all[name] ?? 'unknown';
    await pause(50);
  }
}

/** What comes back for a message. */
async function echo(socket: Socket, message: string): Promise<string> {
  socket.write(message);
  let got = '';
  while (got.length < message.length) got += String((await once(socket, 'data'))[0]);
  return got;
}

const scenarios: Record<string, () => Promise<unknown>> = {
  async 'half-close'() {
    const socket = await open('last');
    const answer = text(socket);
    socket.end(Buffer.alloc(number, 'x'));
    return { answer: await answer, fate: await fate() };
  },
  async silence() {
    const socket = await open('echo');
    const before = await echo(socket, 'before');
    await pause(number * 1000);
    return { before, after: await echo(socket, 'after') };
  },
  async 'silence-at-first'() {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    await pause(number * 1000);
    socket.write('echo silence-at-first\n');
    return { after: await echo(socket, 'after') };
  },
  async 'reset-by-server'() {
    const socket = await open('reset');
    socket.resume();
    return await new Promise((resolve) => {
      socket.on('end', () => resolve({ how: 'end' }));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve({ how: error.code }));
    });
  },
  async 'reset-by-client'() {
    const socket = await open('echo');
    await echo(socket, 'hello');
    socket.resetAndDestroy();
    return { fate: await fate() };
  },
  async 'reset-while-flooded'() {
    const socket = await open('flood');
    await once(socket, 'data');
    socket.resetAndDestroy();
    return { fate: await fate() };
  },
  async udp() {
    const socket = createSocket('udp4');
    const back = new Set<string>();
    socket.on('message', (message) => back.add(message.toString()));
    // datagrams may be lost; more are sent then
    for (let i = 0; i < 100 && back.size < 20; i += 1) {
      socket.send(`datagram ${i}`, port, host);
      await pause(20);
    }
    return { enough: back.size >= 20 };
  },
  async tls() {
    const ca = readFileSync('/tls/tls.crt');
    const socket = connectTls({ host, port, ca, servername: 'own.example', ALPNProtocols: ['own/1'] });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    return { server: JSON.parse(await text(socket)), subject: subject.CN };
  },
};

const run = scenarios[scenario];
if (!run) throw new Error(`unknown scenario: ${scenario}`);
process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit(0);
