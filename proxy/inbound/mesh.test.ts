import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { configState } from '../testing/plane.ts';
import { TestMeshOfTwo, call, cart, id } from '../testing/mesh.ts';
import { Client, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

describe('a call through two proxies', () => {
  it('passes with both identities proven', async () => {
    const application = await mesh.application((request, response) => {
      response.setHeader('X-Seen', JSON.stringify(request.headers));
      response.end('hello');
    });
    const server = await mesh.server(application, { inbound: { mtls: { mode: 'Strict' } } });
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const answer = await call(client.port, { path: '/items?x=1', headers: { 'x-weft-source': 'forged' } });
    expect(answer).toMatchObject({ status: 200, body: 'hello' });
    const seen = JSON.parse(String(answer.headers['x-seen'])) as Record<string, string>;
    expect(seen['x-weft-source']).toBe(id('web'));
    expect(seen['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);

    await until(() => client.plane.telemetry.finished.length === 1, 'the end of the exchange');
    expect(server.plane.telemetry.finished[0]).toMatchObject({
      key: {
        direction: 'inbound',
        source: id('web'),
        destination: id('cart'),
        service: '8080',
        security: 'mtls',
      },
      exchange: { status: 200, flag: undefined, attempts: 1, responseBytes: 5 },
      method: 'GET',
      path: '/items?x=1',
      requestId: seen['x-request-id'],
    });
    expect(client.plane.telemetry.finished[0]).toMatchObject({
      key: {
        direction: 'outbound',
        source: id('web'),
        destination: id('cart'),
        service: 'shop/cart:8080',
        security: 'mtls',
      },
      exchange: { status: 200, flag: undefined, attempts: 1 },
    });
  });

  it('is refused by policy with the deciding rule, at once after a change on an open connection', async () => {
    const application = await mesh.application((_request, response) => response.end('hello'));
    const server = await mesh.server(application);
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const connection = new Client(client.port);
    connection.write('GET /a HTTP/1.1\r\nHost: cart\r\n\r\n');
    await connection.next('hello');
    const rule = {
      policy: 'shop/cart',
      name: 'no-web',
      action: 'Deny' as const,
      from: [{ principals: [id('web')] }],
    };
    server.plane.config.set(configState({ inbound: { authorization: { rules: [rule] } } }));
    connection.write('GET /a HTTP/1.1\r\nHost: cart\r\n\r\n');
    const denied = await connection.next('}\n');
    expect(denied).toMatch(
      /^HTTP\/1\.1 403 Forbidden\r\nserver: weft\r\nx-weft-reason: AUTHORIZATION_DENIED\r\n/,
    );
    expect(JSON.parse(denied.slice(denied.indexOf('{')))).toMatchObject({
      code: 'AUTHORIZATION_DENIED',
      policy: 'shop/cart',
      rule: 'no-web',
      source: id('web'),
    });
    server.plane.config.set(configState());
    connection.write('GET /a HTTP/1.1\r\nHost: cart\r\n\r\n');
    await connection.next('hello');
    expect(client.plane.telemetry.finished.map((end) => [end.exchange?.status, end.exchange?.flag])).toEqual([
      [200, undefined],
      [403, 'AUTHORIZATION_DENIED'],
      [200, undefined],
    ]);
    connection.socket.destroy();
  });
});
