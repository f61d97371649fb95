import { describe, expect, it } from 'vitest';
import { flood, Floods } from './floods.ts';
import {
  block,
  continuation,
  data,
  frame,
  headers,
  ping,
  priority,
  reset,
  settings,
  windowUpdate,
} from './testing/frames.ts';
import { turn } from './testing/fakeChannel.ts';
import { MESH_LIMITS } from '../streams/limits.ts';
import { GET, POST, RawPeer } from './testing/rawPeer.ts';

const OK = [':status', '200'];
const times = (count: number, make: (index: number) => Buffer) =>
  Array.from({ length: count }, (_, index) => make(index));
const id = (index: number) => index * 2 + 1;

/** What is too much of what; a stream is open. */
const floods: [name: string, frames: Buffer[], text: string][] = [
  ['PING', times(3100, () => ping()), 'too many PING frames'],
  ['answers to no PING', times(3100, () => ping(Buffer.alloc(8), 1)), 'too many PING frames'],
  ['SETTINGS', times(120, () => settings()), 'too many SETTINGS'],
  [
    'settings in one frame',
    [settings(...times(33, () => Buffer.alloc(0)).map((): [number, number] => [99, 0]))],
    'too many SETTINGS',
  ],
  [
    'streams that are opened and reset',
    times(1200, (index) => Buffer.concat([headers(id(index + 1), GET), reset(id(index + 1), 8)])),
    'too many streams reset',
  ],
  [
    'streams that are reset by what is wrong with them',
    times(1200, (index) => Buffer.concat([headers(id(index + 1), POST, 4), windowUpdate(id(index + 1), 0)])),
    'too many streams reset',
  ],
  [
    'malformed requests',
    times(1200, (index) => headers(id(index + 1), ['a', 'b'])),
    'too many streams reset',
  ],
  ['refused streams', times(1500, (index) => headers(id(index + 1), POST, 4)), 'too many streams reset'],
  ['empty DATA', times(1200, () => data(1, '')), 'too many empty DATA frames'],
  [
    'DATA of padding alone',
    times(1200, () => frame({ id: 1, flags: 8, payload: Buffer.from([1, 0]) })),
    'too many empty DATA frames',
  ],
  ['WINDOW_UPDATE', times(6100, () => windowUpdate(0, 1)), 'too many WINDOW_UPDATE frames'],
  ['PRIORITY', times(1200, () => priority(9, 1)), 'too many PRIORITY frames'],
  ['frames of unknown types', times(1200, () => frame({ type: 77 })), 'too many frames of unknown types'],
  [
    'resets of a closed stream',
    [reset(1, 8), Buffer.concat(times(115_000, () => reset(1, 8)))],
    'too many frames on closed streams',
  ],
  [
    'empty CONTINUATION',
    [headers(3, GET, 1), ...times(40, () => continuation(3, Buffer.alloc(0)))],
    'field section is too large or in too many frames',
  ],
  [
    'a field section of many bytes',
    [headers(3, GET, 1), ...times(6, () => continuation(3, Buffer.alloc(16_000)))],
    'field section is too large or in too many frames',
  ],
];

describe('a flood of', () => {
  it.each(floods)('%s ends the connection', async (_name, frames, text) => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, POST, 4));
    const answers = await peer.send(...frames);
    expect(answers.filter((answer) => answer.startsWith('GOAWAY'))).toEqual([
      expect.stringMatching(/^GOAWAY \d+ 11$/),
    ]);
    peer.channel.destroy();
    expect(peer.recorder.error?.message).toBe(text);
  });

  it('requests that are answered is none', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => stream.respond(OK, true);
    for (let index = 0; index < 3000; index++) {
      peer.channel.feed(headers(id(index), GET));
      if (index % 2 === 0) peer.channel.feed(reset(id(index), 8));
    }
    await turn();
    expect(peer.connection.open).toBe(true);
  });

  it('a PING for each DATA frame is none, as gRPC measures bandwidth', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => stream.respond(OK, false);
    await peer.send(headers(1, POST, 4));
    const stream = peer.connection.table.open.get(1)!;
    for (let index = 0; index < 6000; index++) {
      stream.write(Buffer.from('x'));
      await turn();
      peer.channel.feed(ping());
      if (index % 1000 === 0) await peer.send(windowUpdate(0, 1000), windowUpdate(1, 1000));
    }
    await turn();
    expect(peer.connection.open).toBe(true);
  });

  it('what was under way on many streams when they were reset is none', async () => {
    const peer = await new RawPeer().open();
    for (let index = 0; index < 30; index++) await peer.send(headers(id(index), POST, 4));
    for (const stream of peer.connection.table.open.values()) stream.reset(8);
    for (let index = 0; index < 30; index++)
      peer.channel.feed(Buffer.concat(times(2500, () => data(id(index), 'x'))));
    await turn();
    expect(peer.connection.open).toBe(true);
  });

  it('streams that are left after their answer has begun is none', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => stream.respond(OK, false);
    for (let index = 0; index < 3000; index++) {
      peer.channel.feed(Buffer.concat([headers(id(index), GET), reset(id(index), 8)]));
    }
    await turn();
    expect(peer.connection.open).toBe(true);
  });

  it('streams that are left after an interim answer alone ends the connection', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => stream.respond([':status', '103'], false);
    for (let index = 0; index < 3000; index++) {
      peer.channel.feed(Buffer.concat([headers(id(index), GET), reset(id(index), 8)]));
    }
    await turn();
    expect(peer.connection.open).toBe(false);
  });

  it('callers who give up is none between two proxies', async () => {
    const peer = await new RawPeer({ limits: MESH_LIMITS }).open();
    for (let index = 0; index < 20_000; index++) {
      peer.channel.feed(Buffer.concat([headers(id(index), GET), reset(id(index), 8)]));
    }
    await turn();
    expect(peer.connection.open).toBe(true);
  });

  it('PING between two proxies ends the connection as any other', async () => {
    const peer = await new RawPeer({ limits: MESH_LIMITS }).open();
    for (let index = 0; index < 3100; index++) peer.channel.feed(ping());
    await turn();
    expect(peer.connection.open).toBe(false);
  });

  it('cancellations among as many answers is none', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => stream.id % 4 === 1 && stream.respond(OK, true);
    for (let index = 0; index < 6000; index++) {
      peer.channel.feed(headers(id(index), GET));
      if (id(index) % 4 === 3) peer.channel.feed(reset(id(index), 8));
    }
    await turn();
    expect(peer.connection.open).toBe(true);
  });
});

