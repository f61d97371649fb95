import { connect as tlsConnect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { greetingAt, tlsApplication } from '../testing/applicationTls.ts';
import { TestMeshOfTwo, call, cart, id } from '../testing/mesh.ts';
import { Client, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let stranger: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([createTestMesh(), createTestMesh()]);
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const strict = { inbound: { mtls: { mode: 'Strict' as const } } };

/** What a TLS client with these options comes to. */
async function handshake(
  port: number,
  options: { cert?: string; key?: string; version?: 'TLSv1.2' | 'TLSv1.3' },
) {
  const socket = tlsConnect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['weft-tcp/1'],
    ...(options.cert === undefined ? {} : { cert: options.cert, key: options.key }),
    maxVersion: options.version ?? 'TLSv1.3',
  });
  let text = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('close', () => (closed = true));
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n'));
  await until(() => closed || text.includes('hello'), 'an outcome');
  socket.destroy();
  return text;
}

describe('a Strict port', () => {
  it('refuses plain text: HTTP with a reason, bytes by a reset', async () => {
    let requests = 0;
    const application = await mesh.application((_request, response) => void response.end(String(requests++)));
    const server = await mesh.server(application, strict);
    const answer = await call(server.port);
    expect(answer).toMatchObject({
      status: 403,
      headers: { 'x-weft-reason': 'MTLS_REQUIRED', server: 'weft' },
    });
    const client = new Client(server.port);
    client.write('\x01bytes');
    await until(() => client.closed, 'the close');
    expect(client.error).toBe('ECONNRESET');
    expect(requests).toBe(0);
    expect(server.plane.telemetry.finished.map((end) => (end.exchange ?? end.connection)!.flag)).toEqual([
      'MTLS_REQUIRED',
      'MTLS_REQUIRED',
    ]);
    expect(server.plane.telemetry.finished[0]!.key).toMatchObject({ source: '', security: 'plain' });
  });

  it('takes only certificates of the mesh, over TLS 1.3', async () => {
    const application = await mesh.application((_request, response) => response.end('hello'));
    const server = await mesh.server(application, strict);
    const good = await authority.workload('shop', 'web');
    const foreign = await stranger.workload('shop', 'web');
    const otherDomain = await authority.issue({ spiffeId: id('web') });
    expect(await handshake(server.port, { cert: good['tls.crt'], key: good['tls.key'] })).toContain('hello');
    expect(
      await handshake(server.port, { cert: otherDomain['tls.crt'], key: otherDomain['tls.key'] }),
    ).toContain('hello');
    expect(await handshake(server.port, {})).toBe('');
    expect(await handshake(server.port, { cert: foreign['tls.crt'], key: foreign['tls.key'] })).toBe('');
    expect(
      await handshake(server.port, { cert: good['tls.crt'], key: good['tls.key'], version: 'TLSv1.2' }),
    ).toBe('');
    expect(server.plane.telemetry.handshakeFailures).toHaveLength(3);
  });

  it('lets a silent client say nothing to the application', async () => {
    const application = await serve((socket) => socket.write('220 secret\r\n'));
    mesh.onEnd(() => application.close());
    const server = await mesh.server(application.port, strict);
    const client = new Client(server.port);
    // a call that passes shows that the time for a silent client has passed
    const proven = await mesh.client({ services: [cart([server.endpoint()])] });
    const other = new Client(proven.port);
    await other.next('220 secret\r\n');
    expect(client.received).toBe('');
    expect(application.sockets).toHaveLength(1);
    client.socket.destroy();
    other.socket.destroy();
  });
});

describe('a Permissive port', () => {
  it('takes both, and the application sees no difference but the source', async () => {
    const application = await mesh.application((request, response) =>
      response.end(String(request.headers['x-weft-source'])),
    );
    const server = await mesh.server(application);
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    expect((await call(server.port, { headers: { 'x-weft-source': 'forged' } })).body).toBe('undefined');
    expect((await call(client.port)).body).toBe(id('web'));
  });

  it("passes the application's own TLS through", async () => {
    const { port } = await tlsApplication(mesh, await authority.workload('shop', 'own'));
    const permissive = await mesh.server(port);
    expect(await greetingAt(permissive.port)).toBe('hello own.example http/1.1');
    const refusing = await mesh.server(port, strict);
    expect(await greetingAt(refusing.port)).toBe('');
  });
});

describe('the identity of the server', () => {
  it('must be the one that the endpoint has: another is not given the request', async () => {
    let requests = 0;
    const application = await mesh.application((_request, response) => void response.end(String(requests++)));
    const server = await mesh.server(application);
    const client = await mesh.client({ services: [cart([server.endpoint({ identity: id('payment') })])] });
    const answer = await call(client.port, { method: 'POST', body: 'secret' });
    expect(answer).toMatchObject({ status: 503, headers: { 'x-weft-reason': 'PEER_IDENTITY_MISMATCH' } });
    expect(requests).toBe(0);
    expect(client.plane.telemetry.handshakeFailures).toEqual(['PEER_IDENTITY_MISMATCH']);
    // where another endpoint is what it should be, that one gets it
    const healed = await mesh.client({
      services: [
        cart([server.endpoint({ identity: id('payment'), address: '127.0.0.2' }), server.endpoint()]),
      ],
    });
    expect(await call(healed.port)).toMatchObject({ status: 200 });
  });

  it('may be one of several for a service that is known by the directory only', async () => {
    const application = await mesh.application((_request, response) => response.end('hello'));
    const server = await mesh.server(application);
    const entry = (identities: string[]) => ({
      namespace: 'shop',
      name: 'cart',
      addresses: ['127.0.0.1'],
      ports: [{ port: server.port, protocol: 'Auto' as const }],
      identities,
    });
    const destination = { host: '127.0.0.1', port: server.port };
    const good = await mesh.client({ directory: [entry([id('payment'), id('cart')])] }, destination);
    expect(await call(good.port)).toMatchObject({ status: 200, body: 'hello' });
    expect(good.plane.telemetry.finished[0]!.key).toMatchObject({
      destination: id('cart'),
      security: 'mtls',
    });
    const bad = await mesh.client({ directory: [entry([id('payment')])] }, destination);
    expect(await call(bad.port)).toMatchObject({
      status: 503,
      headers: { 'x-weft-reason': 'PEER_IDENTITY_MISMATCH' },
    });
  });
});
