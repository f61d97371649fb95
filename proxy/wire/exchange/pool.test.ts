import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../../testing/sockets.ts';
import { ignore, type Channel } from '../channel.ts';
import { dial } from '../dial.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { quiet } from '../http2/testing/quiet.ts';
import { SocketChannel } from '../socketChannel.ts';
import { StreamChannel } from '../streams/streamChannel.ts';
import { Sweeper } from '../sweeper.ts';
import type { Exchange } from './exchange.ts';
import { Pool, type PoolOptions } from './pool.ts';

const nothing = (): void => {};

const poolOf = (change: Pick<PoolOptions, 'dial'> & Partial<PoolOptions>): Pool =>
  new Pool({
    upstream: 'x',
    wire: 'weft/1',
    spread: 1,
    trusted: true,
    idleMs: () => 60_000,
    freshMs: 1,
    sweeper: new Sweeper(),
    load: { pending: 0, bufferedBytes: 0, heldBytes: 0, acceptedStreams: 0, openedStreams: 0 },
    incidents: { http2Error: nothing, boundReached: nothing },
    serial: () => 's',
    series: () => undefined,
    ...change,
  });

/** A request that may be sent twice. */
const waiting = (deliver: Exchange['deliver']): Exchange =>
  ({ request: { upgrading: false, method: 'GET' }, repeatable: true, deliver }) as unknown as Exchange;

it('a pool that is retired while somebody waits serves him, and does not dial for ever', async () => {
  const server = createServer((socket) => {
    new Http2Connection({ channel: new SocketChannel(socket), role: 'server', handler: quiet }).start();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let dials = 0;
  let delivered = 0;
  const pool = poolOf({
    dial: (_wire, handlers) => {
      dials++;
      return dial({ address: '127.0.0.1', port, timeoutMs: 1000 }, handlers);
    },
  });
  pool.attempt(
    waiting(() => delivered++),
    false,
  );
  pool.retire();
  await until(() => delivered === 1, 'the delivery');
  server.close();
  await until(() => !server.listening, 'the end');
  expect(dials).toBe(1);
});

describe('a peer that turned out to be older than what was known', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A connection that was opened by `weft-tcp/1`. */
  class Opened {
    readonly destroy = vi.fn<() => void>(() => this.channel.handler.closed(undefined));
    readonly channel = { handler: ignore, usable: true, destroy: () => this.destroy() } as unknown as Channel;
    readonly proven = { identity: 'spiffe://cluster.local/ns/shop/sa/cart', serial: 's' };
  }
  /** A pool that has met it, and what it has dialled since. */
  function simplified(change: Partial<PoolOptions> = {}) {
    const dialled = vi.fn<PoolOptions['dial']>(() => nothing);
    const pool = poolOf({ dial: dialled, ...change });
    const first = new Opened();
    pool.simplify(first.channel, first.proven);
    return { pool, dialled, first };
  }
  const taken = (pool: Pool) => {
    let upstream: unknown;
    pool.attempt(
      waiting((delivered) => (upstream = delivered)),
      false,
    );
    return upstream;
  };

  it('is served by the connections that were opened to it, those for bytes that became HTTP too', () => {
    const { pool, dialled, first } = simplified();
    const yielded = new Opened();
    pool.adopt(yielded.channel, yielded.proven);
    expect([taken(pool), taken(pool)]).toMatchObject([
      { channel: yielded.channel },
      { channel: first.channel },
    ]);
    expect(taken(pool)).toBeUndefined();
    expect(dialled.mock.calls.map(([wire]) => wire)).toEqual(['weft-tcp/1']);
  });

  it('gets no requests on a stream that was opened for bytes before', () => {
    const { pool, first } = simplified();
    const reset = vi.fn<() => void>();
    const stream = { receivedEnd: false, reset } as unknown as Http2Stream;
    pool.adopt(new StreamChannel(stream, first.channel), first.proven);
    expect(reset).toHaveBeenCalledOnce();
  });

  it('is met with the certificate that is in force', () => {
    let serial = 's';
    const { pool, dialled, first } = simplified({ serial: () => serial });
    serial = 'renewed';
    expect(taken(pool)).toBeUndefined();
    expect(first.destroy).toHaveBeenCalledOnce();
    expect(dialled).toHaveBeenCalledOnce();
    const late = new Opened();
    pool.adopt(late.channel, late.proven);
    expect(late.destroy).toHaveBeenCalledOnce();
  });

  it('is forgotten when its endpoint is gone', () => {
    const sweeper = new Sweeper();
    const added = vi.spyOn(sweeper, 'add');
    const deleted = vi.spyOn(sweeper, 'delete');
    const { pool, first } = simplified({ sweeper });
    pool.retire();
    expect(first.destroy).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1_000);
    expect(deleted.mock.calls).toEqual(added.mock.calls);
    expect(deleted).toHaveBeenCalledExactlyOnceWith(pool);
    sweeper.stop();
  });

  it('is offered the better form again after a while', () => {
    const { pool, dialled } = simplified();
    pool.sweep(performance.now() + 59_000);
    expect(pool.wire).toBe('weft-tcp/1');
    pool.sweep(performance.now() + 61_000);
    expect(pool.wire).toBe('weft/1');
    expect(dialled).not.toHaveBeenCalled();
  });
});
