import http from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { configState } from '../testing/plane.ts';
import { TestMeshOfTwo, call, cart, type ProxyOfServer } from '../testing/mesh.ts';
import { Client, deadPort, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** Keeps calling over `width` connections until told to stop; gives the status of each answer, or its error. */
function traffic(port: number, width = 8) {
  const outcomes: (number | string)[] = [];
  const ended = new AbortController();
  const agent = new http.Agent({ keepAlive: true, maxSockets: width });
  const one = async () => {
    while (!ended.signal.aborted) {
      const method = outcomes.length % 2 === 0 ? 'GET' : 'POST';
      const body = method === 'POST' ? { body: 'some body' } : {};
      await call(port, { agent, method, path: '/x', ...body }).then(
        (answer) => outcomes.push(answer.status),
        (error: NodeJS.ErrnoException) => outcomes.push(error.code ?? error.message),
      );
    }
  };
  const all = Array.from({ length: width }, one);
  return {
    outcomes,
    async more(count: number): Promise<void> {
      const wanted = outcomes.length + count;
      await until(() => outcomes.length >= wanted, `${count} more calls`);
    },
    async stop() {
      ended.abort();
      await Promise.all(all);
      agent.destroy();
      return new Map(
        [...new Set(outcomes)].map((outcome) => [outcome, outcomes.filter((one) => one === outcome).length]),
      );
    },
  };
}

const echo: http.RequestListener = (request, response) => {
  request.on('data', () => {}).on('end', () => response.end('done'));
};

describe('changes under traffic', () => {
  it('of certificates lose no request, and new connections prove the new one', async () => {
    const server = await mesh.server(await mesh.application(echo), { inbound: { mtls: { mode: 'Strict' } } });
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const calls = traffic(client.port);
    await calls.more(50);
    for (let round = 0; round < 4; round++) {
      await mesh.identity(client.plane, 'web');
      await mesh.identity(server.plane, 'cart');
      await calls.more(40);
    }
    const outcomes = await calls.stop();
    expect([...outcomes.keys()]).toEqual([200]);
    // each side has connections of the last certificate only: the others were ended between requests
    expect(client.plane.telemetry.open).toBeLessThanOrEqual(8);
  });

  it('of configuration lose no request', async () => {
    const server = await mesh.server(await mesh.application(echo));
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const calls = traffic(client.port);
    for (let round = 0; round < 10; round++) {
      client.plane.config.set(
        configState({ services: [cart([server.endpoint()], round % 2 === 0 ? 'Auto' : 'Http')] }),
      );
      server.plane.config.set(
        configState({ inbound: { mtls: { mode: round % 2 === 0 ? 'Strict' : 'Permissive' } } }),
      );
      await calls.more(20);
    }
    expect([...(await calls.stop()).keys()]).toEqual([200]);
  });

  it('of endpoints lose no request, from one pod to the next', async () => {
    const application = await mesh.application(echo);
    let current: ProxyOfServer = await mesh.server(application);
    const client = await mesh.client({ services: [cart([current.endpoint()])] });
    const calls = traffic(client.port);
    for (let round = 0; round < 4; round++) {
      const next = await mesh.server(application);
      const old = current;
      client.plane.config.set(
        configState({ services: [cart([old.endpoint({ state: 'Terminating' }), next.endpoint()])] }),
      );
      old.plane.drain.begin();
      await calls.more(20);
      client.plane.config.set(configState({ services: [cart([next.endpoint()])] }));
      await old.inbound.stop(2_000);
      await calls.more(20);
      current = next;
    }
    expect([...(await calls.stop()).keys()]).toEqual([200]);
  });
});

describe('drain', () => {
  it('sends kept connections away and goes on serving', async () => {
    const server = await mesh.server(await mesh.application(echo));
    const client = new Client(server.port);
    const get = 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n';
    client.write(get);
    expect(await client.next('done')).not.toMatch(/^connection: close/im);
    server.plane.drain.begin();
    client.write(get);
    expect(await client.next('done')).toMatch(/^connection: close/im);
    await until(() => client.ended, 'the end');
    expect(await call(server.port)).toMatchObject({ status: 200, headers: { connection: 'close' } });
  });

  it('says that a request was not processed once the application is gone', async () => {
    const server = await mesh.server(await deadPort());
    server.plane.drain.begin();
    const answer = await call(server.port, { method: 'POST', body: 'x' });
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'x-weft-reason': 'DRAINING', 'x-weft-unprocessed': '1' },
    });
  });
});

