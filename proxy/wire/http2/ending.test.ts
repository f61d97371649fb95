import { describe, expect, it } from 'vitest';
import { data, frame, goaway, headers, ping, u32 } from './testing/frames.ts';
import { turn } from './testing/fakeChannel.ts';
import { StreamRecorder } from './testing/recorder.ts';
import { GET, POST, RawPeer } from './testing/rawPeer.ts';

const OK = [':status', '200'];
const later = (milliseconds: number) => performance.now() + milliseconds;

describe('a server that shuts down', () => {
  it('says so, takes what comes until a round trip later, finishes it and closes', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, GET));
    peer.connection.shutdown();
    peer.connection.shutdown();
    expect(peer.connection.open).toBe(false);
    const [said, asked] = await peer.exchange();
    expect([said!.type, said!.payload.readUInt32BE(0)]).toEqual([7, 0x7fffffff]);
    // the client had not heard of it yet
    expect(await peer.send(headers(3, GET))).toEqual([]);
    expect(await peer.send(ping(asked!.payload, 1))).toEqual(['GOAWAY 3 0']);
    expect(await peer.send(headers(5, GET), data(7, 'x'))).toEqual([]);
    expect(peer.recorder.events).toEqual(['1 request GET / END', 'going away', '3 request GET / END']);
    for (const stream of peer.recorder.streams) stream.respond(OK, true);
    expect(peer.channel.finished).toBe(false);
    await peer.send();
    expect(peer.channel.finished).toBe(true);
    peer.channel.destroy();
    expect(peer.recorder.events.at(-1)).toBe('closed');
  });

  it('does not wait for the round trip for ever', async () => {
    const peer = await new RawPeer({ limits: { pingAfterMs: Infinity } }).open();
    peer.connection.shutdown();
    await peer.send();
    peer.connection.sweep(later(9_000));
    expect(await peer.send()).toEqual([]);
    peer.connection.sweep(later(11_000));
    expect(await peer.send()).toEqual(['GOAWAY 0 0']);
    expect(peer.channel.finished).toBe(true);
  });

  it('gives the client time to read the last frames, but not for ever', async () => {
    const peer = await new RawPeer().open();
    peer.channel.flushed = false;
    await peer.send(data(0, 'x'));
    expect(peer.channel.finished).toBe(true);
    peer.connection.sweep(later(50_000));
    expect(peer.channel.closed).toBe(false);
    peer.channel.flushed = true;
    peer.connection.sweep(later(51_000));
    peer.connection.sweep(later(52_900));
    expect(peer.channel.closed).toBe(false);
    peer.connection.sweep(later(53_100));
    expect(peer.channel.closed).toBe(true);
    expect(peer.recorder.error).toMatchObject({ code: 'HTTP2_FAILED', message: 'DATA on stream 0' });
  });
});

describe('the end of a connection', () => {
  it('by destroy tells the peer and every stream, once', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, GET), headers(3, POST, 4));
    peer.connection.destroy();
    peer.connection.destroy();
    expect(await peer.send()).toEqual(['GOAWAY 3 0']);
    expect(peer.channel.closed).toBe(true);
    expect(peer.recorder.events.slice(2)).toEqual(['1 reset 8', '3 reset 8', 'going away', 'closed']);
    const [stream] = peer.recorder.streams;
    stream!.respond(OK, false);
    expect(stream!.write(Buffer.from('x'))).toBe(true);
    stream!.end();
    stream!.reset(8);
    stream!.pause();
    stream!.resume();
    peer.connection.sweep(later(1e9));
    expect(await peer.send()).toEqual([]);
    expect(peer.connection.ping(() => {})).toBe(false);
  });

  it('by the client with GOAWAY lets its streams finish', async () => {
    const peer = await new RawPeer().open();
    await peer.send(headers(1, GET), goaway(0));
    peer.recorder.streams[0]!.respond(OK, true);
    expect(await peer.send()).toEqual([expect.stringMatching(/^HEADERS 1/)]);
    peer.channel.finish();
    await turn();
    expect(peer.channel.finished).toBe(true);
    peer.channel.destroy();
    expect(peer.recorder.events.slice(1)).toEqual(['going away', 'closed']);
  });

  it('by GOAWAY with an error names it', async () => {
    const peer = await new RawPeer({ role: 'client' }).open();
    await peer.send(frame({ type: 7, payload: Buffer.concat([u32(0, 11), Buffer.from('calm')]) }));
    peer.channel.destroy();
    expect(peer.recorder.error?.message).toBe('the peer ended the connection with ENHANCE_YOUR_CALM');
  });

  it('under streams is an error, and without is none', async () => {
    const busy = await new RawPeer().open();
    await busy.send(headers(1, GET));
    busy.channel.destroy();
    expect(busy.recorder.events.slice(1)).toEqual([
      '1 reset 8',
      'going away',
      'closed: the connection was cut under its streams',
    ]);
    const idle = await new RawPeer().open();
    idle.channel.destroy();
    expect(idle.recorder.events).toEqual(['going away', 'closed']);
  });
});

