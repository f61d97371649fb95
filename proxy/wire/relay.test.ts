import { expect, it } from 'vitest';
import type { Channel } from './channel.ts';
import type { Http2Stream } from './http2/stream.ts';
import { Relay } from './relay.ts';
import { StreamChannel } from './streams/streamChannel.ts';

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
