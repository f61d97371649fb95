import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeshPolicy, MeshPolicySpec } from '../core/api/index.ts';
import { label } from '../core/model/names.ts';
import { parseProxyConfig, type ProxyConfig } from '../core/proxyConfig/index.ts';
import { resources, type Pod } from '../kube/index.ts';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { until } from '../kube/testing/until.ts';
import { runClusterOperator, type Operator } from './clusterMode.ts';
import { readEnv } from './env.ts';
import { documentHash } from './hash.ts';
import { ProxyClient, type Files } from './testing/proxyClient.ts';
import { configMap, putPod, putShop, secret, SHOP, texts } from './testing/shop.ts';

const loopback = { host: '127.0.0.1', port: 0 };
let server: ApiServer;
let running: Operator[];
let clients: ProxyClient[];
let ends: string[];

async function start(name: string): Promise<Operator> {
  const operator = await runClusterOperator({
    env: readEnv({ WEFT_POD_NAME: name, WEFT_POD_IP: '10.0.0.7' }),
    log: pino({ level: 'silent' }),
    client: server.client(),
    health: loopback,
    control: loopback,
    admin: loopback,
    onEnd: (reason, error) => ends.push(`${name} ${reason} ${error?.message ?? ''}`),
  });
  running.push(operator);
  return operator;
}

const stop = async (operator: Operator): Promise<void> => {
  running = running.filter((other) => other !== operator);
  await operator.stop();
};

const config = (name: string): ProxyConfig | undefined => {
  const text = configMap(server, `weft.deployment.${name}`)?.data?.['config.json'];
  return text === undefined ? undefined : parseProxyConfig(text, documentHash);
};
const policy = (): MeshPolicy | undefined =>
  server.objects.get(resources.meshPolicies, { namespace: SHOP, name: 'payment' });
const applied = () => policy()?.status?.conditions?.find(({ type }) => type === 'Applied');
const putPolicy = (spec: MeshPolicySpec): unknown =>
  server.objects.put(resources.meshPolicies, { metadata: { namespace: SHOP, name: 'payment' }, spec });
/** What was asked of the API server that changes something. */
const writes = () =>
  server.requests.filter(
    ({ verb, plural }) => !['get', 'list', 'watch'].includes(verb) && plural !== 'leases',
  );

async function proxyOf(operator: Operator, account: string): Promise<ProxyClient> {
  await until('the control port', () => operator.controlPort !== undefined);
  await until('the identity', () => secret(server, `weft.serviceaccount.${account}`) !== undefined);
  const files = texts(secret(server, `weft.serviceaccount.${account}`)?.data) as unknown as Files;
  const client = await ProxyClient.connect(operator.controlPort!, files);
  clients.push(client);
  return client;
}

/** Says what a proxy of the pod says that has this document in force; true where the operator listens. */
async function report(client: ProxyClient, { metadata }: Pod, document: ProxyConfig): Promise<boolean> {
  const { epoch, revision, hash, resources: versions } = document;
  const stream = client.report({
    version: 'weft.dev/control/v1',
    pod: { namespace: SHOP, name: metadata.name, uid: metadata.uid ?? '' },
    workload: { kind: 'deployment', name: 'payment' },
    proxyVersion: '0.1.0',
    inForce: { epoch, revision, hash, since: new Date().toISOString(), resources: versions },
  });
  await until('an answer', () => stream.messages.length > 0);
  if (stream.messages[0]!.type === 'update') return true;
  await stream.closed;
  return false;
}

beforeEach(async () => {
  [running, clients, ends] = [[], [], []];
  server = await startApiServer();
  putShop(server, 'payment');
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(running.map((operator) => operator.stop()));
  await server.close();
});

