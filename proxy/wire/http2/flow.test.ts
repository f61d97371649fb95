import { afterEach, describe, expect, it } from 'vitest';
import { memory } from './memory.ts';
import { data, headers, settings, windowUpdate } from './testing/frames.ts';
import { turn } from './testing/fakeChannel.ts';
import { GET, POST, RawPeer } from './testing/rawPeer.ts';

const OK = [':status', '200'];
const sizes = (answers: string[]) => answers.filter((text) => text.startsWith('DATA'));

async function answering(body: Buffer, options: ConstructorParameters<typeof RawPeer>[0] = {}) {
  const peer = await new RawPeer(options).open();
  peer.recorder.onRequest = (stream) => {
    stream.respond(OK, false);
    stream.write(body);
    stream.end();
  };
  return peer;
}

describe('sending', () => {
  it('keeps within the window of the stream', async () => {
    const peer = await answering(Buffer.alloc(10), { announces: [[4, 3]] });
    expect(sizes(await peer.send(headers(1, GET)))).toEqual(['DATA 1 3']);
    expect(await peer.send(windowUpdate(1, 2))).toEqual(['DATA 1 2']);
    expect(await peer.send(windowUpdate(1, 100))).toEqual(['DATA 1 5 END']);
  });

  it('keeps within the window of the connection, and lets streams take turns', async () => {
    const peer = await answering(Buffer.alloc(40_000), { announces: [[4, 1_000_000]] });
    expect(sizes(await peer.send(headers(1, GET), headers(3, GET), headers(5, GET)))).toEqual([
      'DATA 1 16384',
      'DATA 3 16384',
      'DATA 5 16384',
      'DATA 1 16383',
    ]);
    expect(await peer.send(windowUpdate(0, 20_000))).toEqual(['DATA 3 16384', 'DATA 5 3616']);
    expect(await peer.send(windowUpdate(0, 100_000))).toEqual(
      ['DATA 1 7233 END', 'DATA 5 16384', 'DATA 3 7232 END', 'DATA 5 3616 END'].toSorted(
        (a, b) => order.indexOf(a) - order.indexOf(b),
      ),
    );
  });
  const order = ['DATA 1 7233 END', 'DATA 3 7232 END', 'DATA 5 16384', 'DATA 5 3616 END'];

  it('lets a window become negative and takes it up again above zero', async () => {
    const peer = await answering(Buffer.alloc(30), { announces: [[4, 20]] });
    expect(sizes(await peer.send(headers(1, GET)))).toEqual(['DATA 1 20']);
    expect(await peer.send(settings([4, 5]))).toEqual(['SETTINGS ACK']);
    expect(await peer.send(windowUpdate(1, 15))).toEqual([]);
    expect(await peer.send(windowUpdate(1, 1))).toEqual(['DATA 1 1']);
    expect(await peer.send(settings([4, 50]))).toEqual(['SETTINGS ACK', 'DATA 1 9 END']);
  });

  it('ends a stream whatever the windows say', async () => {
    const peer = await answering(Buffer.alloc(0), { announces: [[4, 0]] });
    expect(sizes(await peer.send(headers(1, GET)))).toEqual(['DATA 1 0 END']);
  });

  it('sends trailers after content that had to wait', async () => {
    const peer = await new RawPeer({ announces: [[4, 1]] }).open();
    peer.recorder.onRequest = (stream) => {
      stream.respond(OK, false);
      stream.write(Buffer.from('ab'));
      stream.end(['a', 'b']);
    };
    expect((await peer.send(headers(1, GET))).slice(1)).toEqual(['DATA 1 1']);
    expect(await peer.send(windowUpdate(1, 9))).toEqual([
      'DATA 1 1',
      expect.stringMatching(/^HEADERS 1 \d+ END$/),
    ]);
  });

  it('gathers small writes of a turn into one frame and one write', async () => {
    const peer = await new RawPeer().open();
    peer.recorder.onRequest = (stream) => {
      stream.respond(OK, false);
      for (const text of ['ab', 'cd', 'ef']) stream.write(Buffer.from(text));
      stream.end();
    };
    peer.channel.feed(Buffer.concat([headers(1, GET), headers(3, GET)]));
    await turn();
    expect(peer.channel.writes).toHaveLength(1);
    expect(sizes(await peer.send())).toEqual(['DATA 1 6 END', 'DATA 3 6 END']);
  });

  it('does not let a large body hold up a small answer', async () => {
    const peer = await new RawPeer({ announces: [[4, 10_000_000]] }).open();
    await peer.send(windowUpdate(0, 10_000_000), headers(1, GET));
    peer.recorder.streams[0]!.respond(OK, false);
    peer.recorder.streams[0]!.write(Buffer.alloc(1_000_000));
    peer.channel.takes = false;
    const before = sizes(await peer.send());
    expect(before).toHaveLength(4);
    await peer.send(headers(3, GET));
    peer.recorder.streams[1]!.respond(OK, false);
    peer.recorder.streams[1]!.write(Buffer.alloc(10));
    peer.recorder.streams[1]!.end();
    expect(await peer.send()).toEqual([]);
    peer.channel.handler.drain();
    const after = await peer.send();
    expect(after.slice(0, 3)).toEqual([expect.stringMatching(/^HEADERS 3/), 'DATA 1 16384', 'DATA 3 10 END']);
  });

  it('asks writers to wait, and says when they may go on', async () => {
    const peer = await new RawPeer({ limits: { streamQueueBytes: 100 } }).open();
    await peer.send(headers(1, GET));
    const [stream] = peer.recorder.streams;
    stream!.respond(OK, false);
    let drained = 0;
    peer.recorder.handlers[0]!.onDrain = () => drained++;
    expect(stream!.write(Buffer.alloc(99))).toBe(true);
    expect(stream!.write(Buffer.alloc(1))).toBe(false);
    await peer.send();
    expect(drained).toBe(1);
    await peer.send();
    expect(drained).toBe(1);
  });

  it('asks all writers to wait once much is queued on all streams', async () => {
    const peer = await new RawPeer({ limits: { queueBytes: 100 }, announces: [[4, 0]] }).open();
    await peer.send(headers(1, GET), headers(3, GET));
    const [first, second] = peer.recorder.streams;
    first!.respond(OK, false);
    second!.respond(OK, false);
    expect(first!.write(Buffer.alloc(100))).toBe(false);
    expect(second!.write(Buffer.alloc(1))).toBe(false);
    first!.reset(8);
    expect(second!.write(Buffer.alloc(1))).toBe(true);
  });
});

