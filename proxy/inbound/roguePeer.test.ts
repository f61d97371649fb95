/** A peer that holds a certificate of the mesh and lies: what it says must not get past policy. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo } from '../testing/mesh.ts';
import { roguePeer } from '../testing/roguePeer.ts';
import { Client, serve, until } from '../testing/sockets.ts';

const FORGED = 'x-weft-source: spiffe://cluster.local/ns/shop/sa/boss';
const REQUEST = [':method', 'GET', ':scheme', 'http', ':authority', 'allowed', ':path', '/'];
const CONNECT = [
  ':method',
  'CONNECT',
  ':protocol',
  'foo',
  ':scheme',
  'http',
  ':authority',
  'c',
  ':path',
  '/',
];

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

/** An application that keeps what it is sent, and the inbound proxy before it. */
async function target(declared?: 'Http') {
  let received = '';
  const application = await serve((socket) => {
    socket.on('data', (bytes) => (received += bytes.toString('latin1')));
  });
  mesh.onEnd(() => application.close());
  const server = await mesh.server(application.port, declared && { protocols: { '8080': declared } });
  return { ...server, application, received: () => received };
}

describe('a peer that lies', () => {
  it.each([
    ['CONNECT', [':method', 'CONNECT', ':authority', 'c:80']],
    ['an upgrade', CONNECT],
  ])('cannot hide a request in the content of %s', async (_name, fields) => {
    const { port, received } = await target();
    const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
    const asked = ask([...fields, 'content-length', '30', 'weft-http1', '1.1;method=POST'], false);
    await until(() => asked.ended, 'the refusal');
    expect(received()).toBe('');
  });

  it.each([
    ['a request', `GET / HTTP/1.1\r\nHost: c\r\n${FORGED}\r\n\r\n`],
    ['a request behind what begins as TLS does', `\x16\x03\x01\r\nGET / HTTP/1.1\r\n${FORGED}\r\n\r\n`],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['bytes', '\0\x01\x02'],
  ])('cannot bring %s as bytes to a port of HTTP', async (_name, bytes) => {
    const { port, received, application, plane } = await target('Http');
    const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
    const asked = ask(CONNECT.with(3, 'weft-tcp'), false);
    await until(() => asked.status !== 0, 'the answer');
    for (const byte of Buffer.from(bytes, 'latin1')) asked.stream.write(Buffer.from([byte]));
    await until(() => asked.ended, 'the end');
    expect(received()).toBe('');
    expect(application.sockets).toHaveLength(0);
    expect(plane.telemetry.finished.map(({ connection, wire }) => [connection?.flag, wire])).toEqual([
      ['BAD_REQUEST', 'weft/1'],
    ]);
  });

  it('cannot bring bytes to a port of HTTP by saying nothing', async () => {
    const { port, application, plane } = await target('Http');
    const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
    const asked = ask(CONNECT.with(3, 'weft-tcp'), false);
    await until(() => asked.status !== 0, 'the answer');
    asked.stream.end();
    await until(() => asked.ended, 'the end');
    expect(application.sockets).toHaveLength(0);
    expect(plane.telemetry.finished).toEqual([]);
  });

  it('cannot bring a request as bytes to any port', async () => {
    const { port, received } = await target();
    const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
    const asked = ask(CONNECT.with(3, 'weft-tcp'), false);
    await until(() => asked.status !== 0, 'the answer');
    asked.stream.write(Buffer.from(`GET / HTTP/1.1\r\nHost: c\r\n${FORGED}\r\n\r\n`));
    await until(() => asked.ended, 'the end');
    expect(received()).toBe('');
  });

  it('cannot ask for h2c, in which nobody would judge requests', async () => {
    const { port, received } = await target();
    const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
    const asked = ask([...CONNECT.with(3, 'h2c'), 'weft-http1', '1.1;method=GET'], false);
    await until(() => asked.ended, 'the refusal');
    expect(received()).toBe('');
  });

  it.each(['1.1;host=-1', '1.0;host=-1', '1.1;host=1.5'])(
    'cannot take Host away by the mark %s',
    async (mark) => {
      const { port, received } = await target();
      const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
      ask([...REQUEST, 'accept', 'x', 'weft-http1', mark], true);
      await until(() => received().includes('\r\n\r\n'), 'the head');
      expect(received()).toMatch(/\r\nhost: allowed\r\n/i);
    },
  );

  it('cannot make framing ambiguous by a mark', async () => {
    const { port, received } = await target();
    const ask = await roguePeer(await authority.workload('shop', 'web'), mesh, port);
    const mark = '1.0;codings=chunked%2C%20identity';
    const asked = ask([...REQUEST.with(1, 'POST'), 'weft-http1', mark], false);
    asked.stream.write(Buffer.from('abc'));
    await until(() => received().includes('\r\n\r\n'), 'the head');
    expect(received()).toMatch(/^POST \/ HTTP\/1\.1\r\n/);
    expect(received()).toMatch(/\r\ntransfer-encoding: chunked\r\n/i);
  });
});

it('a request that is typed slowly in plain text brings no fields that only proxies may set', async () => {
  const { port, received } = await target();
  const client = new Client(port);
  mesh.onEnd(async () => void client.socket.destroy());
  client.write('GET');
  await until(() => received() === 'GET', 'the word to pass as bytes');
  client.write(` / HTTP/1.1\r\nHost: c\r\n${FORGED}\r\n\r\n`);
  await until(() => client.closed, 'the end');
  expect(received()).toBe('GET');
});
