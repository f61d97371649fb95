import { afterEach, describe, expect, it } from 'vitest';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { until } from '../testing/sockets.ts';
import { fieldsHolding, readShared } from './sharedReads.ts';
import { SocketChannel } from './socketChannel.ts';
import { connected, Listener, turns, withoutSharedReads, type Ends } from './testing/sockets.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

async function ends(): Promise<Ends> {
  const both = await connected();
  open.push(both.accepted, both.client);
  return both;
}

/** The system has taken over what `socket` wrote, and the other end has had time to look at it. */
async function sent(socket: Socket, text: string): Promise<void> {
  await new Promise<void>((resolve) => socket.write(text, 'latin1', () => resolve()));
  await turns(5);
}

async function ended(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.end(() => resolve()));
  await turns(5);
}

const LARGE = 'z'.repeat(300_000);

describe('the buffer that sockets share', () => {
  it('is known to this Node, and is the same for all', async () => {
    const buffers: Buffer[] = [];
    for (const { accepted, client } of [await ends(), await ends()]) {
      const take = (length: number, shared: Buffer): boolean => {
        expect(shared.toString('latin1', 0, length)).toBe('hello');
        return buffers.push(shared) > 0;
      };
      expect(readShared(accepted, take)).toBe(true);
      accepted.resume();
      client.write('hello');
      await until(() => buffers.length > 0, 'a read');
    }
    await until(() => buffers.length === 2, 'both reads');
    expect(buffers[0]).toBe(buffers[1]);
  });

  it('is not used where Node has no such thing', async () => {
    const { accepted } = await ends();
    expect(readShared(withoutSharedReads(accepted), () => true)).toBe(false);
    const destroyed = (await ends()).accepted.destroy();
    expect(readShared(destroyed, () => true)).toBe(false);
  });

  it('is not used where Node keeps what it was given in other fields', () => {
    const onread = { buffer: Buffer.alloc(1), callback: () => true };
    const [buffer, take] = [Symbol('buffer'), Symbol('take')];
    expect(fieldsHolding({ [buffer]: onread.buffer, [take]: onread.callback }, onread)).toEqual({
      buffer,
      take,
    });
    expect(fieldsHolding({ [buffer]: onread.buffer }, onread)).toBeUndefined();
    expect(fieldsHolding({ [take]: onread.callback }, onread)).toBeUndefined();
    expect(fieldsHolding({}, onread)).toBeUndefined();
  });
});

