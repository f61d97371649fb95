import { expect, it } from 'vitest';
import { keptFor } from '../testing/retained.ts';
import { until } from '../testing/sockets.ts';
import type { Channel } from './channel.ts';
import type { Http2Stream } from './http2/stream.ts';
import { Relay } from './relay.ts';
import { SocketChannel } from './socketChannel.ts';
import { StreamChannel } from './streams/streamChannel.ts';
import { connected } from './testing/sockets.ts';

const below = { peer: 'x', remoteAddress: 'x' } as Channel;

/** A stream whose other side has ended already. */
const ended = () =>
  ({
    receivedEnd: true,
    end: () => {},
    pause: () => {},
    resume: () => {},
    reset: () => {},
  }) as unknown as Http2Stream;

it('a relay between two streams that have both ended is done once', async () => {
  let done = 0;
  const relay = new Relay({
    client: new StreamChannel(ended(), below),
    upstream: new StreamChannel(ended(), below),
    done: () => done++,
  });
  // streams tell their end in a microtask
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(1);
  // nor does a late word of policy end it again
  relay.abort();
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(1);
});

it('many small messages wait as bytes for a reader that takes none, not as reads', async () => {
  const [from, to] = [await connected(), await connected()];
  to.client.pause();
  const upstream = new SocketChannel(to.accepted);
  while (upstream.buffered === 0) upstream.write(Buffer.alloc(1000));
  void new Relay({ client: new SocketChannel(from.accepted), upstream, done: () => {} });
  const kept = await keptFor(200, async () => {
    const before = upstream.buffered;
    from.client.write('a message of 20 byte');
    await until(() => upstream.buffered > before, 'the message');
  });
  expect(kept.buffers).toBeLessThan(2);
  for (const { accepted, client } of [from, to]) {
    accepted.destroy();
    client.destroy();
  }
});