describe('an answer before the end of the request', () => {
  it('resets the stream with NO_ERROR once it has been sent', async () => {
    const peer = await new RawPeer({ announces: [[4, 3]] }).open();
    await peer.send(headers(1, POST, 4));
    const [stream] = peer.recorder.streams;
    stream!.respond(OK, false);
    stream!.write(Buffer.from('abcd'));
    stream!.end();
    stream!.reset(0);
    expect((await peer.send()).slice(1)).toEqual(['DATA 1 3']);
    expect(stream!.closed).toBe(false);
    expect(await peer.send(frame({ type: 8, id: 1, payload: u32(9) }))).toEqual([
      'DATA 1 1 END',
      'RST_STREAM 1 0',
    ]);
    expect(stream!.closed).toBe(true);
    expect(peer.recorder.events).toEqual(['1 request POST /']);
  });
});

describe('the peer is watched', () => {
  it('asked after silence, and given up when it does not answer', async () => {
    const peer = await new RawPeer({ role: 'client' }).open();
    peer.connection.request(GET, true, new StreamRecorder(peer.recorder.events, '1'));
    await peer.send();
    peer.connection.sweep(later(0));
    peer.connection.sweep(later(19_000));
    expect(await peer.send()).toEqual([]);
    peer.connection.sweep(later(21_000));
    const [asked] = await peer.exchange();
    await peer.send(ping(asked!.payload, 1));
    peer.connection.sweep(later(32_000));
    peer.connection.sweep(later(53_000));
    expect(await peer.send()).toEqual(['PING']);
    peer.connection.sweep(later(64_000));
    expect(peer.channel.closed).toBe(true);
    expect(peer.recorder.events).toEqual(['1 reset 2', 'going away', 'closed: the peer does not answer']);
  });

  it('not asked by a server without streams', async () => {
    const peer = await new RawPeer().open();
    peer.connection.sweep(later(0));
    peer.connection.sweep(later(1e9));
    expect(await peer.send()).toEqual([]);
  });

  it('given up when it does not acknowledge SETTINGS', async () => {
    const peer = new RawPeer();
    peer.connection.start();
    await peer.send();
    peer.connection.sweep(later(10_100));
    expect(await peer.send()).toEqual(['GOAWAY 0 4']);
  });

  it('given up when it does not complete a frame or a field section', async () => {
    for (const begun of [Buffer.from([0, 0, 8]), headers(1, GET, 1)]) {
      const peer = await new RawPeer().open();
      await peer.send(begun);
      peer.connection.sweep(later(100));
      peer.connection.sweep(later(200));
      peer.connection.sweep(later(9_000));
      expect(await peer.send()).toEqual([]);
      peer.connection.sweep(later(10_400));
      expect(await peer.send()).toEqual(['GOAWAY 0 11']);
    }
  });

  it('given up when it does not read', async () => {
    const peer = await new RawPeer({ limits: { pingAfterMs: Infinity } }).open();
    peer.channel.takes = false;
    await peer.send(headers(1, GET), ping());
    peer.connection.sweep(later(0));
    peer.connection.sweep(later(59_000));
    expect(peer.channel.closed).toBe(false);
    peer.connection.sweep(later(61_000));
    expect(peer.recorder.events.at(-1)).toBe('closed: the peer does not read');
  });

  it('measured', async () => {
    const peer = await new RawPeer().open();
    const times: number[] = [];
    for (let count = 0; count < 16; count++) expect(peer.connection.ping((ms) => times.push(ms))).toBe(true);
    expect(peer.connection.ping(() => {})).toBe(false);
    const asked = await peer.exchange();
    await peer.send(ping(Buffer.alloc(8), 1), ...asked.map(({ payload }) => ping(payload, 1)));
    expect(times).toHaveLength(16);
  });
});