describe.each([
  ['that reads into the shared buffer', (socket: Socket) => socket],
  ['that Node reads as any other', withoutSharedReads],
])('a channel %s', (_how, prepare) => {
  async function listening(): Promise<{ channel: SocketChannel; listener: Listener } & Ends> {
    const both = await ends();
    const channel = new SocketChannel(prepare(both.accepted));
    const listener = new Listener();
    channel.handler = listener;
    return { channel, listener, ...both };
  }

  it('gives bytes that stay what they are when other sockets read', async () => {
    const [one, other] = [await listening(), await listening()];
    const kept: Buffer[] = [];
    one.listener.data = (bytes) => void kept.push(bytes);
    for (let count = 0; count < 50; count++) {
      one.client.write(`message ${count};`);
      await until(() => Buffer.concat(kept).toString().endsWith(`${count};`), 'the message');
      other.client.write('x'.repeat(1 + 100 * count));
      await until(() => other.listener.text.length > 0, 'other bytes');
      other.listener.text = '';
    }
    const expected = Array.from({ length: 50 }, (_, count) => `message ${count};`).join('');
    expect(Buffer.concat(kept).toString()).toBe(expected);
  });

  it('that is paused before anything comes tells of it when it is resumed', async () => {
    const { channel, listener, client } = await listening();
    channel.pause();
    await sent(client, 'one');
    await sent(client, 'two');
    expect(listener.heard).toEqual([]);
    channel.resume();
    await until(() => listener.text === 'onetwo', 'what was held');
    await sent(client, 'three');
    await until(() => listener.text === 'onetwothree', 'what came then');
  });

  it('that is paused by what it tells says no more', async () => {
    const { channel, listener, client } = await listening();
    const { data } = Listener.prototype;
    listener.data = (bytes) => {
      data.call(listener, bytes);
      channel.pause();
    };
    client.write(LARGE);
    await until(() => listener.text !== '', 'the first bytes');
    const { length } = listener.text;
    await turns(20);
    expect(listener.heard).toHaveLength(1);
    expect(length).toBeLessThan(LARGE.length);
    // one more each time, none lost and none twice
    await until(() => {
      channel.resume();
      return listener.text.length >= LARGE.length;
    }, 'the rest');
    expect(listener.text).toBe(LARGE);
  });

  it('that is paused in the event of its connection hears nothing until it is resumed', async () => {
    const server = createServer((socket) => {
      open.push(socket);
      socket.write('first');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const listener = new Listener();
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    open.push(socket);
    const channel = await new Promise<SocketChannel>((resolve) => {
      socket.once('connect', () => {
        const made = new SocketChannel(prepare(socket));
        made.handler = listener;
        made.pause();
        resolve(made);
      });
    });
    server.close();
    await until(() => socket.bytesRead === 5, 'a read');
    await turns(5);
    expect(listener.heard).toEqual([]);
    channel.resume();
    await until(() => listener.text === 'first', 'what was held');
  });

  it('that is paused notices that its peer is gone', async () => {
    const { channel, listener, client } = await listening();
    client.write('GET');
    await until(() => listener.text === 'GET', 'the first bytes');
    channel.pause();
    await sent(client, 'more');
    client.resetAndDestroy();
    await until(() => channel.closed, 'the reset');
    expect(listener.heard).toEqual(['GET', 'closed ECONNRESET']);
  });

  it('that is paused tells the end after what it held', async () => {
    const { channel, listener, client } = await listening();
    channel.pause();
    await sent(client, 'last');
    await ended(client);
    expect(listener.heard).toEqual([]);
    expect(channel.ended).toBe(false);
    channel.resume();
    await until(() => channel.ended, 'the end');
    expect(listener.heard).toEqual(['last', 'end']);
  });

  it('that is paused tells the end at once where nothing is held', async () => {
    const { channel, listener, client } = await listening();
    channel.pause();
    client.end();
    await until(() => channel.ended, 'the end');
    channel.resume();
    await turns(5);
    expect(listener.heard).toEqual(['end']);
  });

  it('that is resumed and paused at once stays silent', async () => {
    const { channel, listener, client } = await listening();
    channel.pause();
    await sent(client, 'one');
    channel.resume();
    channel.pause();
    await sent(client, 'two');
    expect(listener.heard).toEqual([]);
    channel.pause();
    channel.resume();
    await until(() => listener.text === 'onetwo', 'what was held');
  });

  it('keeps the order of all bytes, whenever it is paused and resumed', async () => {
    const { channel, listener, client } = await listening();
    let written = '';
    for (let count = 0; count < 200; count++) {
      const piece = `${count};`.repeat(1 + ((count * 7) % 300));
      written += piece;
      client.write(piece);
      if (count % 3 === 0) channel.pause();
      if (count % 5 === 1 || count % 7 === 0) channel.resume();
      if (count % 4 === 0) await turns(count % 3);
    }
    client.end();
    channel.resume();
    await until(() => channel.ended, 'the end');
    expect(listener.text === written).toBe(true);
    expect(listener.heard.at(-1)).toBe('end');
  });

  it('reads no more than a little while it is paused', async () => {
    const { channel, accepted, client } = await listening();
    channel.pause();
    for (let count = 0; count < 100 && client.write(LARGE); count++) await turns(1);
    client.write(Buffer.alloc(20_000_000));
    await turns(50);
    expect(accepted.bytesRead).toBeLessThan(1_000_000);
  });
});
