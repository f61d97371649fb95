import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { DirectoryService, Protocol } from '../../core/proxyConfig/index.ts';
import { TestMeshOfTwo, call, cart, id, SERVICE } from '../testing/mesh.ts';
import { configState } from '../testing/plane.ts';
import { Client, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** The service cart as the directory knows it, at an address where nothing answers or where `at` says. */
const listed = (protocol: Protocol, change: Partial<DirectoryService> = {}): DirectoryService => ({
  namespace: 'shop',
  name: 'cart',
  addresses: [SERVICE.host],
  ports: [{ port: SERVICE.port, protocol }],
  identities: [id('cart')],
  wire: inject('wire'),
  ...change,
});

/** A client that knows the service by the directory alone; `arrive` brings the rest. */
async function unknown(application: number, protocol: Protocol = 'Auto', destination = SERVICE) {
  const server = await mesh.server(application);
  const entry = listed(protocol, {
    addresses: [destination.host],
    ports: [{ port: destination.port, protocol }],
  });
  const client = await mesh.client({ directory: [entry] }, destination);
  const asked: string[] = [];
  const answer = Promise.withResolvers<void>();
  client.plane.demand = {
    want(service) {
      asked.push(service);
      return answer.promise;
    },
  };
  const arrive = () => {
    client.plane.config.set(
      configState({ services: [cart([server.endpoint()], protocol)], directory: [entry] }),
    );
    answer.resolve();
  };
  return { ...client, server, asked, arrive, answer };
}

const echo = () => mesh.application((request, response) => response.end(`you sent ${request.method}`));

describe('a call of a service that only the directory knows', () => {
  it.each<Protocol>(['Auto', 'Http'])('waits until it is known: %s', async (protocol) => {
    const { port, asked, arrive, plane, server } = await unknown(await echo(), protocol);
    const answer = call(port, { method: 'POST', body: 'x'.repeat(100_000) });
    await until(() => asked.length === 1, 'the ask');
    arrive();
    expect(await answer).toMatchObject({ status: 200, body: 'you sent POST' });
    expect(asked).toEqual(['shop/cart']);
    expect(plane.telemetry.finished[0]?.upstream).toBe(`127.0.0.1:${server.port}`);
  });

  it.each<Protocol>(['Auto', 'Tcp'])('waits where the server speaks first: %s', async (protocol) => {
    const greeting = await mesh.bytes((socket) => socket.end('220 ready\r\n'));
    const { port, asked, arrive } = await unknown(greeting, protocol);
    const client = new Client(port);
    await until(() => asked.length === 1, 'the ask');
    arrive();
    expect(await client.until('220 ready')).toBe('220 ready\r\n');
    client.socket.destroy();
  });

  it('waits by request where the Host decides', async () => {
    const { plane, asked, arrive } = await unknown(await echo(), 'Http');
    // the listener's own address: what is called is said by the Host alone
    const direct = await mesh.direct(plane);
    const answer = call(direct, { headers: { host: 'cart.shop' } });
    await until(() => asked.length === 1, 'the ask');
    arrive();
    expect(await answer).toMatchObject({ status: 200 });
  });

  it('goes on by the address of the directory where nothing comes', async () => {
    const server = await mesh.server(await echo());
    const at = { host: '127.0.0.1', port: server.port };
    const { port, plane, answer } = await unknown(await echo(), 'Http', at);
    answer.resolve();
    expect(await call(port)).toMatchObject({ status: 200 });
    expect(plane.telemetry.finished[0]).toMatchObject({
      upstream: `127.0.0.1:${server.port}`,
      key: { security: 'mtls', destination: id('cart') },
    });
  });

  it('does not wait where there is nothing to wait for', async () => {
    const server = await mesh.server(await echo());
    const at = { host: '127.0.0.1', port: server.port };
    const { port, plane } = await unknown(await echo(), 'Http', at);
    plane.demand = { want: () => undefined };
    expect(await call(port)).toMatchObject({ status: 200 });
  });

  it('does not wait for a service that the document holds, if not at this address', async () => {
    const server = await mesh.server(await echo());
    const at = { host: '127.0.0.1', port: server.port };
    const { port, plane, asked } = await unknown(await echo(), 'Http', at);
    const held = { ...cart([], 'Http'), addresses: [] };
    const entry = listed('Http', { addresses: [at.host], ports: [{ port: at.port, protocol: 'Http' }] });
    plane.config.set(configState({ services: [held], directory: [entry] }));
    expect(await call(port)).toMatchObject({ status: 200 });
    expect(asked).toEqual([]);
  });

  it.each<Protocol>(['Http', 'Tcp'])('ends where it cannot go on after it waited: %s', async (protocol) => {
    const { port, plane, asked, answer } = await unknown(await echo(), protocol);
    const client = new Client(port);
    client.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    await until(() => asked.length === 1, 'the ask');
    const broken = { resolve: () => expect.unreachable(), resolveHost: () => expect.unreachable() };
    plane.config.set({ ...plane.config.current!, destinations: { ...broken, has: () => false } });
    answer.resolve();
    await until(() => client.closed, 'the end');
    expect(plane.lines).toEqual(['a connection that waited cannot go on']);
  });

  it('is refused by request where it cannot go on after it waited', async () => {
    const { plane, asked, answer } = await unknown(await echo(), 'Http');
    const direct = await mesh.direct(plane);
    const refused = call(direct, { headers: { host: 'cart.shop' } });
    await until(() => asked.length === 1, 'the ask');
    const broken = { resolve: () => expect.unreachable(), resolveHost: () => expect.unreachable() };
    plane.config.set({ ...plane.config.current!, destinations: { ...broken, has: () => false } });
    answer.resolve();
    expect(await refused).toMatchObject({ status: 503 });
    expect(plane.lines).toEqual(['a request that waited cannot go on']);
  });

  it('is forgotten when the client leaves while it waits', async () => {
    let requests = 0;
    const counted = await mesh.application((_request, response) => {
      requests += 1;
      response.end('ok');
    });
    const { port, asked, arrive, outbound } = await unknown(counted, 'Http');
    const client = new Client(port);
    client.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    await until(() => asked.length === 1, 'the ask');
    client.socket.resetAndDestroy();
    await until(() => client.closed, 'the close');
    arrive();
    await until(() => outbound.stats().connections === 0, 'the end');
    expect(requests).toBe(0);
  });
});

describe('a service that is hidden', () => {
  const hidden = (protocol: Protocol) => listed(protocol, { hidden: true, identities: [] });

  it.each<Protocol>(['Auto', 'Http', 'Grpc'])('is refused with a reason: %s', async (protocol) => {
    const { port, plane } = await mesh.client({ directory: [hidden(protocol)] });
    plane.demand = {
      want: () => {
        throw new Error('it is never asked for');
      },
    };
    const answer = await call(port);
    expect(answer).toMatchObject({ status: 403, headers: { 'x-weft-reason': 'SERVICE_HIDDEN' } });
    expect(answer.body).toContain('weft.dev/visible-to');
  });

  it('is refused by name', async () => {
    const { plane } = await mesh.client({ directory: [hidden('Http')] });
    const answer = await call(await mesh.direct(plane), { headers: { host: `cart.shop:${SERVICE.port}` } });
    expect(answer).toMatchObject({ status: 403, headers: { 'x-weft-reason': 'SERVICE_HIDDEN' } });
  });

  it('is reset where bytes are spoken', async () => {
    const { port, plane } = await mesh.client({ directory: [hidden('Tcp')] });
    const client = new Client(port);
    client.write('hello');
    await until(() => client.closed, 'the end');
    expect(client.error).toBe('ECONNRESET');
    await until(() => plane.telemetry.finished.length === 1, 'the line');
    expect(plane.telemetry.finished[0]?.connection?.flag).toBe('SERVICE_HIDDEN');
  });
});
