/** Connections that are silent for minutes are kept. All of them at once, since most of it is waiting. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declarations, port, provideProtocols, removeServers, report, server } from './support/protocols.ts';

const tcpOf = (declaration: string) => `silent-${declaration.toLowerCase()}`;

beforeAll(async () => {
  await provideProtocols(
    server('patient', {
      containers: { http: ['node', '/apps/httpServer.ts', '8080'] },
      ports: [port(8080, 'http', 'appProtocol')],
    }),
    ...declarations.map((declaration) =>
      server(tcpOf(declaration), {
        containers: { tcp: ['node', '/apps/tcpServer.ts', '7000', '7001', '7443'] },
        ports: [port(7000, 'tcp', declaration)],
      }),
    ),
  );
});

afterAll(() => removeServers('patient', ...declarations.map(tcpOf)));

describe.concurrent('a silent connection is kept', () => {
  it('WebSocket, silent for more than a minute', async () => {
    const seen = await report('webSocketClient.ts', ['http://patient:8080/chat', 65], 120);
    expect(seen).toMatchObject({ text: true, afterSilence: true, closed: [1000, 'done'] });
  });

  it('server-sent events for two minutes, with pauses of half a minute', async () => {
    const seen = await report('events.ts', ['http://patient:8080/events?count=4&everyMs=30000'], 170);
    expect(seen).toMatchObject({ events: 4 });
  });

  it('an HTTP answer that takes twenty seconds', async () => {
    const request = Buffer.from('GET /slow?ms=20000 HTTP/1.0\r\n\r\n').toString('base64');
    const { text } = await report<{ text: string }>('rawHttp.ts', ['patient', 8080, request]);
    expect(text).toMatch(/late$/);
  });

  it.each(declarations)('TCP, silent for more than two minutes (port: %s)', async (declaration) => {
    const seen = await report('tcpClient.ts', ['silence', tcpOf(declaration), 7000, 125], 170);
    expect(seen).toEqual({ before: 'before', after: 'after' });
  });

  it.each(declarations)('TCP, silent from the beginning (port: %s)', async (declaration) => {
    const seen = await report('tcpClient.ts', ['silence-at-first', tcpOf(declaration), 7000, 20]);
    expect(seen).toEqual({ after: 'after' });
  });
});