describe('stop', () => {
  it('answers a peer that had not heard of it, instead of closing the connection under its request', async () => {
    const server = await mesh.server(await deadPort());
    const peer = new Client(server.port);
    await until(() => server.inbound.stats().connections === 1, 'the kept connection');
    const stopped = server.inbound.stop(5_000);
    peer.write('POST / HTTP/1.1\r\nHost: cart\r\nContent-Length: 0\r\n\r\n');
    const answer = await peer.next('}');
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer).toMatch(/^x-weft-unprocessed: 1/im);
    expect(answer).toMatch(/^connection: close/im);
    await stopped;
    await until(() => peer.ended, 'the end');
  });

  it('waits for the request that runs', async () => {
    let answer: (() => void) | undefined;
    const application = await mesh.application(
      (_request, response) => void (answer = () => response.end('late')),
    );
    const server = await mesh.server(application);
    const idle = new Client(server.port);
    await until(() => server.inbound.stats().connections === 1, 'the idle connection');
    const late = call(server.port);
    await until(() => answer !== undefined, 'the request');
    expect(server.inbound.stats()).toEqual({ connections: 2, requests: 1 });
    let stopped = false;
    const stopping = server.inbound.stop(5_000).then(() => (stopped = true));
    await expect(call(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(stopped).toBe(false);
    answer!();
    expect(await late).toMatchObject({ status: 200, body: 'late', headers: { connection: 'close' } });
    await stopping;
    await until(() => idle.closed || idle.ended, 'the end of the idle connection');
    idle.socket.destroy();
    expect(server.inbound.stats().requests).toBe(0);
  });

  it('does not wait longer than it was told', async () => {
    const application = await serve((socket) => socket.resume());
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port);
    const client = new Client(server.port);
    client.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    await until(() => server.inbound.stats().requests === 1, 'the request');
    await server.inbound.stop(50);
    await until(() => client.ended || client.closed, 'the close');
    await until(() => server.plane.telemetry.finished.length === 1, 'the record');
    expect(server.plane.telemetry.finished[0]!.exchange).toMatchObject({
      flag: 'CLIENT_CLOSED',
      status: 499,
    });
  });
});

describe('clients that misbehave', () => {
  it('and dial the inbound port itself get nothing', async () => {
    const { startInbound } = await import('./stack.ts');
    const server = await mesh.server(await deadPort());
    const inbound = await startInbound({
      listen: [{ listen: { host: '127.0.0.1', port: 0 } }],
      plane: server.plane,
    });
    mesh.onEnd(() => inbound.stop(0));
    const client = new Client(inbound.addresses[0]!.port);
    await until(() => client.closed, 'the close');
    expect(client.error).toBe('ECONNRESET');
    expect(server.plane.lines).toContain('the inbound port itself was called');
  });

  it('and go away in the middle of a request take its upstream with them', async () => {
    const application = await serve((socket) => socket.resume());
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port);
    const client = new Client(server.port);
    client.write('POST / HTTP/1.1\r\nHost: cart\r\nContent-Length: 10\r\n\r\nabc');
    await until(() => application.sockets.length === 1, 'the upstream');
    client.socket.destroy();
    await until(
      () => application.sockets[0]!.destroyed || application.sockets[0]!.readableEnded,
      'the end upstream',
    );
    await until(() => server.plane.telemetry.finished.length === 1, 'the record');
    expect(server.plane.telemetry.finished[0]!.exchange).toMatchObject({
      status: 499,
      flag: 'CLIENT_CLOSED',
    });
    expect(server.inbound.stats().requests).toBe(0);
  });
});
