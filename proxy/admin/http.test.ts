import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../context.ts';
import { json, serve, type Served } from './http.ts';

const errors: object[] = [];
const log: Log = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields) };
const sockets: Socket[] = [];
let served: Served;

async function start(): Promise<string> {
  served = await serve({
    name: 'test',
    address: { host: '127.0.0.1', port: 0 },
    log,
    answer: (path) => {
      if (path === '/bug') throw new Error('a bug');
      return json({ path });
    },
  });
  return `http://127.0.0.1:${served.address.port}`;
}

function idle(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(served.address.port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => {});
    sockets.push(socket);
  });
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  served.close();
});

describe('a small server', () => {
  it('answers GET and HEAD, and nothing else', async () => {
    const base = await start();
    expect(await (await fetch(`${base}/a?b=c`)).json()).toEqual({ path: '/a' });
    const head = await fetch(`${base}/a`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(base, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${base}/${'a'.repeat(2000)}`)).status).toBe(414);
  });

  it('survives its own errors and logs them', async () => {
    const base = await start();
    expect((await fetch(`${base}/bug`)).status).toBe(500);
    expect(errors).toHaveLength(1);
    expect((await fetch(base)).status).toBe(200);
  });

  it('lets newcomers in while others hold connections open', async () => {
    const base = await start();
    const first = await idle();
    const closed = new Promise((resolve) => first.once('close', resolve));
    for (let i = 0; i < 300; i++) await idle();
    await closed;
    expect((await fetch(base)).status).toBe(200);
  });
});
