import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseMeshPolicy, type MeshPolicy } from '../core/api/index.ts';
import { resources } from '../kube/index.ts';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { until } from '../kube/testing/until.ts';
import { watchCluster } from './cluster.ts';

let api: ApiServer;
let view: ReturnType<typeof watchCluster>;
let errors: string[];
const spec = (value: object) => value as MeshPolicy['spec'];
const policyOf = (namespace: string, value: object): MeshPolicy => {
  const policy = parseMeshPolicy({ metadata: { namespace, name: 'p' }, spec: value });
  if (!policy.ok) throw new Error('the policy of a test is invalid');
  return policy.value;
};
const replicaSet = (name: string, uid?: string) => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name,
  ...(uid ? { uid } : {}),
});

beforeEach(async () => {
  api = await startApiServer({ namespaces: ['shop'] });
  errors = [];
  view = watchCluster({
    client: api.client(),
    systemNamespace: 'weft-system',
    trustDomain: 'mesh.example',
    kubernetes: { major: 1, minor: 36 },
    onError: (what, error) => errors.push(`${what}: ${error.message}`),
  });
  await until('synced', () => view.synced);
});
afterEach(async () => {
  await view.stop();
  await api.close();
});

describe('namespaces', () => {
  test('labels come from the watch, also after a change', async () => {
    expect(await view.namespaceLabels('shop')).not.toHaveProperty(['weft.dev/injection']);
    api.objects.namespace('shop', { 'weft.dev/injection': 'enabled' });
    await until(
      'enabled',
      async () => (await view.namespaceLabels('shop'))?.['weft.dev/injection'] === 'enabled',
    );
  });

  test('a label that the watch has not told of is seen: the API server asks because of it', async () => {
    api.objects.namespace('late', {});
    await until('known', async () => (await view.namespaceLabels('late')) !== undefined);
    api.watches.stall();
    expect(await view.namespaceLabels('late')).not.toHaveProperty(['weft.dev/injection']);
    api.objects.namespace('late', { 'weft.dev/injection': 'enabled' });
    await until(
      'enabled',
      async () => (await view.namespaceLabels('late'))?.['weft.dev/injection'] === 'enabled',
    );
  });

  test('one that the watch has not told of is asked for', async () => {
    api.watches.stall();
    api.objects.namespace('new', { a: 'b' });
    expect(await view.namespaceLabels('new')).toMatchObject({ a: 'b' });
    expect(await view.namespaceLabels('absent')).toBeUndefined();
  });
});

describe('owners', () => {
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'd', controller: true },
  ];
  const gets = () => api.requests.filter(({ plural }) => plural === 'replicasets').length;
  const stored = (name: string, meta: object = {}) => {
    const { metadata } = api.objects.put(resources.replicaSets, {
      metadata: { namespace: 'shop', name, ...meta },
    });
    return replicaSet(name, metadata.uid);
  };

  test('many pods of one ReplicaSet ask once', async () => {
    const cart = stored('cart-1', { ownerReferences });
    const answers = await Promise.all([1, 2, 3].map(() => view.owner('shop', cart)));
    expect(answers).toEqual([{ ownerReferences }, { ownerReferences }, { ownerReferences }]);
    expect(await view.owner('shop', cart)).toEqual({ ownerReferences });
    expect(gets()).toBe(1);
  });

  test('one without owner is known to have none; one that is missing, or another, is unknown', async () => {
    expect(await view.owner('shop', stored('alone'))).toEqual({});
    expect(await view.owner('shop', replicaSet('alone', 'earlier'))).toBeUndefined();
    expect(await view.owner('shop', replicaSet('absent'))).toBeUndefined();
    expect(errors).toEqual([]);
  });

  test('with the API server in trouble it is unknown, and asked for again', async () => {
    const cart = stored('cart-1', { ownerReferences });
    api.faults.respond({ status: 500, path: '/replicasets', times: 1 });
    expect(await view.owner('shop', cart)).toBeUndefined();
    expect(errors.join()).toContain('ReplicaSet shop/cart-1');
    expect(await view.owner('shop', cart)).toEqual({ ownerReferences });
  });
});

describe('MeshConfig', () => {
  const put = (value: object) =>
    api.objects.put(resources.meshConfigs, { metadata: { name: 'default' }, spec: value as never });

  test('defaults, then the resource, then its last good form, then defaults again', async () => {
    expect(view.trustDomain()).toBe('mesh.example');
    expect(view.mesh().proxy.logLevel).toBe('Info');
    put({ trustDomain: 'mesh.example', proxy: { logLevel: 'Debug' } });
    await until('Debug', () => view.mesh().proxy.logLevel === 'Debug');
    put({ trustDomain: 'mesh.example', proxy: { logLevel: 'Loud' } });
    await until('a complaint', () => errors.some((error) => error.includes('spec.proxy.logLevel')));
    expect(view.mesh().proxy.logLevel).toBe('Debug');
    api.objects.delete(resources.meshConfigs, { name: 'default' });
    await until('defaults', () => view.mesh().proxy.logLevel === 'Info');
  });
});

describe('policies and the pods they select', () => {
  test('only valid policies are known, with their defaults', async () => {
    const put = (name: string, value: object) =>
      api.objects.put(resources.meshPolicies, { metadata: { namespace: 'shop', name }, spec: spec(value) });
    put('bad', { mtls: { mode: 'strict' } });
    put('good', { mtls: { mode: 'Strict' } });
    await until('one policy', () => view.policies().length === 1);
    expect(view.policies()[0]).toMatchObject({ metadata: { name: 'good' }, spec: { mode: 'Enforce' } });
  });

  test('pods of the namespace by selector; of the whole mesh for a policy of the system namespace', async () => {
    const proxy = { 'weft.dev/proxy': '{}' };
    api.objects.put(resources.pods, {
      metadata: { namespace: 'shop', name: 'a', labels: { app: 'cart' }, annotations: proxy },
    });
    api.objects.put(resources.pods, { metadata: { namespace: 'shop', name: 'b', labels: { app: 'web' } } });
    api.objects.put(resources.pods, { metadata: { namespace: 'other', name: 'c', labels: { app: 'cart' } } });
    const selector = { matchLabels: { app: 'cart' } };
    const mtls = { mode: 'Strict' };
    expect(await view.podsOf(policyOf('shop', { selector, mtls }))).toEqual([
      { namespace: 'shop', labels: { app: 'cart' }, proxy: '{}' },
    ]);
    expect(await view.podsOf(policyOf('weft-system', { selector, mtls }))).toHaveLength(2);
    expect(await view.podsOf(policyOf('shop', { mtls }))).toHaveLength(2);
  });

  test('pods that may not be listed are unknown', async () => {
    api.faults.respond({ status: 403, path: '/pods', times: 1 });
    expect(await view.podsOf(policyOf('shop', { mtls: { mode: 'Strict' } }))).toBeUndefined();
    expect(errors.join()).toContain('pods: ');
  });
});
