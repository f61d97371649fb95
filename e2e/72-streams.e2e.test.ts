/** What outlives the request that began it: upgrades and server-sent events, through two proxies. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declarations, port, provideProtocols, removeServers, report, server } from './support/protocols.ts';

const nameOf = (declaration: string) => `streams-${declaration.toLowerCase()}`;

beforeAll(async () => {
  await provideProtocols(
    ...declarations.map((declaration) =>
      server(nameOf(declaration), {
        containers: { http: ['node', '/apps/httpServer.ts', '8080'] },
        ports: [port(8080, 'http', declaration)],
      }),
    ),
  );
});

afterAll(() => removeServers(...declarations.map(nameOf)));

describe.each(declarations)('port: %s', (declaration) => {
  const host = nameOf(declaration);

  it('WebSocket: text and binary, messages of 1 MiB, ping and pong, close codes', async () => {
    expect(await report('webSocketClient.ts', [`http://${host}:8080/chat`, 0])).toEqual({
      protocol: 'chat.v1',
      text: true,
      empty: true,
      large: 8,
      pong: 'are you there',
      ping: 'from the server',
      afterPing: 'pong from the server',
      afterSilence: true,
      closed: [1000, 'done'],
      closedByServer: [4001, 'go away'],
    });
  });

  it('another upgrade is passed on as it came', async () => {
    const lines = ['GET / HTTP/1.1', `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: echo/1', ''];
    const bytes = Buffer.from([...lines, '\0first \0second'].join('\r\n')).toString('base64');
    const { text } = await report<{ text: string }>('rawHttp.ts', [host, 8080, bytes, 500]);
    expect(text).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Upgrade: echo\/1\r\n(?:[^]*\r\n)?\r\nfirst second$/,
    );
  });

  it('server-sent events come when they are sent', async () => {
    const url = `http://${host}:8080/events?count=40&everyMs=100`;
    const seen = await report<{ maxDelayMs: number }>('events.ts', [url]);
    expect(seen).toMatchObject({ events: 40, type: 'text/event-stream' });
    expect(seen.maxDelayMs).toBeLessThan(1000);
  });
});
