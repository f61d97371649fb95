/** What a proxy must leave alone in TCP, and UDP, which it must not touch. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caller } from './support/calls.ts';
import { namespaces, root } from './support/environment.ts';
import { exec, kubectl } from './support/kubectl.ts';
import {
  declarations,
  inClient,
  port,
  provideProtocols,
  removeServers,
  report,
  server,
} from './support/protocols.ts';

const nameOf = (declaration: string) => `tcp-${declaration.toLowerCase()}`;
const MIB = 1024 * 1024;

beforeAll(async () => {
  await provideProtocols(
    ...declarations.map((declaration) =>
      server(nameOf(declaration), {
        containers: { tcp: ['node', '/apps/tcpServer.ts', '7000', '7001', '7443', '7444'] },
        ports: [
          port(7000, 'tcp', declaration),
          { name: 'udp', port: 7001, protocol: 'UDP' },
          port(7443, declaration === 'portName' ? 'tls' : 'https', declaration),
          // it speaks TLS all the same
          port(7444, 'http', declaration),
        ],
      }),
    ),
  );
});

afterAll(() => removeServers(...declarations.map(nameOf)));

describe.each(declarations)('port: %s', (declaration) => {
  const host = nameOf(declaration);
  const scenario = (name: string, number = 0) => report('tcpClient.ts', [name, host, 7000, number]);

  it.each([0, 1, 8 * MIB])(
    'the answer comes after the client has ended its side: %i bytes',
    async (bytes) => {
      expect(await scenario('half-close', bytes)).toEqual({
        answer: `${bytes} bytes, and all of this after your end`,
        fate: 'ended',
      });
    },
  );

  it('a reset by the server reaches the client', async () => {
    expect(await scenario('reset-by-server')).toEqual({ how: 'ECONNRESET' });
  });

  it('a reset by the client reaches the server', async () => {
    expect(await scenario('reset-by-client')).toEqual({ fate: 'ECONNRESET' });
  });

  it('a reset by a client that the server floods reaches the server', async () => {
    const { fate } = (await scenario('reset-while-flooded')) as { fate: string };
    expect(['ECONNRESET', 'EPIPE']).toContain(fate);
  });

  it.each([
    [7443, 'as TLS'],
    [7444, 'as HTTP, wrongly'],
  ])(
    "the application's own TLS is passed on with the name and ALPN that the client sent: port %i, declared %s",
    async (tlsPort) => {
      expect(await report('tcpClient.ts', ['tls', host, tlsPort])).toEqual({
        server: { servername: 'own.example', alpn: 'own/1' },
        subject: 'own.example',
      });
    },
  );

  it('datagrams pass', async () => {
    expect(await report('tcpClient.ts', ['udp', host, 7001])).toEqual({ enough: true });
  });
});

it('names are resolved, over UDP and over TCP', async () => {
  const script = `const { Resolver } = require('node:dns/promises');
    new Resolver().resolve4('kubernetes.default.svc.cluster.local').then((found) => console.log(found.length));`;
  expect((await inClient(['node', '-e', script])).trim()).toBe('1');
  const overTcp = ['env', 'RES_OPTIONS=use-vc', 'getent', 'hosts', 'kubernetes.default.svc.cluster.local'];
  expect(await inClient(overTcp)).toContain('kubernetes.default');
});

it('bytes from outside the mesh are not answered, so whatever passes has passed two proxies', async () => {
  const at = `7000, 'tcp-undeclared.${namespaces.protocols}'`;
  const script = `let got = 0; const socket = require('net').connect(${at}, () => socket.write('echo outside\\nhello'));
    socket.on('data', (data) => (got += data.length)).on('error', () => {}).on('close', () => console.log(got));`;
  const { stdout } = await exec(await caller(namespaces.outside), ['node', '-e', script]);
  expect(stdout.trim()).toBe('0');
});

it('the example of declared ports is accepted', async () => {
  const file = join(root, 'examples', 'protocols', 'services.yaml');
  const text = await kubectl(['apply', '--dry-run=server', '-n', namespaces.protocols, '-f', file]);
  expect(text.trim().split('\n')).toHaveLength(3);
});
