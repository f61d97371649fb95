import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Reflector } from './reflector.ts';
import { resources } from './resource.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { until } from './testing/until.ts';

const { pods } = resources;
let server: ApiServer;

beforeEach(async () => {
  server = await startApiServer();
});
afterEach(() => server.close());

const put = (namespace: string, name: string, labels: Record<string, string> = {}): void =>
  void server.objects.put(pods, { metadata: { namespace, name, labels }, status: { phase: 'Running' } });

describe('what a Reflector asks for', () => {
  it('is limited by namespace and selectors, in lists and watches alike', async () => {
    put('shop', 'a', { app: 'x' });
    put('shop', 'b', { app: 'y' });
    put('other', 'c', { app: 'x' });
    const options = { namespace: 'shop', labelSelector: 'app=x', fieldSelector: 'status.phase=Running' };
    const reflector = new Reflector({ client: server.client(), resource: pods, ...options }).start();
    await reflector.synced;
    put('shop', 'd', { app: 'x' });
    put('other', 'e', { app: 'x' });
    put('shop', 'f', { app: 'x' });
    await until('the last one', () => reflector.store.has('shop/f'));
    expect([...reflector.store.keys()]).toEqual(['shop/a', 'shop/d', 'shop/f']);
    await reflector.stop();
  });

  it('can be metadata alone, with the kind of the resource', async () => {
    put('shop', 'a');
    const reflector = new Reflector({ client: server.client(), resource: pods, metadataOnly: true }).start();
    await reflector.synced;
    await until('a watch', () => server.watches.count() === 1);
    put('shop', 'b');
    await until('the second', () => reflector.store.size === 2);
    for (const pod of reflector.store.values()) {
      expect(pod).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
      expect(pod.status).toBeUndefined();
    }
    expect(new Set(server.requests.map(({ accept }) => accept.includes('as=PartialObjectMetadata')))).toEqual(
      new Set([true]),
    );
    await reflector.stop();
  });

  it('keeps only what the transform gives', async () => {
    put('shop', 'a');
    const reflector = new Reflector<(typeof pods)['object'] & object, string>({
      client: server.client(),
      resource: pods,
      transform: (pod) => `${pod.metadata.name} ${pod.status?.phase}`,
    }).start();
    await reflector.synced;
    expect([...reflector.store.entries()]).toEqual([['shop/a', 'a Running']]);
    await reflector.stop();
  });
});

describe('stopping a Reflector', () => {
  it('during the first list opens no watch and rejects synced', async () => {
    const delay = server.faults.delay({ ms: 50, path: '/pods' });
    const reflector = new Reflector({ client: server.client(), resource: pods }).start();
    const synced = reflector.synced.catch((error: Error) => error.message);
    await until('the list was asked for', () => delay.hits === 1);
    await reflector.stop();
    expect(await synced).toBe('stopped before the first list of pods');
    await until('the server has carried it out', () => server.requests.length === 1);
    expect(server.requests.map(({ verb }) => verb)).toEqual(['list']);
  });

  it('during a watch ends it, tells nothing more, and opens no other', async () => {
    const told: string[] = [];
    const reflector = new Reflector({
      client: server.client(),
      resource: pods,
      onChange: ({ key }) => told.push(key),
    }).start();
    await until('a watch', () => server.watches.count() === 1);
    const stopped = reflector.stop();
    put('shop', 'late');
    await stopped;
    await until('the watch has ended', () => server.watches.count() === 0);
    expect(told).toEqual([]);
    expect(server.requests.map(({ verb }) => verb)).toEqual(['list', 'watch']);
  });

  it('during a pause after a failure ends the pause', async () => {
    server.faults.respond({ status: 403, times: 1000 });
    const errors: Error[] = [];
    const reflector = new Reflector({
      client: server.client(),
      resource: pods,
      backoff: { baseMs: 3_600_000, maxMs: 3_600_000 },
      onError: (error) => errors.push(error),
    }).start();
    await until('the failure', () => errors.length === 1);
    await reflector.stop();
    expect(errors).toHaveLength(1);
  });

  it('before it began does nothing at all', async () => {
    const reflector = new Reflector({ client: server.client(), resource: pods });
    await reflector.stop();
    reflector.start();
    await reflector.stop();
    expect(server.requests).toEqual([]);
  });
});
