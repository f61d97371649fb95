/** What a connection says for others to count: errors of either side, bounds, and requests that it does not take. */
import { describe, expect, it } from 'vitest';
import {
  block,
  continuation,
  data,
  frame,
  goaway,
  headers,
  ping,
  reset,
  settings,
  windowUpdate,
} from './testing/frames.ts';
import { GET, POST, RawPeer } from './testing/rawPeer.ts';
import { StreamRecorder } from './testing/recorder.ts';
import { unheard } from './stream.ts';

const OK = [':status', '200'];
const times = (count: number, make: (index: number) => Buffer) =>
  Array.from({ length: count }, (_, index) => make(index));

describe('an error code is counted', () => {
  it('of streams that the peer resets, unless it is NO_ERROR', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, GET), reset(1, 8), reset(1, 8), headers(3, GET), reset(3, 0));
    expect(peer.recorder.errors).toEqual(['theirs 8']);
  });

  it('of streams that are reset for what the peer did, or by their owner', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, POST, 4), windowUpdate(1, 0));
    await peer.send(headers(3, POST, 4), headers(5, POST, 4));
    peer.recorder.streams[1]!.reset(2);
    peer.recorder.streams[2]!.respond(OK, true);
    peer.recorder.streams[2]!.reset(0);
    expect(peer.recorder.errors).toEqual(['ours 1', 'ours 2']);
  });

  it('of a connection that is ended, once and not for each of its streams', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, POST, 4), headers(3, POST, 4), data(0, 'x'));
    expect(peer.recorder.errors).toEqual(['ours 1']);
    const destroyed = await new RawPeer().open();
    await destroyed.send(headers(1, POST, 4));
    destroyed.connection.destroy(2);
    expect(destroyed.recorder.errors).toEqual(['ours 2']);
  });

  it('of a connection that the peer ends, once', async () => {
    const peer = await new RawPeer({ role: 'client' }).open();
    peer.connection.request(GET, true, unheard);
    await peer.send(goaway(1, 2), goaway(1, 2), goaway(1, 0));
    expect(peer.recorder.errors).toEqual(['theirs 2']);
  });

  it('of no connection that ends in order, or is cut', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, GET));
    peer.connection.shutdown();
    peer.channel.destroy();
    expect(peer.recorder.errors).toEqual([]);
  });

  it('of a client as well', async () => {
    const peer = await new RawPeer({ role: 'client' }).open();
    peer.connection.request(GET, true, unheard);
    await peer.send(headers(1, ['a', 'b']));
    expect(peer.recorder.errors).toEqual(['ours 1']);
  });
});

const bounds: [bound: string, frames: Buffer[]][] = [
  ['streams', [headers(1, POST, 4), headers(3, GET)]],
  ['headerListBytes', [headers(1, [...GET, 'a', 'b'.repeat(1000)])]],
  ['headerBlockBytes', [headers(1, GET, 1), continuation(1, Buffer.alloc(3000))]],
  ['continuations', [headers(1, GET, 1), ...times(5, () => continuation(1, Buffer.alloc(1)))]],
  ['settingsPerFrame', [frame({ type: 4, payload: Buffer.alloc(33 * 6) })]],
  ['flood.ping', times(3100, () => ping())],
  ['flood.settings', times(120, () => settings())],
  ['flood.empty', [headers(1, POST, 4), ...times(1200, () => data(1, ''))]],
];

describe('a bound is counted', () => {
  const limits = { streams: 1, headerListBytes: 1000, headerBlockBytes: 2000, continuations: 3 };

  it.each(bounds)('%s', async (bound, frames) => {
    const peer = await new RawPeer({ limits }).open();
    await peer.send(...frames);
    expect(peer.recorder.bounds).toEqual([bound]);
  });

  it('interimResponses', async () => {
    const peer = await new RawPeer({ role: 'client' }).open();
    peer.connection.request(GET, true, unheard);
    await peer.send(...times(20, () => headers(1, [':status', '103'], 4)));
    expect(peer.recorder.bounds).toEqual(['interimResponses']);
    expect(peer.recorder.errors).toEqual(['ours 11']);
  });

  it('headerListBytes of trailers', async () => {
    const peer = await new RawPeer({ limits }).open();
    const trailers = headers(1, ['a', 'b'.repeat(1000)]);
    expect(await peer.send(headers(1, POST, 4), trailers)).toEqual(['RST_STREAM 1 11']);
    expect(peer.recorder.bounds).toEqual(['headerListBytes']);
  });

  it('frameMs', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, GET, 1));
    const now = performance.now();
    peer.connection.sweep(now);
    peer.connection.sweep(now + 10_001);
    expect(peer.recorder.bounds).toEqual(['frameMs']);
  });
});

