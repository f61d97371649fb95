/** One page over a connection that is there already, such as one through the API server to a pod. */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface Page {
  readonly status: number;
  readonly value: unknown;
}

/** Documents end at 1 MiB in a ConfigMap, and are larger only by the stream. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 15_000;

/** Rejects where the connection fails, or what comes is too late, too large or no JSON. Ends the connection. */
export async function getPage(connection: Duplex, path: string): Promise<Page> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const late = (): void => void connection.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`));
  signal.addEventListener('abort', late, { once: true });
  try {
    return await exchange(connection, path);
  } finally {
    signal.removeEventListener('abort', late);
    connection.destroy();
  }
}

function exchange(connection: Duplex, path: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    if (connection.errored) return void reject(connection.errored);
    connection.once('error', reject);
    const outgoing = request({
      createConnection: () => connection,
      // the pages are those of the pod itself
      host: '127.0.0.1',
      path,
      headers: { connection: 'close', accept: 'application/json' },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_PAGE_BYTES) connection.destroy(new Error('the answer is too large'));
      });
      text(incoming)
        .then((body) => ({ status: incoming.statusCode ?? 0, value: JSON.parse(body) as unknown }))
        .then(resolve, reject);
    });
    outgoing.end();
  });
}
