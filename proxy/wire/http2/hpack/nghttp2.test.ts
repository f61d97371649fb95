/** Against another implementation: nghttp2, which node:http2 is made of. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { encode } from './testing/blocks.ts';
import {
  frame,
  HEADERS,
  PREFACE,
  readFrames,
  SETTINGS,
  settings,
  tableSizeIn,
  WHOLE,
} from './testing/rawHttp2.ts';

const STREAMS = 60;

/** Fields of a request: some repeat, some differ, some are secret, some are long. */
function fieldsOf(stream: number): string[] {
  return [
    [
      ':method',
      'GET',
      ':scheme',
      'http',
      ':authority',
      'catalog.shop',
      ':path',
      `/items/${stream}?q=${'z'.repeat(stream)}`,
    ],
    ['accept', '*/*', 'user-agent', `agent/${stream % 3}`, 'x-request-id', `id-${stream * 7919}`],
    [`x-own-${stream % 40}`, 'v'.repeat((stream % 20) * 30), 'authorization', 'Bearer token'],
    ['x-any', String.fromCharCode(0x21 + stream, 0xe9, 0xff, 0x7e)],
  ].flat();
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe.each([0, 100, 4096, 20_000])('with a table of %i bytes', (size) => {
  it('decodes what nghttp2 encodes', async () => {
    const lists: unknown[] = [];
    const decoder = new HpackDecoder({ maxTableSize: size, maxListBytes: 65_536 });
    const all = Promise.withResolvers<void>();
    const server = net.createServer((socket) => {
      socket.on('error', all.reject).write(settings(size));
      readFrames(socket, PREFACE.length, ({ type, flags, payload }) => {
        if (type === SETTINGS && flags === 0) socket.write(settings());
        else if (type === SETTINGS) decoder.setMaxTableSize(size);
        if (type !== HEADERS) return;
        // without END_HEADERS or with a priority the test would have to read more than it does
        expect(flags).toBe(WHOLE);
        lists.push(decoder.decode(payload, 0, payload.length));
        if (lists.length === STREAMS) all.resolve();
      });
    });
    const client = http2.connect(`http://127.0.0.1:${await listen(server)}`);
    client.on('error', () => {});
    await once(client, 'remoteSettings');
    const expected = [];
    for (let stream = 0; stream < STREAMS; stream += 1) {
      const fields = fieldsOf(stream);
      expected.push(fields);
      client.request(fields, { endStream: true }).on('error', () => {});
    }
    await all.promise;
    client.destroy();
    server.close();
    expect(lists).toEqual(expected);
  });

  it('encodes what nghttp2 decodes', async () => {
    const lists: string[][] = [];
    const all = Promise.withResolvers<void>();
    const server = http2.createServer({ settings: { headerTableSize: size } });
    server.on('sessionError', all.reject);
    server.on('stream', (stream, ...[, , raw]) => {
      stream.on('error', () => {}).respond();
      stream.end();
      lists.push(raw as unknown as string[]);
      if (lists.length === STREAMS) all.resolve();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', all.reject).write(Buffer.concat([PREFACE, settings(4096)]));
    const encoder = new HpackEncoder({ maxTableSize: 10_000 });
    readFrames(socket, 0, ({ type, flags, payload }) => {
      if (type !== SETTINGS || flags !== 0) return;
      socket.write(settings());
      encoder.setPeerTableSize(tableSizeIn(payload) ?? 4096);
      for (let stream = 0; stream < STREAMS; stream += 1) {
        const block = encode(encoder, fieldsOf(stream));
        socket.write(frame({ type: HEADERS, flags: WHOLE, stream: 2 * stream + 1, payload: block }));
      }
    });
    await all.promise;
    socket.destroy();
    server.close();
    expect(lists).toEqual(Array.from({ length: STREAMS }, (_, stream) => fieldsOf(stream)));
  });
});
