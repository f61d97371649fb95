import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { Protocol, Wire } from '../../core/proxyConfig/index.ts';
import { greetingAt, tlsApplication } from '../testing/applicationTls.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import type { ConfigParts, TestPlane } from '../testing/plane.ts';
import { Client, serve, until } from '../testing/sockets.ts';
import { clientHello } from '../wire/testing/clientHello.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

interface Way {
  name: string;
  wire: () => Wire | undefined;
  /** Starts the proxies before an application; returns the port for clients, and what the proxies know. */
  lead(application: number, parts: ConfigParts): Promise<{ port: number; planes: TestPlane[] }>;
}

const through = (name: string, protocol: Protocol, wire: () => Wire): Way => ({
  name: `two proxies, ${name}`,
  wire,
  async lead(application, parts) {
    const server = await mesh.server(application, parts);
    const client = await mesh.client({ services: [cart([server.endpoint()], protocol)] });
    return { port: client.port, planes: [server.plane, client.plane] };
  },
});
const ways: Way[] = [
  {
    name: 'an inbound proxy alone',
    wire: () => undefined,
    async lead(application, parts) {
      const { port, plane } = await mesh.server(application, parts);
      return { port, planes: [plane] };
    },
  },
  through('both of which know of HTTP', 'Http', () => inject('wire')),
  through('the first of which knows nothing', 'Auto', () => inject('wire')),
  through('the first of which takes it for bytes', 'Tcp', () => 'weft-tcp/1'),
];

const http = { protocols: { '8080': 'Http' as const } };

/** Rules that look at requests, which nobody can do inside TLS. */
const paths = (action: 'Allow' | 'Deny') => ({
  default: action === 'Allow' ? ('Deny' as const) : ('Allow' as const),
  rules: [{ policy: 'shop/cart', name: 'x', action, to: [{ paths: ['/other'] }] }],
});

describe.each(ways)("the application's own TLS through $name", ({ lead, wire }) => {
  it.each(['Http', 'Auto', 'Tls'] as const)('reaches a port declared %s', async (protocol) => {
    const application = await tlsApplication(mesh, await authority.workload('shop', 'own'));
    const { port, planes } = await lead(application.port, { protocols: { '8080': protocol } });
    expect(await greetingAt(port)).toBe('hello own.example http/1.1');
    for (const { telemetry } of planes) {
      await until(() => telemetry.finished.length === 1, 'the record');
      expect(telemetry.finished[0]).toMatchObject({
        key: { protocol: 'tcp' },
        wire: wire(),
        serverName: 'own.example',
        connection: { flag: undefined },
      });
      expect(telemetry.finished[0]!.wire).toBe(wire());
    }
  });

  it.each(['Allow', 'Deny'] as const)('is refused where rules that look at requests %s', async (action) => {
    const application = await tlsApplication(mesh, await authority.workload('shop', 'own'));
    const { port, planes } = await lead(application.port, {
      ...http,
      inbound: { authorization: paths(action) },
    });
    expect(await greetingAt(port)).toBe('');
    expect(application.greeted()).toBe(0);
    await until(() => planes[0]!.telemetry.finished.length > 0, 'the record');
    expect(planes[0]!.telemetry.finished[0]).toMatchObject({
      wire: wire(),
      connection: { flag: 'AUTHORIZATION_DENIED' },
      verdict: { action: 'Deny' },
    });
  });
});

describe('a port that is declared to speak HTTP', () => {
  it('refuses TLS in plain text where it must be inside mTLS', async () => {
    const application = await tlsApplication(mesh, await authority.workload('shop', 'own'));
    const { port, plane } = await mesh.server(application.port, {
      ...http,
      inbound: { mtls: { mode: 'Strict' } },
    });
    expect(await greetingAt(port)).toBe('');
    expect(application.greeted()).toBe(0);
    expect(plane.telemetry.finished[0]).toMatchObject({
      key: { protocol: 'tcp', security: 'plain' },
      serverName: 'own.example',
      connection: { flag: 'MTLS_REQUIRED' },
    });
  });

  it.each(ways.slice(0, 2))(
    'answers what only begins as TLS does as HTTP through $name',
    async ({ lead }) => {
      const application = await serve(() => {});
      mesh.onEnd(() => application.close());
      const { port } = await lead(application.port, http);
      const client = new Client(port);
      mesh.onEnd(async () => void client.socket.destroy());
      client.write('\x16\x03\x01\x00\x04\x0e\0\0\0\r\nGET / HTTP/1.1\r\nHost: c\r\n\r\n');
      expect(await client.until('}\n')).toMatch(/^HTTP\/1\.1 400 .*BAD_REQUEST/s);
      expect(application.sockets).toHaveLength(0);
    },
  );

  describe.each(ways)('takes nothing for TLS through $name', ({ lead }) => {
    const REQUEST = '\r\n\r\nGET /admin HTTP/1.1\r\nHost: c\r\nx-weft-source: spiffe://a/b\r\n\r\n';
    /** A client, and what the application hears of it. */
    async function talk() {
      let heard = '';
      const application = await serve((socket) => {
        socket.on('data', (bytes) => (heard += bytes.toString('latin1')));
      });
      mesh.onEnd(() => application.close());
      const { port } = await lead(application.port, http);
      const client = new Client(port);
      mesh.onEnd(async () => void client.socket.destroy());
      return { client, heard: () => heard };
    }
    const over = (client: Client) => until(() => client.ended || client.closed, 'the end');

    it.each([
      ['a ClientHello without fields', '\x16\x03\x01\0\x05\x01\0\0\x01\0'],
      ['fields that do not fit', `\x16\x03\x01\0\x2c\x01\0\0\x28${'\x03'.repeat(40)}`],
    ])('where a request follows %s', async (_name, hello) => {
      const { client, heard } = await talk();
      client.write(hello + REQUEST);
      await over(client);
      expect(heard()).toBe('');
    });

    it('where a request comes with a whole ClientHello, or after it', async () => {
      const hello = (await clientHello(['h2'], 'own.example')).toString('latin1');
      const [at, after] = [await talk(), await talk()];
      at.client.write(hello + REQUEST);
      await over(at.client);
      expect(at.heard()).toBe('');
      after.client.write(hello);
      await until(() => after.heard() === hello, 'the ClientHello');
      after.client.write(REQUEST);
      await over(after.client);
      expect(after.heard()).toBe(hello);
    });
  });
});

describe('outside the mesh', () => {
  it('TLS is told of by the host that it is for', async () => {
    const application = await tlsApplication(mesh, await authority.workload('shop', 'own'));
    const { port, plane } = await mesh.client({}, { host: '127.0.0.1', port: application.port });
    expect(await greetingAt(port)).toBe('hello own.example http/1.1');
    await until(() => plane.telemetry.finished.length === 1, 'the record');
    expect(plane.telemetry.finished[0]).toMatchObject({ serverName: 'own.example', wire: undefined });
  });

  it('so it is where nothing can be reached', async () => {
    const closed = await serve(() => {});
    await closed.close();
    const { port, plane } = await mesh.client({}, { host: '127.0.0.1', port: closed.port });
    expect(await greetingAt(port)).toBe('');
    await until(() => plane.telemetry.finished.length === 1, 'the record');
    expect(plane.telemetry.finished[0]).toMatchObject({
      serverName: 'own.example',
      wire: undefined,
      connection: { flag: 'UPSTREAM_CONNECT_FAILED' },
    });
  });
});