describe('a client that does not read', () => {
  it('is not read from either, until it does', async () => {
    const peer = await new RawPeer({ limits: { outBytes: 1000 } }).open();
    peer.recorder.onRequest = (stream) => stream.respond([...OK, 'a', `${stream.id}`.repeat(100)], true);
    peer.channel.takes = false;
    let streamId = 1;
    for (; !peer.channel.paused; streamId += 2) {
      peer.channel.feed(headers(streamId, GET));
      await turn();
      expect(streamId).toBeLessThan(50);
    }
    expect(peer.connection.writer.bytes).toBeLessThan(2000);
    peer.channel.takes = true;
    peer.channel.handler.drain();
    expect(peer.channel.paused).toBe(false);
    const answers = await peer.send();
    expect(answers).toHaveLength((streamId - 1) / 2);
    expect(peer.connection.open).toBe(true);
  });

  it('is left when it goes on all the same', async () => {
    const peer = await new RawPeer({ limits: { outBytes: 1000 } }).open();
    peer.channel.takes = false;
    await peer.send(ping());
    await peer.send(...times(200, () => ping()));
    expect(peer.channel.closed).toBe(true);
    expect(peer.recorder.error?.message).toBe('the peer does not read');
  });
});

describe('field sections larger than announced', () => {
  it('are answered with 431, and the connection goes on', async () => {
    const peer = await new RawPeer({ limits: { headerListBytes: 1000 } }).open();
    const large = [...GET, 'a', 'b'.repeat(1000)];
    expect(await peer.send(headers(1, large))).toEqual([expect.stringMatching(/^HEADERS 1 \d+ END$/)]);
    expect(await peer.send(headers(3, large, 4))).toEqual([
      expect.stringMatching(/^HEADERS 3 \d+ END$/),
      'RST_STREAM 3 0',
    ]);
    expect(await peer.send(data(3, 'late'), headers(5, GET))).toEqual([]);
    expect(peer.recorder.events).toEqual(['5 request GET / END']);
    expect(await peer.send(headers(7, POST, 4), headers(7, ['a', 'b'.repeat(1000)]))).toEqual([
      'RST_STREAM 7 11',
    ]);
  });
});

describe('an allowance', () => {
  it('comes back with time, up to what it was', () => {
    let now = 1000;
    const counted = new Floods(() => now);
    const use = (): number => {
      let count = 0;
      while (counted.take(flood.settings)) count++;
      return count;
    };
    expect(use()).toBe(100);
    expect(use()).toBe(0);
    now += 500;
    expect(use()).toBe(5);
    now += 1_000_000;
    expect(use()).toBe(100);
    counted.giveBack(flood.settings, 7);
    expect(use()).toBe(7);
  });
});

describe('the header block of', () => {
  it('a refused stream still counts for the next', async () => {
    const peer = await new RawPeer({ limits: { streams: 1 } }).open();
    await peer.send(headers(1, POST, 4));
    // a literal with incremental indexing, then its index
    const indexed = Buffer.concat([
      block(GET),
      Buffer.from([0x40, 1]),
      Buffer.from('k'),
      Buffer.from([1]),
      Buffer.from('v'),
    ]);
    expect(await peer.send(frame({ type: 1, flags: 5, id: 3, payload: indexed }))).toEqual([
      'RST_STREAM 3 7',
    ]);
    await peer.send(reset(1, 8));
    await peer.send(
      frame({ type: 1, flags: 5, id: 5, payload: Buffer.concat([block(GET), Buffer.from([0xbe])]) }),
    );
    expect(peer.recorder.heads.at(-1)!.fields).toEqual(['k', 'v']);
  });
});
