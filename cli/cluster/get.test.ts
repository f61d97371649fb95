import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { getPage } from './get.ts';

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function dial(listener: RequestListener): Promise<Socket> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return connect((server.address() as AddressInfo).port, '127.0.0.1');
}

test('gives status and value, and ends the connection', async () => {
  const connection = await dial((request, response) =>
    response.writeHead(404).end(`{"path":"${request.url}"}`),
  );
  expect(await getPage(connection, '/proxies?namespace=shop')).toEqual({
    status: 404,
    value: { path: '/proxies?namespace=shop' },
  });
  expect(connection.destroyed).toBe(true);
});

test('an answer that breaks off is an error', async () => {
  const connection = await dial((_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{');
    response.socket?.destroySoon();
  });
  await expect(getPage(connection, '/')).rejects.toThrow(/aborted|hang up/);
});

test('an answer that is no JSON is an error', async () => {
  await expect(getPage(await dial((_, response) => response.end('<html>')), '/')).rejects.toThrow(/JSON/);
});

test('a connection that failed before is an error', async () => {
  const connection = await dial((_, response) => response.end('{}'));
  connection.on('error', () => undefined);
  connection.destroy(new Error('port forward refused'));
  await expect(getPage(connection, '/')).rejects.toThrow('port forward refused');
});
