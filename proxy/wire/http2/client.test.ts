import { describe, expect, it } from 'vitest';
import {
  block,
  data,
  frame,
  goaway,
  headers,
  NEVER,
  ping,
  reset,
  settings,
  u32,
  windowUpdate,
} from './testing/frames.ts';
import { StreamRecorder } from './testing/recorder.ts';
import { GET, POST, RawPeer, type RawPeerOptions } from './testing/rawPeer.ts';

const OK = [':status', '200'];
const HEAD = [':method', 'HEAD', ...GET.slice(2)];
const CONNECT = [':method', 'CONNECT', ':authority', 'a:1'];
const EXTENDED = [':method', 'CONNECT', ':protocol', 'websocket', ...GET.slice(2)];

async function client(options: RawPeerOptions = {}) {
  const peer = await new RawPeer({ role: 'client', ...options }).open();
  const ask = (fields: readonly string[], ended = true) => {
    const name = String(peer.connection.streams * 2 + 1);
    const handler = new StreamRecorder(peer.recorder.events, name);
    return { handler, stream: peer.connection.request(fields, ended, handler) };
  };
  return { peer, ask, events: peer.recorder.events };
}

/** Answers to a request on stream 1, and what the client makes of them. */
type Parts = [fields: readonly string[], frames: Buffer[], says: string[], told: string[]];
const answers: [name: string, ...parts: Parts][] = [
  ['a body', GET, [headers(1, OK, 4), data(1, 'abc', 1)], [], ['1 response 200', '1 end 3']],
  ['no body', GET, [headers(1, OK)], [], ['1 response 200 END']],
  [
    'interim heads',
    GET,
    [headers(1, [':status', '100'], 4), headers(1, [':status', '103'], 4), headers(1, OK)],
    [],
    ['1 interim 100', '1 interim 103', '1 response 200 END'],
  ],
  [
    'trailers',
    GET,
    [headers(1, OK, 4), data(1, 'a'), headers(1, ['grpc-status', '0'])],
    [],
    ['1 response 200', '1 trailers 1 grpc-status,0'],
  ],
  ['content-length to HEAD', HEAD, [headers(1, [...OK, 'content-length', '9'])], [], ['1 response 200 END']],
  [
    'content-length of 304',
    GET,
    [headers(1, [':status', '304', 'content-length', '9'])],
    [],
    ['1 response 304 END'],
  ],
  [
    'content to HEAD',
    HEAD,
    [headers(1, OK, 4), data(1, 'a', 1)],
    ['RST_STREAM 1 1'],
    ['1 response 200', '1 reset 1'],
  ],
  [
    'content of 204',
    GET,
    [headers(1, [':status', '204'], 4), data(1, 'a', 1)],
    ['RST_STREAM 1 1'],
    ['1 response 204', '1 reset 1'],
  ],
  [
    'less than content-length',
    GET,
    [headers(1, [...OK, 'content-length', '9'])],
    ['RST_STREAM 1 1'],
    ['1 reset 1'],
  ],
  ['content before a head', GET, [data(1, 'a')], ['RST_STREAM 1 1'], ['1 reset 1']],
  [
    'content after an interim head',
    GET,
    [headers(1, [':status', '100'], 4), data(1, 'a')],
    ['RST_STREAM 1 1'],
    ['1 interim 100', '1 reset 1'],
  ],
  ['an interim head that ends', GET, [headers(1, [':status', '100'])], ['RST_STREAM 1 1'], ['1 reset 1']],
  ['status 101', GET, [headers(1, [':status', '101'], 4)], ['RST_STREAM 1 1'], ['1 reset 1']],
  ['no status', GET, [headers(1, ['a', 'b'])], ['RST_STREAM 1 1'], ['1 reset 1']],
  ['a pseudo-field of requests', GET, [headers(1, [...OK, ':path', '/'])], ['RST_STREAM 1 1'], ['1 reset 1']],
  ['an upper-case name', GET, [headers(1, [...OK, 'A', 'b'])], ['RST_STREAM 1 1'], ['1 reset 1']],
  [
    'too many interim heads',
    GET,
    Array.from({ length: 17 }, () => headers(1, [':status', '103'], 4)),
    ['RST_STREAM 1 11'],
    [...Array.from({ length: 16 }, () => '1 interim 103'), '1 reset 11'],
  ],
  ['a reset', GET, [reset(1, 2)], [], ['1 reset 2']],
  ['a refusal', GET, [reset(1, 7)], [], ['1 reset 7 unprocessed']],
  [
    'a second final head',
    GET,
    [headers(1, OK, 4), headers(1, OK)],
    ['RST_STREAM 1 1'],
    ['1 response 200', '1 reset 1'],
  ],
  [
    'a tunnel with a length',
    CONNECT,
    [headers(1, [...OK, 'content-length', '1'], 4), data(1, 'abc')],
    [],
    ['1 response 200'],
  ],
  [
    'a refused tunnel with trailers',
    CONNECT,
    [headers(1, [':status', '403'], 4), headers(1, ['a', 'b'])],
    [],
    ['1 response 403', '1 trailers 0 a,b'],
  ],
  [
    'a push',
    GET,
    [frame({ type: 5, flags: 4, id: 1, payload: Buffer.concat([u32(2), block(GET)]) })],
    ['GOAWAY 0 1'],
    ['going away', '1 reset 1'],
  ],
  ['HEADERS on an idle stream', GET, [headers(3, OK)], ['GOAWAY 0 1'], ['going away', '1 reset 1']],
  ['HEADERS on an even stream', GET, [headers(2, OK)], ['GOAWAY 0 1'], ['going away', '1 reset 1']],
  ['ENABLE_PUSH of a server', GET, [settings([2, 1])], ['GOAWAY 0 1'], ['going away', '1 reset 1']],
];

