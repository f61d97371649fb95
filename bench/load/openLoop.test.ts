import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openLoop, percentile } from './openLoop.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const servers: Server[] = [];

/** Answers each request as `answer` does. */
async function server(answer: (socket: Socket, index: number) => void): Promise<number> {
  let index = 0;
  const server = createServer((socket) => {
    socket.on('data', () => answer(socket, index++));
    socket.on('error', () => socket.destroy());
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test('sends as many requests as are due, and takes the time of each', async () => {
  const port = await server((socket) => setTimeout(() => socket.write(ANSWER), 20));
  const { latenciesMs, errors } = await openLoop({ port, perSecond: 200, seconds: 0.5, connections: 16 });
  expect(errors).toBe(0);
  expect(latenciesMs.length).toBe(100);
  expect(percentile(latenciesMs, 0)).toBeGreaterThanOrEqual(19);
});

test('a stall is felt by every request that was due in it', async () => {
  // one connection: while the first request waits 200 ms for its answer, 19 more become due
  const port = await server((socket, index) => setTimeout(() => socket.write(ANSWER), index === 0 ? 200 : 0));
  const { latenciesMs } = await openLoop({ port, perSecond: 100, seconds: 0.5, connections: 1 });
  const felt = latenciesMs.filter((ms) => ms >= 50).length;
  // those due 0, 10, … 150 ms after the first: a generator that waited for its turn would report one
  expect(felt).toBeGreaterThanOrEqual(15);
});

test('reads answers that come in pieces, and counts those that are none', async () => {
  const port = await server((socket, index) => {
    if (index % 2 === 0) return void socket.write('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    socket.write(ANSWER.slice(0, 20));
    setImmediate(() => socket.write(ANSWER.slice(20)));
  });
  const { latenciesMs, errors } = await openLoop({ port, perSecond: 100, seconds: 0.2, connections: 1 });
  expect(latenciesMs.length).toBe(20);
  expect(errors).toBe(10);
});

test('percentile gives the smallest value that the share does not exceed', () => {
  const sorted = Float64Array.from({ length: 1000 }, (_, index) => index + 1);
  expect(percentile(sorted, 0.5)).toBe(500);
  expect(percentile(sorted, 0.999)).toBe(999);
  expect(percentile(sorted, 1)).toBe(1000);
  expect(percentile(new Float64Array(0), 0.5)).toBeNaN();
});
