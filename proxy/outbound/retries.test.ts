import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, call, cart } from '../testing/mesh.ts';
import { Client, deadPort, serve } from '../testing/sockets.ts';
import { mayRetry } from './attempts.ts';
import { RetryBudget } from './retryBudget.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const POST = 'POST /pay HTTP/1.1\r\nHost: cart\r\nContent-Length: 3\r\n\r\n100';

/** A plain server that answers, or ends the connection at the requests that `fails` names (counted from 1). */
async function unreliable(fails: number[]) {
  const requests: string[] = [];
  const server = await serve((socket) => {
    socket.on('data', (bytes) => {
      requests.push(bytes.toString());
      if (fails.includes(requests.length)) socket.destroy();
      else socket.write(OK);
    });
  });
  mesh.onEnd(() => server.close());
  const endpoint = { address: '127.0.0.1', port: server.port, state: 'Ready' as const };
  return { server, requests, endpoint };
}

describe('another attempt', () => {
  it('is made elsewhere where an endpoint cannot be reached, for any method', async () => {
    const { endpoint, requests } = await unreliable([]);
    const dead = { ...endpoint, port: await deadPort() };
    const { port, plane } = await mesh.client({ services: [cart([dead, endpoint], 'Http')] });
    for (let round = 0; round < 20; round++) {
      expect(await call(port, { method: 'POST', body: 'x'.repeat(1000) })).toMatchObject({
        status: 200,
        body: 'ok',
      });
    }
    expect(requests.filter((text) => text.startsWith('POST'))).toHaveLength(20);
    // the dead one is avoided after the first failure, so that it does not use up the budget
    expect(plane.telemetry.retries.length).toBeGreaterThanOrEqual(1);
    expect(plane.telemetry.retries.length).toBeLessThan(5);
    expect(plane.telemetry.finished.every(({ exchange }) => exchange!.flag === undefined)).toBe(true);
  });

  it('is made over a new connection where a kept one was closed, for a GET but never for a POST', async () => {
    const { endpoint, requests } = await unreliable([2, 5]);
    const { port, plane } = await mesh.client({ services: [cart([endpoint], 'Http')] });
    const client = new Client(port);
    const get = 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n';
    client.write(get);
    await client.next('ok');
    // the second request runs into the close, and is sent again
    client.write(get);
    await client.next('ok');
    expect(requests).toHaveLength(3);
    expect(plane.telemetry.finished.at(-1)!.exchange).toMatchObject({ status: 200, attempts: 2 });
    client.write(POST);
    await client.next('ok');
    client.write(POST);
    expect(await client.next('}\n')).toMatch(/^HTTP\/1\.1 502 .*UPSTREAM_RESET/s);
    expect(requests.filter((text) => text.startsWith('POST'))).toHaveLength(2);
    client.socket.destroy();
  });

  it('is not made where a fresh connection is closed without an answer', async () => {
    const { endpoint, requests } = await unreliable([1]);
    const { port } = await mesh.client({ services: [cart([endpoint], 'Http')] });
    expect(await call(port)).toMatchObject({ status: 502 });
    expect(requests).toHaveLength(1);
  });

  it('is made even for a POST where a peer proxy says that the application never saw it', async () => {
    const { endpoint, requests } = await unreliable([]);
    const alive = await mesh.server(endpoint.port);
    const orphan = await mesh.server(await deadPort());
    const { port, plane } = await mesh.client({
      services: [cart([orphan.endpoint(), alive.endpoint()], 'Http')],
    });
    for (let round = 0; round < 40; round++) {
      expect(await call(port, { method: 'POST', body: '100' })).toMatchObject({ status: 200 });
    }
    expect(requests).toHaveLength(40);
    expect(plane.telemetry.retries.length).toBeGreaterThan(0);
    // it is avoided for a while, so that it does not use up the budget
    expect(plane.telemetry.retries.length).toBeLessThan(10);
    expect(new Set(plane.telemetry.retries)).toEqual(new Set(['APPLICATION_UNAVAILABLE']));
    const unprocessed = orphan.plane.telemetry.finished[0]!;
    expect(unprocessed.exchange).toMatchObject({ status: 503, flag: 'APPLICATION_UNAVAILABLE' });
  });

  it('is not made on the word of a server that proved no identity', async () => {
    let requests = 0;
    const server = await serve((socket) =>
      socket.on('data', () => {
        requests++;
        socket.write(
          'HTTP/1.1 503 No\r\nx-weft-reason: DRAINING\r\nx-weft-unprocessed: 1\r\nContent-Length: 0\r\n\r\n',
        );
      }),
    );
    mesh.onEnd(() => server.close());
    const endpoint = { address: '127.0.0.1', port: server.port, state: 'Ready' as const };
    const { port } = await mesh.client({
      services: [cart([endpoint, { ...endpoint, address: '127.0.0.2' }], 'Http')],
    });
    const answer = await call(port, { method: 'POST', body: '100' });
    expect(answer.status).toBe(503);
    expect(answer.headers).not.toHaveProperty('x-weft-reason');
    expect(requests).toBe(1);
  });

  it('tells the reason of the peer where all endpoints are without their application', async () => {
    const orphan = await mesh.server(await deadPort());
    const { port } = await mesh.client({ services: [cart([orphan.endpoint()], 'Http')] });
    const answer = await call(port);
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'x-weft-reason': 'APPLICATION_UNAVAILABLE', server: 'weft' });
    expect(answer.headers).not.toHaveProperty('x-weft-unprocessed');
  });

  it('is not made for a body that is too large to be kept', async () => {
    let closeNext = false;
    let bytes = 0;
    const server = await serve((socket) =>
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (closeNext && bytes > 300_000) socket.destroy();
        else if (!closeNext) socket.write(OK);
      }),
    );
    mesh.onEnd(() => server.close());
    const endpoint = { address: '127.0.0.1', port: server.port, state: 'Ready' as const };
    const { port } = await mesh.client({ services: [cart([endpoint], 'Http')] });
    await call(port);
    closeNext = true;
    const client = new Client(port);
    client.write(`PUT / HTTP/1.1\r\nHost: cart\r\nContent-Length: 400000\r\n\r\n${'z'.repeat(400_000)}`);
    expect(await client.next('}\n')).toMatch(/^HTTP\/1\.1 502 .*UPSTREAM_RESET/s);
    expect(server.sockets).toHaveLength(1);
    client.socket.destroy();
  });
});