describe('the operator on a cluster', () => {
  it('puts document, directory and identity in place before there is any pod', async () => {
    await start('op-1');
    await until('the document', () => config('payment') !== undefined);
    await until('the directory', () => configMap(server, 'weft.directory') !== undefined);
    await until('the identity', () => secret(server, 'weft.serviceaccount.payment') !== undefined);
    const { metadata } = configMap(server, 'weft.deployment.payment')!;
    const deployment = server.objects.get(resources.deployments, { namespace: SHOP, name: 'payment' });
    expect(metadata.labels).toEqual({ [label.managedBy]: 'weft' });
    expect(metadata.ownerReferences).toEqual([
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'payment', uid: deployment?.metadata.uid },
    ]);
    expect(config('payment')).toMatchObject({ epoch: 1, workload: { kind: 'deployment', name: 'payment' } });
    await until('the MeshConfig', () => server.objects.list(resources.meshConfigs).length === 1);
    expect(server.objects.list(resources.meshConfigs)[0]?.spec.trustDomain).toBe('cluster.local');
  });

  it('brings a policy into force: document, report, APPLIED', async () => {
    const operator = await start('op-1');
    await until('the document', () => config('payment') !== undefined);
    const pod = putPod(server, 'payment-1');
    const client = await proxyOf(operator, 'payment');
    await until('the first report', () => report(client, pod, config('payment')!));
    await client.close();

    putPolicy({ mode: 'Enforce', mtls: { mode: 'Strict' } });
    await until('the document', () => config('payment')?.resources['MeshPolicy/shop/payment'] !== undefined);
    await until('Pending', () => applied()?.reason === 'Pending');
    expect(policy()?.status).toMatchObject({
      applied: '0/1',
      late: ['shop/payment-1'],
      observedGeneration: 1,
    });
    expect(await report(await proxyOf(operator, 'payment'), pod, config('payment')!)).toBe(true);
    await until('Applied', () => applied()?.status === 'True');
    expect(policy()?.status).toMatchObject({ applied: '1/1', late: [] });
    expect(config('payment')?.sections[0]?.inbound.mtls).toMatchObject({
      mode: 'Strict',
      policy: 'shop/payment',
    });
  });

  it('says where it waits on its health port, then that it is ready, and shows metrics', async () => {
    const operator = await start('op-1');
    const get = (path: string) => fetch(`http://127.0.0.1:${operator.healthPort}${path}`);
    await until('ready', async () => (await get('/healthz/ready')).status === 200);
    expect((await get('/healthz/live')).status).toBe(200);
    await until('the lead', () => operator.isLeader);
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain('weft_operator_leader 1');
    expect(metrics).toMatch(/weft_operator_queue_depth\{queue="documents"\}/);
    expect((await get('/other')).status).toBe(404);
  });

  it('writes nothing when it is started again and nothing has changed', async () => {
    const first = await start('op-1');
    putPolicy({ mode: 'Enforce', mtls: { mode: 'Strict' } });
    await until('Applied', () => applied()?.status === 'True');
    await until('the directory', () => configMap(server, 'weft.directory') !== undefined);
    await until('the identity', () => secret(server, 'weft.serviceaccount.payment') !== undefined);
    const versions = () => Object.keys(config('payment')?.resources ?? {});
    await until('the document with both resources', () => versions().length === 2);
    const meshConfig = () => server.objects.list(resources.meshConfigs)[0]?.status?.applied;
    await until('the status of the MeshConfig', () => meshConfig() === '0/0');
    await stop(first);
    server.requests.length = 0;
    const second = await start('op-2');
    await until('the lead', () => second.isLeader);
    // leading, it looks at everything; the namespace made now is the last in the line
    server.objects.namespace('bank', { [label.injection]: 'enabled' });
    putShop(server, 'ledger', 'bank');
    await until(
      'the document of the new workload',
      () => server.objects.list(resources.configMaps, 'bank').length === 2,
    );
    const inShop = writes().filter(({ namespace, plural }) => namespace === SHOP && plural === 'configmaps');
    expect(inShop.filter(({ name }) => name !== 'weft.directory')).toEqual([]);
    expect(writes().filter(({ plural }) => plural.startsWith('mesh'))).toEqual([]);
    // an empty patch is how the operator looks at a Secret; no new content was written
    const contents = writes().filter(({ namespace, plural }) => namespace === SHOP && plural === 'secrets');
    expect(contents.map(({ body }) => body)).toEqual(contents.map(() => ({})));
    expect(policy()?.status?.applied).toBe('0/0');
  });

  it('removes nothing that belongs to others, and warns of a pod without a proxy', async () => {
    const labels = { [label.managedBy]: 'weft' };
    server.objects.put(resources.configMaps, {
      metadata: { namespace: SHOP, name: 'mine', labels },
      data: { a: 'b' },
    });
    putPod(server, 'payment-1', { injected: false });
    await start('op-1');
    await until('the event', () =>
      server.objects.list(resources.events).some(({ reason }) => reason === 'ProxyMissing'),
    );
    const event = server.objects.list(resources.events).find(({ reason }) => reason === 'ProxyMissing');
    expect(event).toMatchObject({
      type: 'Warning',
      regarding: { kind: 'Pod', name: 'payment-1', namespace: SHOP },
    });
    expect(configMap(server, 'mine')?.data).toEqual({ a: 'b' });
  });
});