describe('receiving', () => {
  afterEach(() => {
    memory.heldLimit = memory.queuedLimit = 64 * 1024 * 1024;
  });
  const limits = { streamWindow: 100, connectionWindow: 65_535 };
  const piece = (id: number, size: number) => data(id, Buffer.alloc(size));

  it('gives credit back in halves of the window', async () => {
    const peer = await new RawPeer({ limits }).open();
    await peer.send(headers(1, POST, 4));
    expect(await peer.send(piece(1, 49))).toEqual([]);
    expect(await peer.send(piece(1, 1))).toEqual(['WINDOW_UPDATE 1 50']);
  });

  it('gives none while paused, and all of it when resumed', async () => {
    const peer = await new RawPeer({ limits }).open();
    await peer.send(headers(1, POST, 4));
    const [stream] = peer.recorder.streams;
    stream!.pause();
    expect(await peer.send(piece(1, 100))).toEqual([]);
    expect(peer.recorder.handlers[0]!.body).toHaveLength(100);
    expect(memory.held).toBe(100);
    stream!.resume();
    expect(memory.held).toBe(0);
    expect(await peer.send()).toEqual(['WINDOW_UPDATE 1 100']);
  });

  it('refuses what exceeds the window of a stream, or of the connection', async () => {
    const peer = await new RawPeer({ limits }).open();
    await peer.send(headers(1, POST, 4));
    peer.recorder.streams[0]!.pause();
    expect(await peer.send(piece(1, 60), piece(1, 41))).toEqual(['RST_STREAM 1 3']);
    const other = await new RawPeer({ limits: { heldBytes: 0 } }).open();
    await other.send(
      headers(1, POST, 4),
      headers(3, POST, 4),
      headers(5, POST, 4),
      headers(7, POST, 4),
      headers(9, POST, 4),
    );
    for (const stream of other.recorder.streams) stream.pause();
    const much = [1, 3, 5, 7].flatMap((id) => Array.from({ length: 16 }, () => piece(id, 16_384)));
    expect(await other.send(...much)).toEqual([]);
    expect(await other.send(piece(9, 1))).toEqual(['GOAWAY 9 3']);
    expect(memory.held).toBe(0);
  });

  it('takes what the default window permits until the peer knows the smaller one', async () => {
    const peer = new RawPeer({ limits });
    peer.connection.start();
    await peer.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings(), headers(1, POST, 4));
    peer.recorder.streams[0]!.pause();
    expect(await peer.send(piece(1, 16_000))).toEqual([]);
    expect(peer.recorder.handlers[0]!.body).toHaveLength(16_000);
    peer.connection.destroy();
  });

  it('counts padding', async () => {
    const peer = await new RawPeer({ limits }).open();
    await peer.send(headers(1, POST, 4));
    const padded = Buffer.concat([Buffer.from([0, 0, 50, 0, 8, 0, 0, 0, 1, 49]), Buffer.alloc(49)]);
    expect(await peer.send(padded, data(1, '', 1))).toEqual(['WINDOW_UPDATE 1 50']);
    expect(peer.recorder.events.at(-1)).toBe('1 end 0');
  });

  it('does not let a paused stream hold up others', async () => {
    const peer = await new RawPeer({ limits: { connectionWindow: 65_535 } }).open();
    await peer.send(headers(1, POST, 4), headers(3, POST, 4));
    peer.recorder.streams[0]!.pause();
    const said = await peer.send(...[1, 1, 3].map((id) => piece(id, 16_000)));
    expect(said).toEqual(['WINDOW_UPDATE 0 48000']);
    peer.connection.destroy();
  });

  it('waits for paused streams once they hold too much, of this connection or of all', async () => {
    for (const [heldBytes, limit] of [
      [20_000, 2 ** 26],
      [2 ** 26, 20_000],
    ] as const) {
      memory.heldLimit = limit;
      const peer = await new RawPeer({ limits: { connectionWindow: 65_535, heldBytes } }).open();
      await peer.send(headers(1, POST, 4), headers(3, POST, 4));
      const [slow] = peer.recorder.streams;
      slow!.pause();
      expect(await peer.send(...[1, 1, 3].map((id) => piece(id, 16_000)))).toEqual([]);
      slow!.resume();
      expect(await peer.send()).toEqual(['WINDOW_UPDATE 0 48000']);
      slow!.pause();
      await peer.send(piece(1, 16_000), piece(1, 16_000), piece(1, 16_000));
      // one that is over holds nothing
      slow!.reset(8);
      expect(await peer.send()).toEqual(['RST_STREAM 1 8', 'WINDOW_UPDATE 0 48000']);
      expect(memory.held).toBe(0);
    }
  });
});