describe('what a peer does wrong on a stream is told', () => {
  const declared = (length: number) => headers(1, [...POST, 'content-length', String(length)], 4);
  const requests: [problem: string, frames: Buffer[]][] = [
    ['content and content-length differ', [declared(1), data(1, 'xx')]],
    ['content and content-length differ', [declared(3), headers(1, ['a', 'b'])]],
    ['HEADERS amid content', [declared(0), headers(1, ['a', 'b'], 4)]],
    ['invalid trailer', [headers(1, POST, 4), headers(1, ['host', 'b'])]],
    [
      'trailers in a tunnel',
      [headers(1, [':method', 'CONNECT', ':authority', 'a:1'], 4), headers(1, ['a', 'b'])],
    ],
    ['DATA after the end', [headers(1, GET), data(1, 'x')]],
    ['HEADERS after the end', [headers(1, GET), headers(1, ['a', 'b'])]],
    ['WINDOW_UPDATE of 0', [headers(1, GET), windowUpdate(1, 0)]],
    ['window of a stream exceeds 2^31-1', [headers(1, GET), windowUpdate(1, 0x7fffffff)]],
    ['a field section is too large', [headers(1, POST, 4), headers(1, ['a', 'b'.repeat(70_000)])]],
    ['', [headers(1, GET), reset(1, 1)]],
    ['', [headers(1, POST, 4), data(0, 'x')]],
  ];
  it.each(requests)('by a client: %s', async (problem, frames) => {
    const peer = await new RawPeer({ limits: { frameBytes: 100_000, headerBlockBytes: 100_000 } }).open();
    await peer.send(...frames);
    expect(peer.recorder.events.at(-1)).toMatch(/^1 reset|going away/);
    expect(peer.recorder.handlers[0]!.problem).toBe(problem);
  });

  const responses: [problem: string, frames: Buffer[]][] = [
    ['DATA before HEADERS', [data(1, 'x')]],
    ['no :status', [headers(1, ['a', 'b'])]],
    ['an interim response ends the stream', [headers(1, [':status', '103'])]],
    ['content and content-length differ', [headers(1, [...OK, 'content-length', '1'])]],
    ['', [reset(1, 1)]],
  ];
  it.each(responses)('by a server: %s', async (problem, frames) => {
    const peer = await new RawPeer({ role: 'client' }).open();
    const handler = new StreamRecorder([], '1');
    peer.connection.request(GET, true, handler);
    await peer.send(...frames);
    expect(handler.events).toEqual([expect.stringMatching(/^1 reset/)]);
    expect(handler.problem).toBe(problem);
  });
});

describe('a request that is not acceptable is told', () => {
  it('with what is malformed, and what was read before it', async () => {
    const peer = await new RawPeer().open();
    const answers = await peer.send(
      headers(1, [...GET, 'Upper', 'x']),
      headers(3, [':method', 'PUT', ':scheme', 'http', ':path', 'relative']),
      headers(5, [...POST, 'content-length', '1']),
      headers(7, ['a', 'b'], 4),
    );
    expect(peer.recorder.unacceptables).toEqual([
      '1 GET /: invalid field name',
      '3 PUT relative: invalid :path',
      '5 POST /: content-length without content',
      '7  : no :method',
    ]);
    expect(answers).toEqual(['RST_STREAM 1 1', 'RST_STREAM 3 1', 'RST_STREAM 5 1', 'RST_STREAM 7 1']);
    expect(peer.recorder.events).toEqual([]);
    expect(peer.connection.streams).toBe(0);
    expect(peer.recorder.errors).toHaveLength(4);
  });

  it('with as much of it as is within the bound', async () => {
    const peer = await new RawPeer({ limits: { headerListBytes: 1000 } }).open();
    await peer.send(headers(1, [...GET, 'a', 'b'.repeat(1000), ':method', 'PUT']));
    await peer.send(headers(3, [...GET, 'a', 'b']));
    expect(peer.recorder.unacceptables).toEqual(['1 GET /: ']);
    expect(peer.recorder.heads[0]!.fields).toEqual(['a', 'b']);
  });

  it('and can be answered with more than a head, however slowly that is taken', async () => {
    const peer = await new RawPeer({ announces: [[4, 1]] }).open();
    peer.recorder.onUnacceptable = (stream) => {
      stream.respond([':status', '400'], false);
      stream.write(Buffer.from('no'));
      stream.end();
    };
    const [first, ...more] = await peer.send(headers(1, ['a', 'b'], 4));
    expect([first!.slice(0, 9), ...more]).toEqual(['HEADERS 1', 'DATA 1 1']);
    expect(await peer.send(data(1, 'late'), windowUpdate(1, 9))).toEqual(['DATA 1 1 END', 'RST_STREAM 1 0']);
    expect(peer.recorder.errors).toEqual([]);
  });

  it('but not in a block that cannot be decoded', async () => {
    const peer = await new RawPeer().open();
    await peer.send(
      frame({ type: 1, flags: 5, id: 1, payload: Buffer.concat([block(GET), Buffer.from([0x80])]) }),
    );
    expect(peer.recorder.unacceptables).toEqual([]);
    expect(peer.recorder.errors).toEqual(['ours 9']);
  });
});