describe('mayRetry', () => {
  const failure = {
    code: 'UPSTREAM_RESET' as const,
    detail: '',
    sent: true,
    reused: false,
    unprocessed: false,
  };
  it.each([
    [{ sent: false }, false, 'elsewhere'],
    [{ unprocessed: true }, false, 'elsewhere'],
    [{ reused: true }, true, 'anew'],
    [{ reused: true }, false, 'no'],
    [{}, true, 'no'],
    [{ reused: true, code: 'UPSTREAM_PROTOCOL_ERROR' as const }, true, 'no'],
  ])('%j, idempotent %s: %s', (change, idempotent, expected) => {
    expect(mayRetry({ ...failure, ...change }, idempotent)).toBe(expected);
  });
});

describe('the retry budget', () => {
  it('allows a fifth of the requests, and a few each second in any case', () => {
    let now = 0;
    const budget = new RetryBudget(() => now);
    const spend = () => {
      let count = 0;
      while (budget.withdraw()) count++;
      return count;
    };
    expect(spend()).toBe(10);
    for (let request = 0; request < 100; request++) budget.deposit();
    expect(spend()).toBe(20);
    now = 500;
    expect(spend()).toBe(5);
    now = 60_000;
    expect(spend()).toBe(10);
    for (let request = 0; request < 10_000; request++) budget.deposit();
    expect(spend()).toBe(100);
  });
});
