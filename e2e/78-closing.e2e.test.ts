/** Applications that close their connections whenever they like: no request of their clients fails for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { port, provideProtocols, removeServers, report, server } from './support/protocols.ts';

/**
 * When, and for which methods nothing may fail. A POST that is on its way just when the application closes without a
 * word may have been carried out: nobody can send it again, with or without a mesh. So of the silent closer only GET.
 */
const closers = [
  { mode: 'idle', when: 'after a second of idleness', methods: 'GET,POST' },
  { mode: 'random', when: 'at random, and says so', methods: 'GET,POST' },
  { mode: 'counted', when: 'after every tenth answer, and says so', methods: 'GET,POST' },
  { mode: 'silent', when: 'after every tenth answer, without a word', methods: 'GET' },
];
/** A minute of them at 100 a second; longer where the machine is too busy for that. */
const REQUESTS = 6_000;

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
describe.concurrent('100 requests a second to an application that closes', () => {
  it.each(closers)('$when: no $methods fails', async ({ mode, methods }) => {
    const seen = await report('waves.ts', [`http://${nameOf({ mode })}:8080/`, methods, REQUESTS], 170);
    expect(seen).toEqual({ sent: REQUESTS, failed: 0, failures: {} });
  });
});
