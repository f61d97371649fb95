import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OnDemand } from './demand.ts';

let connected: boolean;
let sent: string[][];
let demand: OnDemand;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
  connected = true;
  sent = [];
  demand = new OnDemand({ connected: () => connected, send: (services) => void sent.push(services) });
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = () => vi.advanceTimersByTimeAsync(0);
/** Whether a wait has ended. */
async function over(waiting: Promise<void> | undefined): Promise<boolean> {
  let ended = false;
  void waiting?.then(() => (ended = true));
  await turn();
  return ended;
}

describe('services that are wanted', () => {
  it('are asked for once, those of a moment together', async () => {
    const waiting = ['a/a', 'a/b', 'a/a'].map((service) => demand.want(service));
    expect(waiting[0]).toBe(waiting[2]);
    await turn();
    expect(sent).toEqual([['a/a', 'a/b']]);
    demand.arrived(new Map([['a/a', 1]]));
    expect(await Promise.all(waiting.map(over))).toEqual([true, false, true]);
    expect([...demand.granted]).toEqual(['a/a']);
    expect(demand.outcomes).toMatchObject({ arrived: 1 });
  });

  it('are asked for in messages of a bounded size', async () => {
    for (let n = 0; n < 100; n++) demand.want(`a/${n}`);
    await turn();
    expect(sent.map(({ length }) => length)).toEqual([64, 36]);
  });

  it('are not asked for again for a while where they do not come', async () => {
    const waiting = demand.want('a/a');
    await turn();
    demand.absent(['a/a', 'never/asked']);
    expect(await over(waiting)).toBe(true);
    expect(demand.want('a/a')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(demand.want('a/a')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(demand.want('a/a')).toBeDefined();
    await turn();
    expect(sent).toEqual([['a/a'], ['a/a']]);
  });

  it('are waited for a second, and may come later', async () => {
    const waiting = demand.want('a/a');
    await vi.advanceTimersByTimeAsync(999);
    expect(await over(waiting)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await over(waiting)).toBe(true);
    expect(demand.want('a/a')).toBeUndefined();
    demand.arrived(new Map([['a/a', 1]]));
    expect([...demand.granted]).toEqual(['a/a']);
    expect(demand.outcomes).toMatchObject({ late: 1, arrived: 0 });
  });

  it('are asked for again where they came too late, and nobody waits for them again', async () => {
    demand.want('a/a');
    await vi.advanceTimersByTimeAsync(1000 + 30_000);
    expect([demand.want('a/a'), demand.want('a/a')]).toEqual([undefined, undefined]);
    await turn();
    expect(sent).toEqual([['a/a'], ['a/a']]);
    demand.disconnected();
    expect(demand.want('a/a')).toBeUndefined();
    await turn();
    expect(sent).toEqual([['a/a'], ['a/a'], ['a/a']]);
    demand.arrived(new Map([['a/a', 1]]));
    // it came and is gone: it may come as soon as any
    expect(demand.want('a/a')).toBeDefined();
    expect(demand.outcomes).toMatchObject({ late: 1, arrived: 0 });
  });

  it('are not waited for without a connection, and no longer when it is lost', async () => {
    const waiting = demand.want('a/a');
    connected = false;
    demand.disconnected();
    expect(await over(waiting)).toBe(true);
    expect(demand.want('a/a')).toBeUndefined();
    connected = true;
    expect(demand.want('a/a')).toBeDefined();
    await turn();
    expect(sent).toEqual([['a/a']]);
  });

  it('are not asked for faster than the operator answers', async () => {
    const waits = Array.from({ length: 150 }, (_, n) => demand.want(`a/${n}`));
    expect(waits.filter(Boolean)).toHaveLength(100);
    expect(demand.outcomes.limited).toBe(50);
    await vi.advanceTimersByTimeAsync(1000);
    expect(Array.from({ length: 50 }, (_, n) => demand.want(`b/${n}`)).filter(Boolean)).toHaveLength(20);
  });

  it('are forgotten, the oldest first, where they are too many', async () => {
    for (let n = 0; n < 2100; n++) {
      demand.want(`a/${n}`);
      demand.absent([`a/${n}`]);
      await vi.advanceTimersByTimeAsync(50);
      // long ago enough for the first ones; nothing is asked again in less
    }
    expect(demand.want('a/2099')).toBeUndefined();
    expect(demand.want('a/0')).toBeDefined();
  });
});
