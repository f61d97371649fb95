import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerOptions } from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createServingAuthority, issueServing } from '../certs/issue/index.ts';
import { createTestMesh, testSource } from '../certs/testing/pki.ts';
import type { Access, Credentials } from './access.ts';
import { failure } from './testing/failure.ts';
import { Transport } from './transport.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Listener {
  port: number;
  connections: () => number;
  seen: IncomingMessage[];
}

/** Answers `{}` to everything. */
async function listen(tls?: https.ServerOptions): Promise<Listener> {
  const seen: IncomingMessage[] = [];
  let connections = 0;
  const answer = (request: IncomingMessage, response: { end: (body: string) => void }): void => {
    seen.push(request);
    request.resume();
    response.end('{}');
  };
  const plain: ServerOptions = { keepAliveTimeout: 60_000 };
  const server = tls ? https.createServer({ ...plain, ...tls }, answer) : createServer(plain, answer);
  server.on(tls ? 'secureConnection' : 'connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections, seen };
}

function transportTo(server: string, credentials: Access['credentials']): Transport {
  const transport = new Transport({ access: { server, namespace: 'default', credentials }, random: () => 0 });
  closers.push(() => transport.close());
  return transport;
}

/** A server with a certificate for `kube.test`, and what its clients need. */
async function secure(dnsName = 'kube.test'): Promise<{ server: https.ServerOptions; ca: string }> {
  const authority = await createServingAuthority(testSource(), [dnsName]);
  const leaf = await issueServing(testSource(), {
    issuer: authority,
    dnsNames: [dnsName],
    lifetimeMs: 3_600_000,
  });
  return { server: { key: leaf.keyPem, cert: leaf.certificatePem }, ca: String(authority.certificate) };
}

describe('connections', () => {
  it('are kept: many requests, one connection', async () => {
    const server = await listen();
    const transport = transportTo(`http://127.0.0.1:${server.port}`, () => Promise.resolve({ headers: {} }));
    for (let n = 0; n < 20; n++) await transport.request({ path: '/api' });
    expect(server.connections()).toBe(1);
  });

  it('are limited: requests beyond the bound wait for one', async () => {
    const server = await listen();
    const transport = transportTo(`http://127.0.0.1:${server.port}`, () => Promise.resolve({ headers: {} }));
    await Promise.all(Array.from({ length: 200 }, () => transport.request({ path: '/api' })));
    expect(server.seen).toHaveLength(200);
    expect(server.connections()).toBeLessThanOrEqual(32);
  });

  it('keep the path of a server that has one', async () => {
    const server = await listen();
    const url = `http://127.0.0.1:${server.port}/k8s/clusters/c1`;
    await transportTo(url, () => Promise.resolve({ headers: {} })).request({
      path: '/api',
      query: { a: 'b&c', d: undefined },
    });
    expect(server.seen[0]?.url).toBe('/k8s/clusters/c1/api?a=b%26c');
  });

  it('trust only the given authority, for the given name', async () => {
    const { server: options, ca } = await secure();
    const { ca: otherCa } = await secure();
    const server = await listen(options);
    const ask = (credentials: Omit<Credentials, 'headers'>): Promise<unknown> =>
      transportTo(`https://127.0.0.1:${server.port}`, () =>
        Promise.resolve({ ...credentials, headers: {} }),
      ).request({
        path: '/api',
        retries: 0,
      });
    expect(await ask({ ca, servername: 'kube.test' })).toEqual({});
    expect((await failure(ask({ ca: otherCa, servername: 'kube.test' }))).code).toBe(
      'KUBERNETES_UNREACHABLE',
    );
    expect((await failure(ask({ ca, servername: 'other.test' }))).message).toContain('other.test');
    expect((await failure(ask({ servername: 'kube.test' }))).reason).toBe('Unreachable');
  });

  it('present a client certificate, and the new one once there is one', async () => {
    const mesh = await createTestMesh();
    const clients = await Promise.all(['one', 'two'].map((name) => mesh.workload('shop', name)));
    const { server: options, ca } = await secure();
    const server = await listen({ ...options, ca: mesh.bundle, requestCert: true, rejectUnauthorized: true });
    let current = clients[0]!;
    const transport = transportTo(`https://127.0.0.1:${server.port}`, () =>
      Promise.resolve({
        ca,
        cert: current['tls.crt'],
        key: current['tls.key'],
        servername: 'kube.test',
        headers: {},
      }),
    );
    const names: (string | undefined)[] = [];
    const ask = async (): Promise<void> => {
      await transport.request({ path: '/api' });
      names.push((server.seen.at(-1)!.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName);
    };
    await ask();
    await ask();
    current = clients[1]!;
    await ask();
    await ask();
    expect(names).toEqual(
      ['one', 'one', 'two', 'two'].map((name) => `URI:spiffe://cluster.local/ns/shop/sa/${name}`),
    );
    expect(server.connections()).toBe(2);
  });

  it('ask for new credentials once when they are refused', async () => {
    const asked: boolean[] = [];
    const server = createServer((request, response) => {
      response.statusCode = request.headers.authorization === 'Bearer new' ? 200 : 401;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    closers.push(() => server.close());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let token = 'old';
    const transport = transportTo(url, ({ renew = false } = {}) => {
      asked.push(renew);
      if (renew) token = 'new';
      return Promise.resolve({ headers: { authorization: `Bearer ${token}` } });
    });
    expect(await transport.request({ path: '/api' })).toEqual({});
    expect(asked).toEqual([false, true]);
    const hopeless = transportTo(url, () => Promise.resolve({ headers: {} }));
    expect((await failure(hopeless.request({ path: '/api' }))).reason).toBe('Unauthorized');
  });
});
