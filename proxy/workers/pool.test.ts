import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveValue } from '../config/live.ts';
import type { LoadedIdentity } from '../config/identity.ts';
import type { IdentitySource } from '../config/store.ts';
import type { ConfigState } from '../context.ts';
import { DrainState } from '../drain.ts';
import type { Asked, ToWorker, WorkerData } from './messages.ts';
import { WorkerPool } from './pool.ts';

const ADDRESSES = { inbound: [{ host: '::', port: 15006 }], outbound: [] };
const ASK_MS = 50;

/** A worker that does as the test says. */
class FakeThread extends EventEmitter {
  readonly data: WorkerData;
  readonly told: ToWorker[] = [];
  answers: Partial<Record<Asked, unknown>> = {};

  constructor(data: WorkerData) {
    super();
    this.data = data;
  }

  postMessage(message: ToWorker): void {
    this.told.push(message);
    if (message.type !== 'ask' || this.answers[message.what] === undefined) return;
    this.emit('message', { type: 'answer', what: message.what, value: this.answers[message.what] });
  }

  serve(): void {
    this.emit('message', { type: 'serving', addresses: ADDRESSES });
  }

  types(): string[] {
    return this.told.map(({ type }) => type);
  }
}

const counted = (value: number) => `# HELP n N.\n# TYPE n counter\nn ${value}\n`;

