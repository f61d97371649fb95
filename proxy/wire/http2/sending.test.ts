import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { HpackDecoder } from './hpack/decoder.ts';
import { memory } from './memory.ts';
import { unheard } from './stream.ts';
import { turn } from './testing/fakeChannel.ts';
import { headers, parse, windowUpdate } from './testing/frames.ts';
import { GET, POST, RawPeer, type RawPeerOptions } from './testing/rawPeer.ts';

const OK = [':status', '200'];
const limitsBefore = { ...memory };
afterEach(() => Object.assign(memory, limitsBefore));

async function opened(options: RawPeerOptions = {}) {
  const peer = await new RawPeer(options).open();
  await peer.send(headers(1, POST, 4));
  const [stream] = peer.recorder.streams;
  stream!.respond(OK, false);
  await peer.send();
  return { peer, stream: stream! };
}

describe('a head', () => {
  it.each([100, 15_000, 16_300, 17_000, 60_000])(
    'of %i bytes is sent in frames that the peer takes',
    async (size) => {
      const peer = await new RawPeer({ role: 'client' }).open();
      const fields = [...GET, 'x-large', 'y'.repeat(size), 'cookie', 'a'];
      peer.connection.request(GET, true, unheard);
      peer.connection.request(fields, true, unheard);
      const [first, ...frames] = await peer.exchange();
      expect(frames.every(({ payload }) => payload.length <= 16_384)).toBe(true);
      expect(frames.map(({ type }) => type)).toEqual([1, ...Array(Math.ceil(size / 16_384) - 1).fill(9)]);
      expect([frames[0]!.flags & 1, frames.at(-1)!.flags & 4]).toEqual([1, 4]);
      const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 100_000 });
      decoder.decode(first!.payload, 0, first!.payload.length);
      const block = Buffer.concat(frames.map(({ payload }) => payload));
      expect(decoder.decode(block, 0, block.length)).toEqual(fields);
    },
  );
});

describe('content', () => {
  it('of all sizes arrives as it was written', async () => {
    const { peer, stream } = await opened({ announces: [[4, 10_000_000]] });
    await peer.send(windowUpdate(0, 10_000_000));
    const pieces = [1, 1000, 5, 4096, 1023, 1024, 70_000, 3, 3, 3, 4000, 100, 20_000].map((size) =>
      randomBytes(size),
    );
    for (const piece of pieces) stream.write(piece);
    stream.end();
    const received: Buffer[] = [];
    for (let turns = 0; !stream.sentEnd && turns < 100; turns++) {
      for (const { payload } of await peer.exchange()) received.push(Buffer.from(payload));
    }
    expect(Buffer.concat(received).equals(Buffer.concat(pieces))).toBe(true);
  });

  it('that must wait does not hold on to what came with it', async () => {
    const { peer, stream } = await opened({ announces: [[4, 0]] });
    const large = Buffer.alloc(65_536, 'z');
    for (let at = 0; at < 3000; at++) stream.write(large.subarray(at, at + 1));
    const kept = new Set([stream.first, ...stream.others!].map(({ buffer }) => buffer));
    expect(kept.has(large.buffer)).toBe(false);
    expect(kept.size).toBe(2);
    expect(stream.others).toHaveLength(1);
    expect(await peer.send(windowUpdate(1, 2000))).toEqual(['DATA 1 2000']);
    stream.write(Buffer.from('end'));
    const [rest] = await peer.exchange(windowUpdate(1, 2000));
    expect(rest!.payload.toString()).toBe(`${'z'.repeat(1000)}end`);
  });

  it('that is large leaves without being copied', async () => {
    const { peer, stream } = await opened();
    const large = Buffer.alloc(10_000);
    const written: Buffer[] = [];
    peer.channel.write = (bytes) => written.push(bytes as Buffer) > 0;
    stream.write(large);
    await turn();
    expect(written.some(({ buffer }) => buffer === large.buffer)).toBe(true);
  });

  it('leaves with all other frames of the turn in one piece', async () => {
    const { peer, stream } = await opened();
    stream.write(Buffer.alloc(10_000));
    stream.write(Buffer.alloc(10));
    stream.end();
    peer.channel.feed(headers(3, GET));
    peer.recorder.streams[1]!.respond(OK, true);
    await turn();
    expect(peer.channel.writes).toHaveLength(1);
    expect(parse(peer.channel.take()).map(({ type, id }) => [type, id])).toEqual([
      [1, 3],
      [0, 1],
    ]);
  });
});

describe('when the memory of the process is short', () => {
  it('every writer is told to wait', async () => {
    const { peer, stream } = await opened({ announces: [[4, 0]] });
    memory.queuedLimit = memory.queued + 5;
    expect(stream.write(Buffer.alloc(4))).toBe(true);
    expect(stream.write(Buffer.alloc(1))).toBe(false);
    peer.connection.destroy();
    expect(memory.queued).toBe(limitsBefore.queued);
  });

  it('a peer is left that takes nothing of what it asked for', async () => {
    const { peer, stream } = await opened({ announces: [[4, 1]], limits: { pingAfterMs: Infinity } });
    const start = performance.now();
    stream.write(Buffer.alloc(100));
    await peer.send();
    for (const seconds of [0, 1, 100]) peer.connection.sweep(start + seconds * 1000);
    expect(peer.connection.open).toBe(true);
    memory.queuedLimit = 10;
    await peer.send(windowUpdate(1, 1));
    for (const seconds of [101, 102, 161]) peer.connection.sweep(start + seconds * 1000);
    expect(peer.connection.open).toBe(true);
    peer.connection.sweep(start + 163_000);
    expect(await peer.send()).toEqual(['GOAWAY 1 11']);
  });
});