describe('a client that gets', () => {
  it.each(answers)('%s', async (_name, ...parts) => {
    const [fields, frames, says, told] = parts;
    const { peer, ask, events } = await client();
    ask(fields);
    expect(await peer.send()).toEqual([expect.stringMatching(/^HEADERS 1 \d+ END$/)]);
    expect(await peer.send(...frames)).toEqual(says);
    expect(events).toEqual(told);
  });

  it('frames of a stream that it reset', async () => {
    const { peer, ask, events } = await client();
    const { stream } = ask(GET);
    stream!.reset(8);
    await peer.send();
    expect(await peer.send(headers(1, OK, 4), data(1, 'abc'), headers(1, ['a', 'b']), ping())).toEqual([
      'PING ACK',
    ]);
    expect(events).toEqual([]);
  });

  it('frames of a stream that has ended', async () => {
    const { peer, ask } = await client();
    ask(GET);
    await peer.send(headers(1, OK));
    expect(await peer.send(data(1, 'x'))).toEqual(['GOAWAY 0 5']);
  });
});

describe('a client', () => {
  it('begins with preface and SETTINGS without push, and may send at once', async () => {
    const peer = new RawPeer({ role: 'client' });
    peer.connection.start();
    expect(peer.connection.ready).toBe(false);
    peer.connection.request(GET, true, new StreamRecorder([], '1'));
    const frames = await peer.exchange();
    expect(frames.map(({ type }) => type)).toEqual([4, 8, 1]);
    const pairs = frames[0]!.payload;
    const enablePush = [...Array(pairs.length / 6).keys()].find((at) => pairs.readUInt16BE(at * 6) === 2)!;
    expect(pairs.readUInt32BE(enablePush * 6 + 2)).toBe(0);
  });

  it('opens no more streams than the server takes, and says when more may be', async () => {
    const { peer, ask, events } = await client({ announces: [[3, 1]] });
    expect(peer.connection.canOpen).toBe(true);
    ask(GET);
    expect(peer.connection.canOpen).toBe(false);
    expect(ask(GET).stream).toBeUndefined();
    await peer.send(headers(1, OK));
    expect(events).toEqual(['1 response 200 END', 'available']);
    expect(ask(GET).stream?.id).toBe(3);
    await peer.send(settings([3, 5]));
    expect(events.at(-1)).toBe('available');
    expect(peer.connection.canOpen).toBe(true);
  });

  it('sends :protocol only to servers that take it', async () => {
    const { peer, ask } = await client();
    expect(ask(EXTENDED, false).stream).toBeUndefined();
    await peer.send(settings([8, 1]));
    expect(peer.connection.extendedConnect).toBe(true);
    const { stream } = ask(EXTENDED, false);
    await peer.send(headers(1, OK, 4), data(1, 'abc'));
    expect(stream!.write(Buffer.from('x'))).toBe(true);
    expect(await peer.send()).toEqual(['DATA 1 1']);
  });

  it('tells which requests were not processed when the server goes away', async () => {
    const { peer, ask, events } = await client();
    ask(GET);
    ask(GET);
    await peer.send(goaway(1));
    expect(events).toEqual(['going away', '3 reset 7 unprocessed']);
    expect(peer.connection.canOpen).toBe(false);
    expect(peer.channel.finished).toBe(false);
    await peer.send(headers(1, OK));
    expect(peer.channel.finished).toBe(true);
    peer.channel.destroy();
    expect(events.at(-1)).toBe('closed');
  });

  it('tells which requests were never sent when the channel breaks', async () => {
    const { peer, ask, events } = await client();
    ask(GET);
    await peer.send();
    ask(GET);
    peer.channel.destroy(new Error('ECONNRESET'));
    expect(events).toEqual(['1 reset 2', '3 reset 2 unprocessed', 'going away', 'closed: ECONNRESET']);
    expect(peer.connection.idleSince).toBeGreaterThan(0);
  });

  it('is told that its streams are over when the server closes', async () => {
    const { peer, ask, events } = await client();
    ask(GET);
    await peer.send();
    peer.channel.finish();
    expect(events).toEqual(['going away', '1 reset 2']);
    await peer.send();
    expect(peer.channel.finished).toBe(true);
  });

  it('finishes its streams after a shutdown, then closes', async () => {
    const { peer, ask, events } = await client();
    ask(GET);
    await peer.send();
    peer.connection.shutdown();
    expect(peer.connection.canOpen).toBe(false);
    expect(await peer.send()).toEqual(['GOAWAY 0 0']);
    expect(peer.channel.finished).toBe(false);
    await peer.send(headers(1, OK));
    expect(events).toEqual(['going away', '1 response 200 END']);
    expect(peer.channel.finished).toBe(true);
  });

  it('passes on what must never be indexed', async () => {
    const { peer, ask } = await client();
    const secret = block(['x-k', 'v'], NEVER);
    const { handler, stream } = ask(POST, false);
    await peer.send(frame({ type: 1, flags: 5, id: 1, payload: Buffer.concat([block(OK), secret]) }));
    expect(handler.head!.neverIndexed).toEqual(['x-k']);
    peer.connection.neverIndexed = handler.head!.neverIndexed;
    ask([...GET, 'x-k', 'v']);
    ask([...GET, 'x-k', 'v']);
    stream!.neverIndexed = handler.head!.neverIndexed;
    stream!.end(['x-k', 'v']);
    const [first, second, trailers] = await peer.exchange();
    expect(first!.payload.includes(secret)).toBe(true);
    expect(second!.payload.includes(secret)).toBe(false);
    // by now the table has the name
    expect([trailers!.id, trailers!.payload[0]! & 0xf0]).toEqual([1, NEVER]);
  });

  it('ends the upload of a request that was answered early', async () => {
    const { peer, ask, events } = await client();
    const { stream } = ask(POST, false);
    await peer.send(headers(1, OK), windowUpdate(1, 1));
    expect(stream!.closed).toBe(false);
    await peer.send(reset(1, 0));
    expect(events).toEqual(['1 response 200 END', '1 reset 0']);
    expect(stream!.closed).toBe(true);
  });
});
