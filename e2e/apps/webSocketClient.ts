/**
 * `node webSocketClient.ts URL IDLE_SECONDS`: one connection with messages of all kinds, silent for a while in between,
 * and one that the server closes. Prints what came back as JSON.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { closing, encode, FrameReader, opcode, type Frame } from './webSocketFrames.ts';

const [url = '', idleSeconds = '0'] = process.argv.slice(2);
const MIB = 1024 * 1024;

/** A connection whose frames are taken one by one. */
class Connection {
  private readonly frames: Frame[] = [];
  private waiting: ((frame: Frame | undefined) => void) | undefined;
  private ended = false;
  private readonly socket: Duplex;
  readonly protocol: string;

  constructor(socket: Duplex, protocol: string) {
    this.socket = socket;
    this.protocol = protocol;
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      this.frames.push(...reader.read(chunk));
      this.wake();
    });
    for (const event of ['close', 'error']) {
      socket.on(event, () => {
        this.ended = true;
        this.wake();
      });
    }
  }

  send(code: number, payload: Buffer | string): void {
    this.socket.write(encode(code, Buffer.from(payload), true));
  }

  /** The next frame; fails after ten seconds or at the end. */
  async next(): Promise<Frame> {
    const frame = await new Promise<Frame | undefined>((resolve) => {
      this.waiting = resolve;
      setTimeout(() => resolve(undefined), 10_000).unref();
      this.wake();
    });
    if (!frame) throw new Error(this.ended ? 'closed before the frame' : 'no frame in ten seconds');
    return frame;
  }

  async end(): Promise<void> {
    while (!this.ended) await pause(5);
  }

  private wake(): void {
    if (!this.waiting || (this.frames.length === 0 && !this.ended)) return;
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting(this.frames.shift());
  }
}

function open(): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': 'chat.v1',
    };
    const outgoing = request(url, { headers });
    outgoing.on('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(new Connection(socket, String(response.headers['sec-websocket-protocol'])));
    });
    outgoing.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function echoes(connection: Connection, code: number, payload: Buffer): Promise<boolean> {
  connection.send(code, payload);
  const frame = await connection.next();
  return frame.opcode === code && frame.final && frame.payload.equals(payload);
}

const first = await open();
const seen: Record<string, unknown> = { protocol: first.protocol };
seen['text'] = await echoes(first, opcode.text, Buffer.from('grüße, 世界'));
seen['empty'] = await echoes(first, opcode.binary, Buffer.alloc(0));
let large = 0;
for (let i = 0; i < 8; i += 1) if (await echoes(first, opcode.binary, randomBytes(MIB))) large += 1;
seen['large'] = large;
first.send(opcode.ping, 'are you there');
const pong = await first.next();
seen['pong'] = pong.opcode === opcode.pong && pong.payload.toString();
first.send(opcode.text, 'ping me');
const ping = await first.next();
seen['ping'] = ping.opcode === opcode.ping && ping.payload.toString();
first.send(opcode.pong, ping.payload);
seen['afterPing'] = (await first.next()).payload.toString();
await pause(Number(idleSeconds) * 1000);
seen['afterSilence'] = await echoes(first, opcode.text, Buffer.from('still here'));
first.send(opcode.close, closing(1000, 'done'));
const answered = await first.next();
seen['closed'] = [answered.payload.readUInt16BE(), answered.payload.toString('utf8', 2)];
await first.end();

const second = await open();
second.send(opcode.text, 'close 4001 go away');
const told = await second.next();
seen['closedByServer'] = [told.payload.readUInt16BE(), told.payload.toString('utf8', 2)];
second.send(opcode.close, told.payload);
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit(0);
