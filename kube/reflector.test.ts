import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { resources, type Pod } from './resource.ts';
import type { Change } from './store.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { ManualClock } from './testing/manualClock.ts';
import { until } from './testing/until.ts';

const { pods } = resources;

let server: ApiServer;
let changes: Change<Pod>[] = [];
let errors: Error[] = [];
let running: Reflector<Pod>[] = [];

beforeEach(async () => {
  server = await startApiServer();
  changes = [];
  errors = [];
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((reflector) => reflector.stop()));
  await server.close();
});

function reflect(options: Partial<ReflectorOptions<Pod>> = {}): Reflector<Pod> {
  const reflector = new Reflector<Pod>({
    client: server.client(),
    resource: pods,
    backoff: { baseMs: 2, maxMs: 20 },
    onChange: (change) => changes.push(change),
    onError: (error) => errors.push(error),
    ...options,
  });
  running.push(reflector);
  return reflector.start();
}

const put = (name: string, phase = 'Running'): Pod =>
  server.objects.put(pods, { metadata: { namespace: 'shop', name }, status: { phase } });
const remove = (name: string): boolean => server.objects.delete(pods, { namespace: 'shop', name });
const told = (): string[] => changes.map(({ type, key }) => `${type} ${key}`);
const phaseOf = (reflector: Reflector<Pod>, name: string): string | undefined =>
  reflector.store.get(`shop/${name}`)?.status?.phase;
const watching = (): Promise<void> => until('a watch is open', () => server.watches.count() === 1);

