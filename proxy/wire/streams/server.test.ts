/** What a client's connection of HTTP/2 is given up for, refused and counted. */
import { describe, expect, it } from 'vitest';
import { bound } from '../bounds.ts';
import { PREFACE } from '../http2/constants.ts';
import { HpackDecoder } from '../http2/hpack/decoder.ts';
import type { Http2Limits } from '../http2/limits.ts';
import { FakeChannel, turn } from '../http2/testing/fakeChannel.ts';
import {
  data,
  describeFrame,
  headers,
  parse,
  reset,
  settings,
  settingsAck,
} from '../http2/testing/frames.ts';
import { GET, POST } from '../http2/testing/rawPeer.ts';
import { StreamServer } from './server.ts';
import { TestStation, TestUpstream } from './testing/station.ts';

async function served(limits: Partial<Http2Limits> = {}) {
  const channel = new FakeChannel();
  const station = new TestStation();
  const server = new StreamServer({ channel, station, context: {}, marked: false, limits });
  station.sweeper.stop();
  server.start(undefined);
  const send = async (...frames: Buffer[]) => {
    if (frames.length > 0) channel.feed(Buffer.concat(frames));
    await turn();
    return parse(channel.take());
  };
  await send(PREFACE, settings(), settingsAck);
  // pings would ask whether a client is there that is played frame by frame
  const said = async (...frames: Buffer[]) =>
    (await send(...frames)).filter(({ type }) => type !== 6).map(describeFrame);
  return { channel, station, server, send, said };
}

const upload = (length: number, ...more: string[]) =>
  headers(1, [...POST, 'content-length', String(length), ...more], 4);
const limits = { pingAfterMs: Number.POSITIVE_INFINITY };

describe('a body that does not come', () => {
  const silence = bound.bodyMs + 1;

  it('is answered with 408 where its length is known', async () => {
    const { server, station, said } = await served(limits);
    await said(upload(10));
    const upstream = new TestUpstream().deliverTo(station.exchanges[0]!);
    server.sweep(1000);
    await said(data(1, 'abc'));
    server.sweep(1000 + silence);
    server.sweep(1000 + silence + bound.bodyMs);
    expect(station.ends).toEqual([]);
    expect(upstream.taken).toBe('abc');
    server.sweep(1000 + silence * 2);
    expect((await said()).map((text) => text.replace(/ \d+( END)?$/, '$1'))).toEqual([
      'HEADERS 1',
      'DATA 1 END',
      'RST_STREAM 1',
    ]);
    expect(station.ends).toMatchObject([{ status: 408, flag: 'REQUEST_TIMEOUT' }]);
    expect(upstream.abandoned).toBe(true);
    server.sweep(1000 + silence * 9);
    expect(station.ends).toHaveLength(1);
  });

  it.each([
    ['without a length', headers(1, POST, 4)],
    ['of gRPC', upload(10, 'content-type', 'application/grpc')],
    ['of a tunnel', headers(1, [':method', 'CONNECT', ':authority', 'a:1'], 4)],
    ['that is complete', headers(1, GET)],
  ])('is waited for %s', async (_name, head) => {
    const { server, station, said } = await served(limits);
    await said(head);
    new TestUpstream().deliverTo(station.exchanges[0]!);
    for (const time of [1, 1 + silence, 1 + silence * 2]) server.sweep(time);
    expect(station.ends).toEqual([]);
    expect(await said()).toEqual([]);
  });

  it('is waited for while it is this side that paused it', async () => {
    const { server, station, said } = await served(limits);
    await said(upload(10), data(1, 'abc'));
    // nobody has taken it yet
    for (const time of [1, 1 + silence, 1 + silence * 2]) server.sweep(time);
    expect(station.ends).toEqual([]);
    new TestUpstream().deliverTo(station.exchanges[0]!);
    server.sweep(silence * 3);
    expect(station.ends).toEqual([]);
    server.sweep(silence * 4);
    expect(station.ends).toHaveLength(1);
  });

  it('is waited for while other streams hold all that the connection may send', async () => {
    const { server, station, said } = await served({ ...limits, heldBytes: 1000, connectionWindow: 65_535 });
    const other = (size: number) => data(3, Buffer.alloc(size));
    await said(upload(10), headers(3, [...POST, 'content-length', '99999'], 4));
    new TestUpstream().deliverTo(station.exchanges[0]!);
    // the credit of the first two still comes back
    await said(...[1, 2, 3, 4, 5].map(() => other(16_384)), other(16_383));
    for (const time of [1, 1 + silence, 1 + silence * 2]) server.sweep(time);
    expect(station.ends).toEqual([]);
    expect(station.load.heldBytes).toBeGreaterThan(0);
    await said(reset(3, 8));
    server.sweep(silence * 3);
    server.sweep(silence * 4);
    expect(station.ends.map(({ flag }) => flag)).toEqual(['CLIENT_CLOSED', 'REQUEST_TIMEOUT']);
  });
});

