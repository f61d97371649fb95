import { describe, expect, it } from 'vitest';
import {
  block,
  continuation,
  data,
  frame,
  goaway,
  headers,
  ping,
  priority,
  reset,
  settings,
  u32,
  windowUpdate,
} from './testing/frames.ts';
import { GET, POST, RawPeer } from './testing/rawPeer.ts';

const ONE: Buffer = Buffer.from('x');

/** What a server answers to frames of a client, and whether it is a matter of the stream or of the connection. */
const refused: [name: string, frames: Buffer[], answer: string][] = [
  ['DATA on stream 0', [data(0, 'x')], 'GOAWAY 0 1'],
  ['DATA on an idle stream', [data(1, 'x')], 'GOAWAY 0 1'],
  ['DATA on a closed stream', [headers(1, GET), reset(1, 8), data(1, 'x')], 'GOAWAY 1 5'],
  ['DATA after END_STREAM', [headers(1, GET), data(1, 'x')], 'RST_STREAM 1 5'],
  [
    'padding as long as the frame',
    [headers(1, POST, 4), frame({ id: 1, flags: 8, payload: Buffer.from([1]) })],
    'GOAWAY 1 1',
  ],
  ['padded DATA without a length of it', [headers(1, POST, 4), frame({ id: 1, flags: 8 })], 'GOAWAY 1 6'],
  ['HEADERS on stream 0', [headers(0, GET)], 'GOAWAY 0 1'],
  ['HEADERS on an even stream', [headers(2, GET)], 'GOAWAY 0 1'],
  ['HEADERS on a lower stream', [headers(5, GET), headers(3, GET)], 'GOAWAY 5 5'],
  ['HEADERS after END_STREAM', [headers(1, GET), headers(1, GET)], 'RST_STREAM 1 5'],
  [
    'HEADERS with padding beyond its end',
    [frame({ type: 1, flags: 12, id: 1, payload: Buffer.from([9, 1]) })],
    'GOAWAY 0 1',
  ],
  ['HEADERS without its padding length', [frame({ type: 1, flags: 12, id: 1 })], 'GOAWAY 0 6'],
  ['HEADERS without its priority', [frame({ type: 1, flags: 36, id: 1, payload: ONE })], 'GOAWAY 0 6'],
  [
    'HEADERS that depends on itself',
    [frame({ type: 1, flags: 37, id: 1, payload: Buffer.concat([u32(1), ONE, block(GET)]) })],
    'GOAWAY 0 1',
  ],
  [
    'an invalid header block',
    [frame({ type: 1, flags: 5, id: 1, payload: Buffer.from([0x80]) })],
    'GOAWAY 0 9',
  ],
  ['trailers without END_STREAM', [headers(1, POST, 4), headers(1, ['a', 'b'], 4)], 'RST_STREAM 1 1'],
  ['a pseudo-field in trailers', [headers(1, POST, 4), headers(1, [':path', '/'], 5)], 'RST_STREAM 1 1'],
  ['CONTINUATION without HEADERS', [continuation(1, ONE)], 'GOAWAY 0 1'],
  ['CONTINUATION after END_HEADERS', [headers(1, GET), continuation(1, ONE)], 'GOAWAY 1 1'],
  ['CONTINUATION of another stream', [headers(1, GET, 1), continuation(3, ONE)], 'GOAWAY 0 1'],
  ['DATA amid a field section', [headers(1, POST, 0), data(1, 'x')], 'GOAWAY 0 1'],
  ['PING amid a field section', [headers(1, GET, 1), ping()], 'GOAWAY 0 1'],
  ['an unknown frame amid a field section', [headers(1, GET, 1), frame({ type: 99 })], 'GOAWAY 0 1'],
  ['PRIORITY on stream 0', [priority(0, 1)], 'GOAWAY 0 1'],
  ['PRIORITY of 4 bytes', [frame({ type: 2, id: 1, payload: u32(3) })], 'GOAWAY 0 6'],
  ['PRIORITY on itself', [priority(1, 1)], 'GOAWAY 0 1'],
  ['RST_STREAM on stream 0', [reset(0, 8)], 'GOAWAY 0 1'],
  ['RST_STREAM on an idle stream', [reset(1, 8)], 'GOAWAY 0 1'],
  [
    'RST_STREAM of 3 bytes',
    [headers(1, GET), frame({ type: 3, id: 1, payload: Buffer.alloc(3) })],
    'GOAWAY 1 6',
  ],
  ['SETTINGS on a stream', [frame({ type: 4, id: 1 })], 'GOAWAY 0 1'],
  ['SETTINGS of 5 bytes', [frame({ type: 4, payload: Buffer.alloc(5) })], 'GOAWAY 0 6'],
  ['SETTINGS ACK with content', [frame({ type: 4, flags: 1, payload: Buffer.alloc(6) })], 'GOAWAY 0 6'],
  ['ENABLE_PUSH of 2', [settings([2, 2])], 'GOAWAY 0 1'],
  ['INITIAL_WINDOW_SIZE of 2^31', [settings([4, 2 ** 31])], 'GOAWAY 0 3'],
  ['MAX_FRAME_SIZE of 16383', [settings([5, 16383])], 'GOAWAY 0 1'],
  ['MAX_FRAME_SIZE of 2^24', [settings([5, 2 ** 24])], 'GOAWAY 0 1'],
  ['ENABLE_CONNECT_PROTOCOL of 2', [settings([8, 2])], 'GOAWAY 0 1'],
  ['ENABLE_CONNECT_PROTOCOL taken back', [settings([8, 1]), settings([8, 0])], 'GOAWAY 0 1'],
  ['PUSH_PROMISE', [frame({ type: 5, id: 1, payload: u32(2) })], 'GOAWAY 0 1'],
  ['PING on a stream', [frame({ type: 6, id: 1, payload: Buffer.alloc(8) })], 'GOAWAY 0 1'],
  ['PING of 7 bytes', [ping(Buffer.alloc(7))], 'GOAWAY 0 6'],
  ['GOAWAY on a stream', [frame({ type: 7, id: 1, payload: u32(0, 0) })], 'GOAWAY 0 1'],
  ['GOAWAY of 7 bytes', [frame({ type: 7, payload: Buffer.alloc(7) })], 'GOAWAY 0 6'],
  ['GOAWAY that raises its stream', [goaway(0), goaway(2)], 'GOAWAY 0 1'],
  ['WINDOW_UPDATE of 3 bytes', [frame({ type: 8, payload: Buffer.alloc(3) })], 'GOAWAY 0 6'],
  ['WINDOW_UPDATE of 0', [windowUpdate(0, 0)], 'GOAWAY 0 1'],
  ['WINDOW_UPDATE of 0 for a stream', [headers(1, POST, 4), windowUpdate(1, 0)], 'RST_STREAM 1 1'],
  ['WINDOW_UPDATE on an idle stream', [windowUpdate(1, 1)], 'GOAWAY 0 1'],
  ['a window beyond 2^31-1', [windowUpdate(0, 0x7fffffff)], 'GOAWAY 0 3'],
  [
    'a window of a stream beyond 2^31-1',
    [headers(1, POST, 4), windowUpdate(1, 0x7fffffff)],
    'RST_STREAM 1 3',
  ],
  [
    'an initial window that makes one too large',
    [headers(1, POST, 4), windowUpdate(1, 0x7fff0000), settings([4, 0x7fffffff])],
    'GOAWAY 1 3',
  ],
  ['a frame larger than announced', [frame({ type: 99, payload: Buffer.alloc(16385) })], 'GOAWAY 0 6'],
  [
    'more content than content-length',
    [headers(1, [...POST, 'content-length', '1'], 4), data(1, 'xx')],
    'RST_STREAM 1 1',
  ],
  [
    'less content than content-length',
    [headers(1, [...POST, 'content-length', '2'], 4), data(1, 'x', 1)],
    'RST_STREAM 1 1',
  ],
  ['no content though content-length', [headers(1, [...POST, 'content-length', '2'])], 'RST_STREAM 1 1'],
  [
    'trailers before all the content',
    [headers(1, [...POST, 'content-length', '2'], 4), headers(1, ['a', 'b'])],
    'RST_STREAM 1 1',
  ],
  ['a malformed request', [headers(1, ['a', 'b'])], 'RST_STREAM 1 1'],
  [
    'trailers in a tunnel',
    [headers(1, [':method', 'CONNECT', ':authority', 'a:1'], 4), headers(1, ['a', 'b'])],
    'RST_STREAM 1 1',
  ],
];

