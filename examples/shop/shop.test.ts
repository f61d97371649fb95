import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame, requestedService, serveHealth } from './lib/grpcHealth.ts';

const children: ChildProcess[] = [];
const ports: Record<string, number> = {};

/** Starts one service on a free port and gives that port. */
async function start(service: string, environment: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${service}.ts`)], {
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      PORT: '0',
      GRPC_PORT: '0',
      POD_NAME: `${service}-0`,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout! })) {
    const { listening } = JSON.parse(line) as { listening: { port: number } };
    ports[service] = listening.port;
    break;
  }
  return child;
}

const base = (service: string) => `http://127.0.0.1:${ports[service]}`;

interface Shown {
  service: string;
  source: string | null;
  traceparent: string | null;
  answer: { status: number; body: Shown };
  catalog: { body: { products: object[]; inventory: { body: Shown } } };
  cart: { body: Shown & { payment: { body: Shown & { charged: boolean } } } };
}

async function json(url: string, init?: RequestInit): Promise<{ status: number; body: Shown }> {
  const response = await fetch(url, init);
  return { status: response.status, body: (await response.json()) as Shown };
}

beforeAll(async () => {
  await Promise.all([start('inventory'), start('payment')]);
  await Promise.all([
    start('catalog', { INVENTORY_URL: base('inventory'), VERSION: 'v2' }),
    start('cart', { PAYMENT_URL: base('payment') }),
  ]);
  await start('web', {
    CATALOG_URL: base('catalog'),
    CART_URL: base('cart'),
    PAYMENT_URL: base('payment'),
  });
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

describe('the shop', () => {
  it('shows the catalog and the cart through all services, with the trace of the request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { status, body } = await json(`${base('web')}/`, { headers: { traceparent } });
    expect(status).toBe(200);
    expect(body.catalog.body.products[0]).toEqual({ name: 'heddle', price: 3.5 });
    expect(body.catalog.body.inventory.body.traceparent).toBe(traceparent);
    expect(body.cart.body.service).toBe('cart');
  });

  it('charges by way of cart and payment', async () => {
    const { status, body } = await json(`${base('web')}/checkout`, { method: 'POST' });
    expect(status).toBe(200);
    expect(body.cart.body.payment.body.charged).toBe(true);
  });

  it('makes web call any service, and shows what that one answered', async () => {
    const { body } = await json(`${base('web')}/call?to=payment&path=/charge&method=POST`);
    expect(body.answer.status).toBe(200);
    expect(body.answer.body.service).toBe('payment');
    const refused = await json(`${base('web')}/call?to=${encodeURIComponent('http://x')}`);
    expect(refused.status).toBe(400);
  });

  it('shows the source that a mesh told it', async () => {
    const { body } = await json(`${base('cart')}/whoami`, { headers: { 'x-weft-source': 'somebody' } });
    expect(body.source).toBe('somebody');
  });

  it('answers 502 where a service behind it is away, and stops on SIGTERM with 0', async () => {
    const inventory = children[0]!;
    inventory.kill('SIGTERM');
    expect(await once(inventory, 'exit')).toEqual([0, null]);
    const { status } = await json(`${base('catalog')}/products`);
    expect(status).toBe(502);
  });
});

describe('the gRPC health service', () => {
  async function check(port: number, path: string, message: Uint8Array) {
    const session = connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.end(frame(message));
    let status = '';
    const chunks: Buffer[] = [];
    stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? '')));
    stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(stream, 'close');
    session.close();
    return { status, message: Buffer.concat(chunks).subarray(5) };
  }
  const path = '/grpc.health.v1.Health/Check';
  const named = (name: string) => Buffer.concat([Uint8Array.of(0x0a, name.length), Buffer.from(name)]);

  it('serves its own name and the empty one, and knows no other', async () => {
    const health = serveHealth('payment', { host: '127.0.0.1', port: 0 });
    const port = await health.listening;
    const serving = { status: '0', message: Buffer.from([0x08, 1]) };
    expect(await check(port, path, new Uint8Array())).toEqual(serving);
    expect(await check(port, path, named('payment'))).toEqual(serving);
    expect((await check(port, path, named('cart'))).status).toBe('5');
    expect((await check(port, '/x/y', new Uint8Array())).status).toBe('12');
    expect((await check(port, path, Buffer.from('nonsense'))).status).toBe('3');
    health.close();
  });

  it('reads the service of a request, and nothing from a broken one', () => {
    expect(requestedService(frame(named('payment')))).toBe('payment');
    expect(requestedService(frame(named('payment')).subarray(0, 8))).toBeUndefined();
    expect(requestedService(Buffer.from([1, 0, 0, 0, 0]))).toBeUndefined();
  });
});

describe('the load script', () => {
  async function load(url: string): Promise<{ code: number; summary: { sent: number; failed: number } }> {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'load.ts'), '--url', url, '--rate', '50', '--duration', '0.4'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, summary: JSON.parse(out) as { sent: number; failed: number } };
  }

  it('counts what it sent, and fails when a request fails', async () => {
    const good = await load(`${base('cart')}/cart`);
    expect(good).toMatchObject({ code: 0, summary: { sent: 20, failed: 0 } });
    const bad = await load(`${base('cart')}/nothing-here`);
    expect(bad).toMatchObject({ code: 1, summary: { sent: 20, failed: 20 } });
  });
});
