import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PREFACE } from './constants.ts';
import {
  block,
  continuation,
  data,
  frame,
  headers,
  parse,
  ping,
  priority,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from './testing/frames.ts';
import { fuzzHttp2 } from './testing/fuzz.ts';
import { GET, POST, RawPeer } from './testing/rawPeer.ts';
import { turn } from './testing/fakeChannel.ts';

const id = fc.integer({ min: 0, max: 6 }).map((index) => index * 2 + 1);
const anyFrame = fc.oneof(
  fc
    .tuple(id, fc.constantFrom(GET, POST), fc.constantFrom(4, 5))
    .map(([on, fields, flags]) => headers(on, fields, flags)),
  fc
    .tuple(id, fc.string({ maxLength: 200 }), fc.constantFrom(0, 0, 1))
    .map(([on, text, flags]) => data(on, text, flags)),
  id.map((on) => frame({ id: on, flags: 8, payload: Buffer.from('\x03abc\0\0\0') })),
  id.map((on) =>
    Buffer.concat([
      frame({ type: 1, flags: 0, id: on, payload: block(POST) }),
      continuation(on, block(['a', 'b'])),
      continuation(on, block([]), 4),
    ]),
  ),
  id.map((on) => headers(on, ['x-t', '1'])),
  id.map((on) => reset(on, 8)),
  id.map((on) => windowUpdate(on, 100)),
  id.map((on) => priority(on, on + 2)),
  fc.constant(ping()),
  fc.constant(settings([4, 1000])),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
);

describe('whatever comes', () => {
  /** What a server tells and says to bytes that come in pieces of these sizes, taken in turn. */
  async function observe(bytes: Buffer, sizes: number[]) {
    const peer = new RawPeer({ limits: { streamWindow: 300 } });
    peer.recorder.onRequest = (stream) => stream.respond([':status', '200'], stream.id % 4 === 1);
    peer.connection.start();
    let index = 0;
    for (let at = 0; at < bytes.length; index++) {
      const size = sizes[index % sizes.length]!;
      peer.channel.feed(bytes.subarray(at, at + size));
      at += size;
    }
    await turn();
    const said = peer.channel.take();
    peer.connection.destroy();
    return { said, told: peer.recorder.events, bodies: peer.recorder.handlers.map(({ body }) => body) };
  }

  it('gives the same however it is split', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        async (frames, sizes) => {
          const bytes = Buffer.concat([PREFACE, settings(), settingsAck, ...frames]);
          const whole = await observe(bytes, [bytes.length]);
          const split = await observe(bytes, sizes);
          expect(split).toEqual(whole);
          expect(() => parse(whole.said)).not.toThrow();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('breaks no promise and no bound', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 0, max: 7 }), (bytes, mode) => {
        expect(() => fuzzHttp2(Uint8Array.from([mode, ...bytes]))).not.toThrow();
      }),
      { numRuns: 5000 },
    );
  });
});
