/** Applications that close their connections whenever they like: no request of their clients fails for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { port, provideProtocols, removeServers, report, server } from './support/protocols.ts';

/**
 * When, and for which methods nothing may fail. A POST that is on its way just when the application closes without a
 * word may have been carried out: nobody can send it again, with or without a mesh. So of the silent closer only GET.
 */
const closers = [
  { mode: 'idle', when: 'after a second of idleness', methods: ['GET', 'POST'] },
  { mode: 'random', when: 'at random, and says so', methods: ['GET', 'POST'] },
  { mode: 'counted', when: 'after every tenth answer, and says so', methods: ['GET', 'POST'] },
  { mode: 'silent', when: 'after every tenth answer, without a word', methods: ['GET'] },
];
const SECONDS = 60;
const LEAST_SENT = SECONDS * 80;

const nameOf = ({ mode }: { mode: string }) => `closing-${mode}`;

beforeAll(async () => {
  await provideProtocols(
    ...closers.map((closer) =>
      server(nameOf(closer), {
        containers: { closing: ['node', '/apps/closingServer.ts', '8080', closer.mode] },
        ports: [port(8080, 'http', 'appProtocol')],
      }),
    ),
  );
});

afterAll(() => removeServers(...closers.map(nameOf)));

/** At once: each takes a minute, and 100 requests a second are little. */
describe.concurrent.each(closers)('an application that closes $when', (closer) => {
  it.each(closer.methods)('100 requests a second: no %s fails', async (method) => {
    const flags = [`http://${nameOf(closer)}:8080/`, method, SECONDS];
    const { sent, ...outcome } = await report<{ sent: number }>('waves.ts', flags, SECONDS + 60);
    expect(outcome).toEqual({ failed: 0, failures: {} });
    expect(sent).toBeGreaterThan(LEAST_SENT);
  });
});
