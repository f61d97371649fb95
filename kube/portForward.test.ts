import { createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WeftError } from '../core/errors/index.ts';
import { dialPod } from './portForward.ts';
import { startPortForwards, type PortForwards, type Reached } from './testing/portForward.ts';

const target = { namespace: 'shop', pod: 'cart-1', port: 15_000 };

let echo: Server;
let forwards: PortForwards;
let reached: Reached;
let ended: Promise<void>;

beforeEach(async () => {
  echo = createServer();
  ended = new Promise((resolve) => {
    echo.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.on('data', (chunk) => {
        socket.write(chunk);
        if (chunk.includes(0x2e)) socket.end();
      });
    });
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  reached = { port: (echo.address() as AddressInfo).port };
  forwards = await startPortForwards(() => reached);
});

afterEach(async () => {
  await forwards.close();
  await new Promise((resolve) => echo.close(resolve));
});

function config(url = forwards.url): KubeConfig {
  const made = new KubeConfig();
  made.loadFromOptions({
    clusters: [{ name: 'c', server: url, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  return made;
}

test('bytes pass both ways, and the end of the far side is the end here', async () => {
  const connection = await dialPod(config(), target);
  const long = 'x'.repeat(50_000);
  connection.write(long);
  connection.write('.');
  expect(await text(connection)).toBe(`${long}.`);
  expect(forwards.asked).toEqual(['shop/cart-1:15000']);
});

test('whoever gives up ends the connection in the pod', async () => {
  const connection = await dialPod(config(), target);
  connection.write('x');
  await new Promise((resolve) => connection.once('data', resolve));
  connection.destroy();
  await expect(ended).resolves.toBeUndefined();
});

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('what kubelet says of a port that nobody listens at is the error', async () => {
  reached = { message: 'dial tcp4 127.0.0.1:15000: connect: connection refused' };
  const connection = await dialPod(config(), target);
  const error = await failure(text(connection));
  expect(error).toMatchObject({ code: 'PORT_FORWARD_FAILED', resource: 'Pod shop/cart-1' });
  expect(String(error)).toContain('connection refused');
});

test.each([
  [403, 'KUBERNETES_REFUSED', 'the permission to create pods/portforward in namespace shop'],
  [404, 'PORT_FORWARD_FAILED', '404'],
  [500, 'PORT_FORWARD_FAILED', '500'],
])('an answer of %i is %s', async (status, code, says) => {
  reached = { status };
  const error = await failure(dialPod(config(), target));
  expect(error).toBeInstanceOf(WeftError);
  expect(error).toMatchObject({ code });
  expect(String(error)).toContain(says);
});

test('an API server that is away is PORT_FORWARD_FAILED', async () => {
  const { url } = forwards;
  await forwards.close();
  forwards = await startPortForwards(() => reached);
  expect(await failure(dialPod(config(url), target))).toMatchObject({ code: 'PORT_FORWARD_FAILED' });
});