describe('Reflector', () => {
  it('lists in pages, then follows', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(name);
    const reflector = reflect({ pageSize: 2 });
    expect(reflector.isSynced).toBe(false);
    await reflector.synced;
    expect([...reflector.store.keys()]).toEqual(['shop/a', 'shop/b', 'shop/c', 'shop/d', 'shop/e']);
    expect(server.requests.filter(({ verb }) => verb === 'list')).toHaveLength(3);
    put('b', 'Failed');
    remove('c');
    await until('the deletion arrived', () => !reflector.store.has('shop/c'));
    expect(told().slice(5)).toEqual(['Updated shop/b', 'Deleted shop/c']);
    expect(changes[5]).toMatchObject({
      previous: { status: { phase: 'Running' } },
      object: { status: { phase: 'Failed' } },
    });
    expect(errors).toEqual([]);
  });

  it('lists all at once when the history is gone between pages', async () => {
    for (const name of ['a', 'b', 'c']) put(name);
    const reflector = reflect({
      pageSize: 1,
      transform: (pod) => {
        // The first page has arrived; nothing of it may be left over after the history is gone.
        if (changes.length === 0 && server.requests.length === 1) {
          remove('a');
          server.compact();
        }
        return pod;
      },
    });
    await reflector.synced;
    expect([...reflector.store.keys()]).toEqual(['shop/b', 'shop/c']);
    expect(reflector.counters).toMatchObject({ lists: 1, failures: 0 });
    expect(
      server.requests.filter(({ verb }) => verb === 'list').map(({ query }) => query.get('limit')),
    ).toEqual(['1', '1', null]);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('too old')]);
  });

  it('goes on where it was when the connection breaks, without a new list', async () => {
    const reflector = reflect();
    await reflector.synced;
    await watching();
    server.faults.drop({ watch: true, times: 2 });
    server.watches.drop();
    put('late');
    await until('the missed change arrived', () => reflector.store.has('shop/late'));
    expect(reflector.counters.lists).toBe(1);
    expect(errors.length).toBeGreaterThanOrEqual(3);
  });

  it('lists again after 410, and tells what it missed', async () => {
    put('a');
    put('b');
    const reflector = reflect();
    await watching();
    server.watches.stall();
    remove('a');
    put('b', 'Failed');
    put('c');
    server.compact();
    server.watches.drop();
    await until('the new list arrived', () => reflector.store.has('shop/c'));
    expect(told().slice(2)).toEqual(['Deleted shop/a', 'Updated shop/b', 'Added shop/c']);
    expect(reflector.counters.lists).toBe(2);
  });

  it('lists again when a running watch says that its version is too old', async () => {
    const reflector = reflect();
    await watching();
    server.watches.expire();
    await until('a second list', () => reflector.counters.lists === 2);
    put('a');
    await until('it follows again', () => reflector.store.has('shop/a'));
    expect(errors).toMatchObject([{ status: 410, reason: 'Expired' }]);
  });

  it('lists again after a line that it cannot read', async () => {
    const reflector = reflect();
    for (const [at, line] of [
      '{"type":"ADDED","obj',
      '{"type":"ADDED"}',
      '{"type":"WHAT","object":{"metadata":{"name":"x","resourceVersion":"5"}}}',
    ].entries()) {
      await watching();
      server.watches.garbage(line);
      await until('another list', () => reflector.counters.lists === at + 2);
    }
    expect(errors.every(({ message }) => message.includes('unreadable line'))).toBe(true);
    expect(errors).toHaveLength(3);
  });

  it('tells a deletion and an addition when a name was used again in its absence', async () => {
    const before = put('a');
    const reflector = reflect();
    await watching();
    server.watches.stall();
    remove('a');
    const after = put('a');
    server.compact();
    server.watches.drop();
    await until('the new object', () => reflector.store.get('shop/a')?.metadata.uid === after.metadata.uid);
    expect(told()).toEqual(['Added shop/a', 'Deleted shop/a', 'Added shop/a']);
    expect(changes[1]?.object.metadata.uid).toBe(before.metadata.uid);
  });

  it('takes a silent watch for dead, and a bookmark for life', async () => {
    const clock = new ManualClock();
    const reflector = reflect({ livenessMs: 1000, clock });
    await watching();
    for (let n = 0; n < 5; n++) {
      server.objects.put(resources.configMaps, { metadata: { namespace: 'shop', name: `other-${n}` } });
      server.watches.bookmark();
      await until('the bookmark', () => reflector.resourceVersion === String(server.revision));
      clock.advance(900);
    }
    expect(reflector.counters.watches).toBe(1);
    server.watches.stall();
    put('a');
    clock.advance(100);
    await until('the change came through another watch', () => reflector.store.has('shop/a'));
    expect(reflector.counters).toMatchObject({ lists: 1, watches: 2, silences: 1, failures: 0 });
    expect(errors).toEqual([]);
  });

  it('resumes from a bookmark, so that a quiet kind need not be listed again', async () => {
    const reflector = reflect();
    await watching();
    const before = reflector.resourceVersion;
    server.objects.put(resources.configMaps, { metadata: { namespace: 'shop', name: 'other' } });
    server.watches.bookmark();
    await until('the bookmark', () => reflector.resourceVersion === String(server.revision));
    expect(reflector.resourceVersion).not.toBe(before);
  });

  it('ends a watch in good time by itself and begins the next', async () => {
    const reflector = reflect({ watchTimeoutSeconds: 0.4, random: () => 0 });
    await until('a second watch', () => reflector.counters.watches > 1);
    put('a');
    await until('it follows', () => reflector.store.has('shop/a'));
    expect(reflector.counters.lists).toBe(1);
  });

  it('keeps what it has while the server is away, and catches up', async () => {
    put('a');
    const reflector = reflect();
    await watching();
    await server.down();
    await until('it noticed', () => errors.length > 2);
    expect(phaseOf(reflector, 'a')).toBe('Running');
    put('a', 'Succeeded');
    await server.up();
    await until('it caught up', () => phaseOf(reflector, 'a') === 'Succeeded');
  });

  it('waits longer and longer while it is refused, and not at all longer than it may', async () => {
    server.faults.respond({ status: 403, path: '/pods', times: 6 });
    const reflector = reflect({ backoff: { baseMs: 1, maxMs: 4 } });
    await reflector.synced;
    expect(errors).toHaveLength(6);
    expect(errors[0]).toMatchObject({ status: 403, reason: 'Forbidden' });
  });

  it('is not stopped by an object that the transform cannot take, nor by a listener that throws', async () => {
    put('bad');
    put('good');
    const reflector = reflect({
      transform: (pod) => {
        if (pod.metadata.name === 'bad') throw new Error('cannot take it');
        return pod;
      },
      onChange: (change) => {
        changes.push(change);
        throw new Error('listener failed');
      },
    });
    await reflector.synced;
    put('more');
    await until('it follows', () => reflector.store.has('shop/more'));
    expect([...reflector.store.keys()]).toEqual(['shop/good', 'shop/more']);
    expect(errors.map(({ message }) => message)).toEqual([
      'cannot take it',
      'listener failed',
      'listener failed',
    ]);
  });
});
