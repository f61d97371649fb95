import { describe, expect, it } from 'vitest';
import { unheard } from './stream.ts';
import { data, describeFrame, headers, parse, ping, windowUpdate } from './testing/frames.ts';
import { POST, RawPeer } from './testing/rawPeer.ts';
import { endTurn } from './turn.ts';

const OK = [':status', '200'];
/** Turns of the event loop that a write may wait. */
const PATIENCE = 4;

/** A server with so many open streams, of which nothing waits to be written. */
async function serving(streams: number) {
  const peer = await new RawPeer({ announces: [[4, 1_000_000]] }).open();
  await peer.send(windowUpdate(0, 1_000_000));
  for (let index = 0; index < streams; index++) {
    await peer.send(headers(1 + 2 * index, POST, 4));
    peer.recorder.streams[index]!.respond(OK, false);
    await settled(peer);
  }
  return { peer, channel: peer.channel, connection: peer.connection, open: peer.recorder.streams };
}

/** Until nothing is left to be written. */
async function settled({ connection, channel }: RawPeer): Promise<void> {
  while (connection.writer.bytes > 0) await new Promise((resolve) => setImmediate(resolve));
  channel.take();
}

/** Ends turns, before each of which something happens; says how many it took until something was written. */
function turnsUntilWritten({ channel }: RawPeer, happens: (turn: number) => void = () => {}): number {
  for (let turn = 1; turn <= 50; turn++) {
    happens(turn);
    endTurn();
    if (channel.writes.length > 0) return turn;
  }
  throw new Error('nothing was written');
}

const written = ({ channel }: RawPeer): string[] => parse(channel.take()).map(describeFrame);

describe('what two open streams say', () => {
  it('in turn after turn leaves after a few in one piece', async () => {
    const { peer, open } = await serving(2);
    const turns = turnsUntilWritten(peer, (turn) => open[turn % 2]!.write(Buffer.alloc(10)));
    expect(turns).toBe(PATIENCE + 1);
    expect(peer.channel.writes).toHaveLength(1);
    expect(written(peer)).toEqual(['DATA 3 10', 'DATA 1 10', 'DATA 3 10', 'DATA 1 10', 'DATA 3 10']);
  });

  it('waits as long each time', async () => {
    const { peer, open } = await serving(2);
    for (let time = 0; time < 3; time++) {
      expect(turnsUntilWritten(peer, () => open[0]!.write(Buffer.alloc(1)))).toBe(PATIENCE + 1);
      peer.channel.take();
    }
  });

  it('leaves one turn after the last word', async () => {
    const { peer, open } = await serving(2);
    const turns = turnsUntilWritten(peer, (turn) => void (turn === 1 && open[0]!.write(Buffer.alloc(10))));
    expect(turns).toBe(2);
    expect(written(peer)).toEqual(['DATA 1 10']);
  });

  it('leaves at once where it is worth a write of its own', async () => {
    const { peer, open } = await serving(2);
    expect(turnsUntilWritten(peer, () => open[0]!.write(Buffer.alloc(8192)))).toBe(1);
    expect(written(peer)).toEqual(['DATA 1 8192']);
    expect(turnsUntilWritten(peer, () => open[1]!.write(Buffer.alloc(3000)))).toBe(3);
  });

  it('leaves with the answer to a PING, which adds to it', async () => {
    const { peer, channel } = await serving(2);
    expect(turnsUntilWritten(peer, () => channel.feed(ping()))).toBe(PATIENCE + 1);
    expect(written(peer)).toEqual(Array(PATIENCE + 1).fill('PING ACK'));
  });

  it('is not forgotten while the channel takes nothing', async () => {
    const { peer, channel, connection, open } = await serving(2);
    channel.takes = false;
    turnsUntilWritten(peer, () => open[0]!.write(Buffer.alloc(10)));
    channel.take();
    for (let turn = 0; turn < 20; turn++) {
      channel.feed(ping());
      endTurn();
    }
    expect(channel.writes).toEqual([]);
    channel.takes = true;
    channel.handler.drain();
    turnsUntilWritten(peer);
    expect(written(peer)).toEqual(Array(20).fill('PING ACK'));
    expect(connection.writer.bytes).toBe(0);
  });

  it('leaves by the event loop alone', async () => {
    const { channel, open } = await serving(2);
    open[1]!.write(Buffer.alloc(20));
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(parse(channel.take()).map(describeFrame)).toEqual(['DATA 3 20']);
  });
});

describe('not postponed is', () => {
  it('what the only open stream says', async () => {
    const { peer, open } = await serving(1);
    for (let time = 0; time < 3; time++) {
      expect(turnsUntilWritten(peer, () => open[0]!.write(Buffer.alloc(10)))).toBe(1);
      expect(written(peer)).toEqual(['DATA 1 10']);
    }
  });

  it('what is said without streams', async () => {
    const { peer, channel } = await serving(0);
    expect(turnsUntilWritten(peer, () => channel.feed(ping()))).toBe(1);
  });

  it('the end of a connection', async () => {
    const { peer, channel, open } = await serving(2);
    open[0]!.write(Buffer.alloc(10));
    expect(turnsUntilWritten(peer, () => channel.feed(data(0, 'x')))).toBe(1);
    expect(written(peer).at(-1)).toBe('GOAWAY 3 1');
    expect(channel.finished).toBe(true);
  });

  it('that no more streams are taken', async () => {
    const { peer, connection } = await serving(2);
    expect(turnsUntilWritten(peer, () => connection.shutdown())).toBe(1);
    expect(written(peer)[0]).toBe('GOAWAY 2147483647 0');
  });

  it('the same of a client', async () => {
    const peer = await new RawPeer({ role: 'client' }).open();
    for (let count = 0; count < 2; count++) peer.connection.request(POST, false, unheard);
    await settled(peer);
    expect(turnsUntilWritten(peer, () => peer.connection.shutdown())).toBe(1);
    expect(written(peer)).toEqual(['GOAWAY 0 0']);
  });
});
