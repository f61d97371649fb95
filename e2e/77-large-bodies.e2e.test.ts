/** A GiB each way, of unknown length, while neither proxy holds more than a little of it. */
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  inClient,
  port,
  provideProtocols,
  proxyMemory,
  removeServers,
  report,
  server,
} from './support/protocols.ts';

const MIB = 1024 * 1024;
const SIZE = 1024;
/** Private memory that a proxy may gain, in MiB: a few buffers of the connections, and what the collector leaves. */
const MAY_GAIN = 48;

interface Moved {
  bytes: number;
  crc: number;
}

/** What the body must be: 'weft' over and over. */
function expected(): Moved {
  const block = Buffer.alloc(MIB, 'weft');
  let crc = 0;
  for (let i = 0; i < SIZE; i += 1) crc = crc32(block, crc);
  return { bytes: SIZE * MIB, crc };
}

beforeAll(async () => {
  await provideProtocols(
    server('large', {
      containers: { http: ['node', '/apps/httpServer.ts', '8080'] },
      ports: [port(8080, 'http', 'appProtocol')],
    }),
  );
});

afterAll(() => removeServers('large'));

const memory = async () => ({ client: await proxyMemory('client'), server: await proxyMemory('large') });

/** What `work` gives, and what each proxy held before and at most. */
async function watched<T>(work: () => Promise<T>) {
  const before = await memory();
  const most = { ...before };
  const ending = new AbortController();
  const watching = (async () => {
    while (!ending.signal.aborted) {
      const now = await memory();
      most.client = Math.max(most.client, now.client);
      most.server = Math.max(most.server, now.server);
    }
  })();
  try {
    return { value: await work(), before, most };
  } finally {
    ending.abort();
    await watching;
  }
}

describe.each(['upload', 'download'])('%s of 1 GiB', (direction) => {
  it('is whole, and memory stays as it was', async () => {
    // so that what a proxy allocates once is allocated
    await inClient(['node', '/apps/transfer.ts', direction, 'http://large:8080', '32']);
    const { before, most, value } = await watched(() =>
      report<Moved & { chunked: boolean }>('transfer.ts', [direction, 'http://large:8080', SIZE], 150),
    );
    process.stdout.write(
      `${direction}: RssAnon in MiB ${JSON.stringify({ before, most, after: await memory() })}\n`,
    );
    expect(value).toMatchObject({ ...expected(), chunked: true });
    expect(most.client - before.client).toBeLessThan(MAY_GAIN);
    expect(most.server - before.server).toBeLessThan(MAY_GAIN);
  });
});
