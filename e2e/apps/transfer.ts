/**
 * `node transfer.ts upload|download URL MIB`: a chunked body of so many MiB to or from httpServer.ts.
 * Prints {bytes, crc, chunked, seconds} as JSON: bytes and CRC-32 as the receiving side counted them.
 */
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';

const [direction = '', url = '', mib = '1'] = process.argv.slice(2);
const block = Buffer.alloc(1024 * 1024, 'weft');
const started = performance.now();

async function upload(): Promise<object> {
  const outgoing = request(`${url}/size`, { method: 'POST' });
  const response = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  // an answer before the end is a refusal, and told as such
  response.catch(() => undefined);
  for (let i = 0; i < Number(mib); i += 1) {
    if (!outgoing.write(block)) await Promise.race([once(outgoing, 'drain'), response]);
  }
  outgoing.end();
  const [incoming] = await response;
  return { status: incoming.statusCode, ...((await json(incoming)) as object) };
}

async function download(): Promise<object> {
  const outgoing = request(`${url}/download?mib=${mib}`).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let bytes = 0;
  let crc = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    crc = crc32(chunk, crc);
  }
  const chunked = incoming.headers['transfer-encoding'] === 'chunked';
  return { status: incoming.statusCode, bytes, crc, chunked };
}

const seen = await (direction === 'upload' ? upload() : download());
const seconds = Math.round(performance.now() - started) / 1000;
process.stdout.write(`${JSON.stringify({ ...seen, seconds })}\n`);
process.exit(0);
