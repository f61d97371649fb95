import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileAuthorizer } from '../../core/evaluate/index.ts';
import type { Section } from '../../core/proxyConfig/index.ts';
import type { ConfigState } from '../context.ts';
import { configState, testPlane } from '../testing/plane.ts';
import { serve, until, type TestServer } from '../testing/sockets.ts';
import { SocketChannel } from '../wire/socketChannel.ts';
import { Peer } from './peer.ts';

type Mode = Section['inbound']['mtls']['mode'];
type Action = 'Allow' | 'Deny';

let server: TestServer;
let socket: Socket;
let channel: SocketChannel;
beforeAll(async () => {
  server = await serve(() => {});
  socket = connect(server.port, '127.0.0.1');
  await until(() => socket.remoteAddress !== undefined, 'the connection');
  channel = new SocketChannel(socket);
});
afterAll(async () => {
  socket.destroy();
  await server.close();
});

const policy = (mode: Mode, action: Action): Section['inbound'] => ({
  mtls: { mode, ports: {}, policy: 'shop/mtls' },
  authorization: { default: action, policies: [], rules: [] },
});

function judged(enforced: [Mode, Action], shadow: [Mode, Action] | undefined, principal?: string) {
  const plane = testPlane();
  const section: Section = {
    labels: {},
    inbound: policy(...enforced),
    ...(shadow ? { shadow: policy(...shadow) } : {}),
    protocols: {},
  };
  const config: ConfigState = { ...configState(), section, authorizer: compileAuthorizer(section) };
  plane.config.set(config);
  const peer = new Peer(plane, channel, { port: 80, principal });
  const code = peer.judge(config, 'connection');
  expect(plane.telemetry.verdicts).toEqual([peer.verdict]);
  expect(peer.stillAllowed('connection')).toBe(code === undefined);
  return { code, action: peer.verdict!.action, shadow: peer.verdict!.shadow };
}

describe('plain text', () => {
  it.each<[[Mode, Action], [Mode, Action] | undefined, [code: string | undefined, told: Action | undefined]]>(
    [
      [['Permissive', 'Allow'], undefined, [undefined, undefined]],
      [['Permissive', 'Deny'], undefined, ['AUTHORIZATION_DENIED', undefined]],
      [['Strict', 'Allow'], undefined, ['MTLS_REQUIRED', undefined]],
      [['Strict', 'Deny'], undefined, ['MTLS_REQUIRED', undefined]],
      [['Disabled', 'Allow'], undefined, [undefined, undefined]],
      // a Shadow policy that asks for mTLS refuses nothing, and is told
      [
        ['Permissive', 'Allow'],
        ['Strict', 'Allow'],
        [undefined, 'Deny'],
      ],
      [
        ['Permissive', 'Deny'],
        ['Strict', 'Allow'],
        ['AUTHORIZATION_DENIED', undefined],
      ],
      [
        ['Permissive', 'Allow'],
        ['Permissive', 'Deny'],
        [undefined, 'Deny'],
      ],
      // one that no longer asks for it would let through what is allowed otherwise
      [
        ['Strict', 'Allow'],
        ['Permissive', 'Allow'],
        ['MTLS_REQUIRED', 'Allow'],
      ],
      [
        ['Strict', 'Allow'],
        ['Permissive', 'Deny'],
        ['MTLS_REQUIRED', undefined],
      ],
      [
        ['Strict', 'Allow'],
        ['Strict', 'Deny'],
        ['MTLS_REQUIRED', undefined],
      ],
    ],
  )('%j with shadow %j: %j', (enforced, shadow, [code, told]) => {
    expect(judged(enforced, shadow)).toEqual({
      code,
      action: code === undefined ? 'Allow' : 'Deny',
      shadow: told,
    });
  });
});

describe('a proven peer', () => {
  it('is judged by authorization alone', () => {
    const principal = 'spiffe://cluster.local/ns/shop/sa/web';
    expect(judged(['Strict', 'Allow'], undefined, principal).code).toBeUndefined();
    expect(judged(['Strict', 'Deny'], undefined, principal).code).toBe('AUTHORIZATION_DENIED');
    expect(judged(['Permissive', 'Allow'], ['Strict', 'Allow'], principal)).toMatchObject({
      shadow: undefined,
    });
  });
});
