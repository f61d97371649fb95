import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Handler } from './channel.ts';
import { SocketChannel } from './socketChannel.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let server: Server;
let accepted: Socket;
let client: Socket;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [accepted] = (await once(server, 'connection')) as [Socket];
});

afterEach(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

const handlerOf = (heard: string[]): Handler => ({
  data: (bytes) => heard.push(bytes.toString()),
  end: () => heard.push('end'),
  drain: () => {},
  closed: () => heard.push('closed'),
});

/** In a function of its own, so that no variable of the test keeps what it makes. */
function takenOver(socket: Socket, heard: string[]): WeakRef<Handler> {
  const channel = new SocketChannel(socket);
  const handler = handlerOf(heard);
  channel.handler = handler;
  channel.detach();
  channel.pause();
  return new WeakRef(handler);
}

it('a socket that was taken over neither tells its old handler anything nor keeps it in memory', async () => {
  const heard: string[] = [];
  const handler = takenOver(accepted, heard);
  // a WeakRef holds its target until the end of the turn
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(handler.deref()).toBeUndefined();
  client.end('late');
  const [bytes] = (await once(accepted.resume(), 'data')) as [Buffer];
  accepted.destroy();
  await once(accepted, 'close');
  expect(bytes.toString()).toBe('late');
  expect(heard).toEqual([]);
});

it('tells its handler of bytes, the end and the close, in this order', async () => {
  const heard: string[] = [];
  new SocketChannel(accepted).handler = handlerOf(heard);
  client.end('all');
  await once(accepted, 'close');
  expect(heard).toEqual(['all', 'end', 'closed']);
});
