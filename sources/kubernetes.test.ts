import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resources } from '../kube/index.ts';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { until } from '../kube/testing/until.ts';
import type { Snapshot } from '../core/model/index.ts';
import { KubernetesSource } from './index.ts';
import { GATHER_MS } from './kubernetes.ts';
import { pod, service, settings, slice } from './testing/mesh.ts';
import { trims } from './trim.ts';

let server: ApiServer;
let source: KubernetesSource;
let errors: Error[];
let seen: Snapshot[];

beforeEach(async () => {
  server = await startApiServer({ namespaces: ['shop'] });
  errors = [];
  seen = [];
  source = new KubernetesSource({
    ...settings,
    client: server.client(),
    onError: (error) => errors.push(error),
  });
  source.onSnapshot((snapshot) => seen.push(snapshot));
});

afterEach(async () => {
  await source.stop();
  await server.close();
});

const account = (name: string) =>
  server.objects.put(resources.serviceAccounts, { metadata: { name, namespace: 'shop' } });
const putPod = (name: string) => {
  const { metadata, ...rest } = pod(name).object;
  const { resourceVersion: _, ...meta } = metadata;
  server.objects.put(resources.pods, { ...rest, metadata: meta } as never);
};
const policy = (mode: string) =>
  server.objects.put(resources.meshPolicies, {
    metadata: { name: 'p', namespace: 'shop' },
    spec: { mtls: { mode } } as never,
  });

describe('a cluster', () => {
  it('is seen whole at first, then as it changes', async () => {
    account('cart');
    putPod('cart-1');
    policy('Strict');
    const first = await source.start();
    expect(seen).toEqual([first]);
    expect([...first.pods.keys()]).toEqual(['shop/cart-1']);
    expect(first.serviceAccounts.get('shop/cart')?.uid).toBeTruthy();
    expect(first.policies[0]?.spec.mtls?.mode).toBe('Strict');
    policy('strict');
    await until('the refusal', () => source.current?.rejected.length === 1);
    expect(source.current?.policies[0]?.spec.mtls?.mode).toBe('Strict');
    expect(source.current?.pods).toBe(first.pods);
    server.objects.delete(resources.pods, { namespace: 'shop', name: 'cart-1' });
    await until('the deletion', () => source.current?.pods.size === 0);
    expect(errors).toEqual([]);
  });

  it('gives revisions that count deletions too', async () => {
    account('cart');
    const first = await source.start();
    server.objects.delete(resources.serviceAccounts, { namespace: 'shop', name: 'cart' });
    await until('the deletion', () => source.current?.serviceAccounts.has('shop/cart') === false);
    expect(BigInt(source.current!.revision)).toBeGreaterThan(BigInt(first.revision));
    expect(source.current!.revision).toBe(`${server.revision}`);
  });

  it('is not announced before every kind was listed, and says what is awaited', async () => {
    server.faults.respond({ status: 403, method: 'GET', path: '/meshpolicies', times: 1 });
    const started = source.start();
    await until('the other lists', () => source.awaited.length === 1);
    expect(source.awaited).toEqual(['meshPolicies']);
    expect(seen).toEqual([]);
    await started;
    expect(source.awaited).toEqual([]);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('changes many times in few snapshots', async () => {
    await source.start();
    const count = 100;
    for (let index = 0; index < count; index += 1) account(`a-${index}`);
    await until('all', () => source.current?.serviceAccounts.size === count);
    expect(seen.length).toBeLessThan(10);
  });

  it('shows a first change at once and gathers those that follow', async () => {
    const timers: { ms: number; run: () => void }[] = [];
    await source.stop();
    source = new KubernetesSource({
      ...settings,
      client: server.client(),
      onError: (error) => errors.push(error),
      clock: {
        now: () => Date.now(),
        monotonic: () => performance.now(),
        after: (ms, run) => {
          const timer = { ms, run };
          timers.push(timer);
          return () => timers.splice(timers.indexOf(timer), 1);
        },
      },
    });
    const gather = () => {
      const index = timers.findIndex(({ ms }) => ms === GATHER_MS);
      return index === -1 ? undefined : timers.splice(index, 1)[0];
    };
    await source.start();
    gather()?.run();
    account('first');
    await until('the first', () => source.current?.serviceAccounts.size === 1);
    account('second');
    putPod('third');
    const events = (kind: string) => source.counters.get(kind)?.events;
    await until('both to arrive', () => events('serviceAccounts') === 2 && events('pods') === 1);
    expect(source.current?.serviceAccounts.size).toBe(1);
    gather()!.run();
    expect([source.current?.serviceAccounts.size, source.current?.pods.size]).toEqual([2, 1]);
  });

  it('that goes away and comes back is followed again', async () => {
    await source.start();
    await server.down();
    account('while-away');
    await server.up();
    await until('what happened', () => source.current?.serviceAccounts.size === 1);
    expect(source.current?.serviceAccounts.has('shop/while-away')).toBe(true);
  });

  it('is told to nobody once the source was stopped', async () => {
    await source.start();
    await source.stop();
    account('late');
    expect(seen).toHaveLength(1);
    expect(source.current?.serviceAccounts.size).toBe(0);
  });

  it('may be left before it was seen', async () => {
    server.faults.delay({ ms: 200, path: '/pods' });
    const started = source.start();
    await source.stop();
    await expect(started).rejects.toThrow('stopped before');
  });
});

describe('what is kept', () => {
  it('is no more than is read', () => {
    const raw = pod('p').object as never as Record<string, Record<string, unknown>>;
    const full = {
      ...raw,
      metadata: {
        ...raw['metadata'],
        managedFields: [{ manager: 'x' }],
        annotations: {
          ...(raw['metadata']!['annotations'] as object),
          'kubectl.kubernetes.io/last-applied': 'x',
        },
      },
      spec: {
        ...raw['spec'],
        volumes: [{ name: 'v' }],
        containers: [{ name: 'app', image: 'i', env: [{ name: 'PASSWORD', value: 'secret' }], ports: [] }],
      },
      status: { ...raw['status'], conditions: [{ type: 'Ready' }] },
    };
    const kept = JSON.stringify(trims.pods(full as never));
    for (const dropped of ['managedFields', 'last-applied', 'volumes', 'PASSWORD', 'conditions', '"image"']) {
      expect(kept).not.toContain(dropped);
    }
    expect(kept).toContain('weft.dev/proxy');
  });

  it('gives the same snapshot as the whole', async () => {
    const manifests = [
      pod('p', { account: 'a' }),
      service('s'),
      slice('s', [{ address: '10.1.0.1', pod: 'p' }]),
    ];
    for (const { kind, object } of manifests) {
      const { resourceVersion: _, ...metadata } = object.metadata;
      server.objects.put(resources[kind as 'pods'], { ...object, metadata } as never);
    }
    const snapshot = await source.start();
    expect(snapshot.pods.get('shop/p')).toMatchObject({ serviceAccount: 'a', proxy: { started: true } });
    expect(snapshot.services.get('shop/s')?.endpoints).toHaveLength(1);
  });
});