describe('a request that cannot be taken', () => {
  /** Status, fields and body of an answer. */
  async function answer(send: Awaited<ReturnType<typeof served>>['send'], frames: Buffer) {
    const parts = await send(frames);
    const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 10_000 });
    const [head] = parts;
    const list = decoder.decode(head!.payload, 0, head!.payload.length) as string[];
    const fields: Record<string, string> = {};
    for (let at = 0; at < list.length; at += 2) fields[list[at]!] = list[at + 1]!;
    const body = Buffer.concat(parts.filter(({ type }) => type === 0).map(({ payload }) => payload));
    return { fields, body: body.toString(), frames: parts.map(describeFrame) };
  }
  const large = (...more: string[]) => [...GET, ...more, 'x-large', 'y'.repeat(5000)];

  it('is answered as every refusal is, where its head is too large', async () => {
    const { station, send } = await served({ ...limits, headerListBytes: 2000 });
    const { fields, body } = await answer(send, headers(1, large()));
    expect(fields).toMatchObject({
      ':status': '431',
      server: 'weft',
      'x-weft-reason': 'HEADERS_TOO_LARGE',
      'content-type': 'application/json',
      'content-length': String(body.length),
    });
    expect(JSON.parse(body)).toMatchObject({ code: 'HEADERS_TOO_LARGE' });
    expect(station.ends).toMatchObject([{ status: 431, flag: 'HEADERS_TOO_LARGE' }]);
    expect(station.lines).toEqual(['GET /: undefined']);
    expect(station.bounds).toEqual(['headerListBytes']);
    expect(station.running).toBe(0);
  });

  it('and as gRPC expects it, where it is a call', async () => {
    const { send } = await served({ ...limits, headerListBytes: 2000 });
    const call = large('content-type', 'application/grpc');
    expect((await answer(send, headers(1, call, 4))).fields).toMatchObject({
      ':status': '200',
      'grpc-status': '8',
      'x-weft-reason': 'HEADERS_TOO_LARGE',
    });
  });

  it('is reset, counted and logged where it is malformed', async () => {
    const { station, said } = await served(limits);
    expect(await said(headers(1, [...GET, 'Secret', 'value']))).toEqual(['RST_STREAM 1 1']);
    expect(station.ends).toMatchObject([{ status: 400, flag: 'BAD_REQUEST', attempts: 0 }]);
    expect(station.lines).toEqual(['GET /: invalid field name']);
    expect(station.errors).toEqual(['proxy 1']);
    expect(station.exchanges).toEqual([]);
  });

  it('is not logged where there were too many, and the next that is says how many', async () => {
    const { station, said } = await served(limits);
    station.skipped = -1;
    await said(headers(1, ['a', 'b']));
    expect(station.ends).toHaveLength(1);
    expect(station.lines).toEqual([]);
    station.skipped = 7;
    await said(headers(3, ['a', 'b']));
    expect(station.lines).toEqual([' : no :method; 7 others are not in the log']);
  });

  it('is counted as such where it turns out to be malformed later', async () => {
    const { station, said } = await served(limits);
    await said(upload(2));
    const upstream = new TestUpstream().deliverTo(station.exchanges[0]!);
    expect(await said(data(1, 'abc'))).toEqual(['RST_STREAM 1 1']);
    expect(upstream.abandoned).toBe(true);
    expect(station.ends).toMatchObject([{ status: 400, flag: 'BAD_REQUEST' }]);
    expect(station.lines).toEqual(['POST /: content and content-length differ']);
  });

  it('is answered where it asks for what only proxies may', async () => {
    const { station, send } = await served(limits);
    const fields = [':method', 'CONNECT', ':protocol', 'weft-tcp', ...GET.slice(2)];
    const { fields: head, frames } = await answer(send, headers(1, fields, 4));
    expect(head).toMatchObject({ ':status': '400', 'x-weft-reason': 'BAD_REQUEST' });
    expect(frames.at(-1)).toBe('RST_STREAM 1 0');
    expect(station.ends).toMatchObject([{ status: 400, flag: 'BAD_REQUEST' }]);
  });
});

describe('bytes that wait', () => {
  it('are counted where they are: to be sent, and taken in by paused streams', async () => {
    const { server, station, said, channel } = await served(limits);
    await said(upload(10), settings([4, 0]), data(1, 'abcde'));
    const [exchange] = station.exchanges;
    server.sweep(1);
    // paused by its first bytes, which nobody takes yet
    expect(station.load).toMatchObject({ bufferedBytes: 0, heldBytes: 0, acceptedStreams: 1 });
    await said(data(1, 'fgh'));
    exchange!.refuse('NO_ENDPOINT');
    channel.takes = false;
    await said();
    Object.assign(station.load, { bufferedBytes: 0, heldBytes: 0 });
    server.sweep(2);
    // the body of the answer, whose window is 0
    expect(station.load.bufferedBytes).toBeGreaterThan(100);
    expect(station.load.heldBytes).toBe(3);
  });
});

describe('an error code', () => {
  it('of the client is counted as its own, and ends the exchange', async () => {
    const { station, said } = await served(limits);
    await said(headers(1, GET), reset(1, 5));
    expect(station.errors).toEqual(['peer 5']);
    expect(station.ends).toMatchObject([{ flag: 'CLIENT_CLOSED' }]);
  });
});