describe('a server refuses', () => {
  it.each(refused)('%s', async (_name, frames, answer) => {
    const peer = await new RawPeer().open();
    const answers = await peer.send(...frames);
    expect(answers.filter((text) => /^(?:GOAWAY|RST_STREAM)/.test(text))).toEqual([answer]);
    const connectionError = answer.startsWith('GOAWAY');
    expect(peer.channel.finished).toBe(connectionError);
    // a stream alone is no reason to end the others
    expect(await peer.send(ping())).toEqual(connectionError ? [] : ['PING ACK']);
  });

  it('bytes that are no preface, at the first that differs', async () => {
    const peer = new RawPeer();
    peer.connection.start();
    expect(await peer.send(Buffer.from('PRI * HTTP/1'))).toEqual([
      'SETTINGS',
      'WINDOW_UPDATE 0 983041',
      'GOAWAY 0 1',
    ]);
  });

  it('a first frame other than SETTINGS', async () => {
    for (const first of [ping(), headers(1, GET), frame({ type: 4, flags: 1 })]) {
      const peer = new RawPeer();
      peer.connection.start();
      await peer.send();
      expect(await peer.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), first)).toEqual(['GOAWAY 0 1']);
    }
  });
});

describe('a server takes', () => {
  it('padding, priorities, unknown frames, settings and error codes', async () => {
    const peer = await new RawPeer().open();
    const padded = Buffer.concat([Buffer.from([3]), u32(0), Buffer.from([15]), block(POST), Buffer.alloc(3)]);
    const answers = await peer.send(
      frame({ type: 99, id: 77, payload: ONE }),
      settings([0xff, 5]),
      frame({ type: 1, flags: 0x2c, id: 1, payload: padded }),
      frame({ id: 1, flags: 9, payload: Buffer.from('\x02body\0\0') }),
      priority(9, 1),
      windowUpdate(1, 5),
      reset(1, 0xffff),
    );
    expect(answers).toEqual(['SETTINGS ACK']);
    expect(peer.recorder.events).toEqual(['1 request POST /', '1 end 4', '1 reset 65535']);
  });

  it('a field section in many frames', async () => {
    const peer = await new RawPeer().open();
    const payload = block([...GET, 'a', 'b'.repeat(40_000)]);
    const frames = [frame({ type: 1, flags: 1, id: 1, payload: payload.subarray(0, 10) })];
    for (let at = 10; at < payload.length; at += 10_000) {
      const end = Math.min(payload.length, at + 10_000);
      frames.push(continuation(1, payload.subarray(at, end), end === payload.length ? 4 : 0));
    }
    await peer.send(...frames);
    expect(peer.recorder.heads[0]!.fields[1]).toHaveLength(40_000);
  });

  it('late frames of streams that it reset, with their field sections and credit', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => stream.reset(8);
    expect(
      await peer.send(
        headers(1, POST, 4),
        data(1, 'x'),
        windowUpdate(1, 1),
        headers(1, ['a', 'b']),
        reset(1, 8),
      ),
    ).toEqual(['RST_STREAM 1 8']);
    expect(peer.recorder.events).toEqual(['1 request POST /']);
    expect(peer.connection.streams).toBe(0);
  });

  it('requests and answers with bodies and trailers', async () => {
    const peer = await new RawPeer().open();
    await peer.send(
      headers(1, [...POST, 'content-length', '4'], 4),
      data(1, 'ab'),
      data(1, 'cd'),
      headers(1, ['x-a', '1']),
    );
    expect(peer.recorder.events).toEqual(['1 request POST /', '1 trailers 4 x-a,1']);
    const [stream] = peer.recorder.streams;
    stream!.respond([':status', '103', 'link', 'x'], false);
    stream!.respond([':status', '200'], false);
    expect(stream!.write(Buffer.from('hello'))).toBe(true);
    stream!.end(['x-b', '2']);
    const answers = await peer.send();
    expect(answers.map((text) => text.replace(/ \d+( END)?$/, '$1'))).toEqual([
      'HEADERS 1',
      'HEADERS 1',
      'DATA 1',
      'HEADERS 1 END',
    ]);
    expect(peer.channel.writes).toEqual([]);
    expect(stream!.closed).toBe(true);
    expect(peer.connection.streams).toBe(0);
  });
});