let threads: FakeThread[];
let config: LiveValue<ConfigState>;
let identity: LiveValue<LoadedIdentity>;
let drain: DrainState;
let said: object[];
let want: (service: string) => Promise<void> | undefined;
let pool: WorkerPool;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  threads = [];
  config = new LiveValue();
  identity = new LiveValue();
  drain = new DrainState();
  said = [];
  want = () => undefined;
  const note = (fields: object) => void said.push(fields);
  const section = {};
  config.set({ document: { sections: [section] }, section } as unknown as ConfigState);
  const identitySource: IdentitySource = { files: {}, verifiedAt: new Date(0) };
  pool = new WorkerPool({
    count: 2,
    spawn: (data) => {
      const thread = new FakeThread(data);
      threads.push(thread);
      return thread;
    },
    data: {
      listen: { inbound: [], outbound: [] },
      spiffeId: 'spiffe://x',
      vicinity: { addresses: [], resolvers: [] },
      logLevel: undefined,
    },
    store: { config, identity, identitySource },
    output: { 1: (chunk, done) => done(null, chunk.length), 2: (chunk, done) => done(null, chunk.length) },
    drain,
    demand: { want: (service) => want(service) },
    log: { debug: note, info: note, warn: note, error: note },
    askMs: ASK_MS,
    random: () => 0,
  });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a pool of workers', () => {
  it('starts each with what is in force, and is there when the first serves', async () => {
    const started = pool.start();
    expect(threads.map(({ data: { worker, draining } }) => [worker, draining])).toEqual([
      [1, false],
      [2, false],
    ]);
    expect(threads[1]!.types()).toEqual(['config', 'identity']);
    expect(pool.threads).toEqual({ serving: 0, wanted: 2 });
    threads[1]!.serve();
    await started;
    expect(pool.threads).toEqual({ serving: 1, wanted: 2 });
    expect(pool.addresses).toEqual(ADDRESSES);
  });

  it('says what came of a want, at once where what is wanted is in force', async () => {
    void pool.start();
    const [first, second] = threads as [FakeThread, FakeThread];
    const holding = (...keys: string[]) =>
      ({ ...config.current, services: new Map(keys.map((key) => [key, {}])) }) as unknown as ConfigState;
    config.set(holding());
    const arrival = Promise.withResolvers<void>();
    want = vi.fn<typeof want>(() => arrival.promise);
    first.emit('message', { type: 'want', service: 'a/a' });
    config.set(holding('a/a'));
    arrival.resolve();
    const settled = (thread: FakeThread) => thread.told.filter(({ type }) => type === 'settled');
    await vi.waitFor(() => expect(settled(first)).toHaveLength(1));
    // this one said so before it read the configuration
    second.emit('message', { type: 'want', service: 'a/a' });
    await vi.waitFor(() => expect(settled(second)).toHaveLength(1));
    expect(want).toHaveBeenCalledTimes(1);
    want = () => undefined;
    second.emit('message', { type: 'want', service: 'b/b' });
    await vi.waitFor(() => expect(settled(second)).toHaveLength(2));
    expect([settled(first), settled(second)]).toEqual([
      [{ type: 'settled', service: 'a/a', quietMs: 0 }],
      [
        { type: 'settled', service: 'a/a', quietMs: 0 },
        { type: 'settled', service: 'b/b', quietMs: 1000 },
      ],
    ]);
  });

  it('does not start where a worker cannot', async () => {
    const started = pool.start();
    threads[0]!.emit('message', { type: 'failed', code: 'EADDRINUSE', message: 'listen: taken' });
    threads[0]!.emit('exit', 1);
    await expect(started).rejects.toMatchObject({ code: 'EADDRINUSE', message: 'listen: taken' });
  });

  it('replaces what ends, each time later, and tells the new one all that it missed', async () => {
    void pool.start();
    for (const thread of threads) thread.serve();
    drain.begin();
    expect(threads[0]!.types()).toContain('drain');
    for (const pauseMs of [100, 200, 400]) {
      const before = threads.length;
      threads.findLast(({ data }) => data.worker === 1)!.emit('exit', 7);
      expect(said.at(-1)).toMatchObject({ worker: 1, pauseMs });
      vi.advanceTimersByTime(pauseMs - 1);
      expect(threads).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(threads.at(-1)!.data).toMatchObject({ worker: 1, draining: true });
      expect(threads.at(-1)!.types()).toEqual(['config', 'identity']);
    }
    expect(pool.restarts).toBe(3);
    const last = threads.at(-1)!;
    last.serve();
    vi.advanceTimersByTime(60_000);
    last.emit('exit', 7);
    expect(said.at(-1)).toMatchObject({ pauseMs: 100 });
  });

  it('waits a bounded time for the counts of one that hangs, and takes its last ones', async () => {
    void pool.start();
    for (const thread of threads) {
      thread.serve();
      thread.answers = { metrics: counted(5) };
    }
    expect(await pool.metrics('')).toBe(counted(10));
    threads[0]!.answers = {};
    threads[1]!.answers = { metrics: counted(6) };
    const asked = pool.metrics('');
    await vi.advanceTimersByTimeAsync(ASK_MS);
    expect(await asked).toBe(counted(11));
    // until it has answered it is neither asked again nor waited for
    expect(await pool.metrics('')).toBe(counted(11));
    expect(threads[0]!.types().filter((type) => type === 'ask')).toHaveLength(2);
    threads[0]!.emit('message', { type: 'answer', what: 'metrics', value: counted(5) });
    threads[0]!.answers = { metrics: counted(8) };
    expect(await pool.metrics('')).toBe(counted(14));
    // when it is gone its counts stay
    threads[0]!.emit('exit', 7);
    expect(await pool.metrics('')).toBe(counted(14));
    vi.advanceTimersByTime(100);
    threads[2]!.answers = { metrics: counted(1) };
    expect(await pool.metrics('')).toBe(counted(15));
  });

  it('shows one that hangs as not answering', async () => {
    void pool.start();
    threads[0]!.serve();
    const side = { connections: 2, requests: 1 };
    threads[0]!.answers = { stats: { inbound: side, outbound: side, heapUsedBytes: 1 } };
    const asked = pool.stats();
    await vi.advanceTimersByTimeAsync(ASK_MS);
    expect(await asked).toEqual({
      inbound: side,
      outbound: side,
      workers: [
        { worker: 1, serving: true, answered: true, inbound: side, outbound: side, heapUsedBytes: 1 },
        { worker: 2, serving: false, answered: false },
      ],
    });
  });

  it('stops when all have, and does not wait for one that hangs or is gone', async () => {
    void pool.start();
    for (const thread of threads) thread.serve();
    let stopped = false;
    const stopping = pool.stop(1000).then(() => (stopped = true));
    expect(threads[0]!.told.at(-1)).toEqual({ type: 'stop', timeoutMs: 1000 });
    threads[0]!.emit('message', { type: 'stopped' });
    await vi.advanceTimersByTimeAsync(2000);
    expect(stopped).toBe(false);
    threads[1]!.emit('exit', 0);
    await stopping;
    vi.advanceTimersByTime(60_000);
    expect(threads).toHaveLength(2);
    const hanging = pool.stop(1000);
    await vi.advanceTimersByTimeAsync(3000);
    await hanging;
  });

  it('hands on changes, and lines to be written', async () => {
    void pool.start();
    config.set(config.current!);
    identity.set({} as LoadedIdentity);
    expect(threads[0]!.types()).toEqual(['config', 'identity', 'config', 'identity']);
    threads[0]!.emit('message', { type: 'write', fd: 1, bytes: new TextEncoder().encode('a line\n') });
    expect(threads[0]!.told.at(-1)).toEqual({ type: 'written', fd: 1, failure: undefined });
  });
});