describe('the loopback pages', () => {
  const page = async (operator: Operator, path: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${operator.adminPort}${path}`)).json();

  it('tell what each proxy runs and what its workload should run', async () => {
    const operator = await start('op-1');
    await until('the document', () => config('payment') !== undefined);
    const pod = putPod(server, 'payment-1');
    const client = await proxyOf(operator, 'payment');
    await until('a report is taken', () => report(client, pod, config('payment')!));
    await until('the lead', () => operator.isLeader);
    const { hash } = config('payment')!;
    expect(await page(operator, '/proxies')).toMatchObject({
      leads: true,
      replica: 'op-1',
      proxies: [{ pod: { name: 'payment-1' }, connected: true, inForce: { hash } }],
    });
    // its file may be older: endpoints alone are not written at once
    expect(await page(operator, '/documents/deployment/shop/payment')).toMatchObject({
      workload: 'deployment/shop/payment',
      parts: { policy: expect.any(String) as string },
    });
  });

  it('of a replica that does not lead name the leader', async () => {
    const first = await start('op-1');
    await until('the lead', () => first.isLeader);
    const second = await start('op-2');
    await until('the leader is known', async () => 'leader' in ((await page(second, '/proxies')) as object));
    expect(await page(second, '/proxies')).toEqual({ leads: false, replica: 'op-2', leader: 'op-1' });
  });
});

describe('two replicas', () => {
  it('serve proxies, whoever leads; when the leader goes the other takes over', async () => {
    const first = await start('op-1');
    await until('the first leads', () => first.isLeader);
    const second = await start('op-2');
    await until('the document', () => config('payment') !== undefined);
    const pod = putPod(server, 'payment-1');
    const client = await proxyOf(second, 'payment');
    await until('a report is taken', () => report(client, pod, config('payment')!));
    await stop(first);
    await until('the second leads', () => second.isLeader);
    putPolicy({ mode: 'Enforce', mtls: { mode: 'Strict' } });
    await until('what the second heard before it led', () => applied()?.reason === 'Pending');
    await client.close();
    await until('the policy', () => config('payment')?.resources['MeshPolicy/shop/payment'] !== undefined);
    expect(await report(await proxyOf(second, 'payment'), pod, config('payment')!)).toBe(true);
    await until('Applied', () => applied()?.status === 'True');
    expect(ends).toEqual([]);
  });

  it('one that loses the lease ends', async () => {
    const first = await start('op-1');
    await until('it leads', () => first.isLeader);
    const lease = server.objects.get(resources.leases, { namespace: 'weft-system', name: 'weft-operator' })!;
    server.objects.put(resources.leases, {
      ...lease,
      spec: { ...lease.spec, holderIdentity: 'op-9/10.0.0.9:15010' },
    });
    await until('the end', () => ends.length > 0);
    expect(ends).toEqual(['op-1 the lease is lost ']);
  });
});
