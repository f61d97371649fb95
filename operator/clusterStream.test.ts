/** The operator with proxies on its stream: what it writes then, what it remembers, and what status says. */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MeshPolicy } from '../core/api/index.ts';
import type { UpdateMessage } from '../core/control/index.ts';
import { annotation } from '../core/model/names.ts';
import type { Service } from '../core/proxyConfig/index.ts';
import { resources, type Pod } from '../kube/index.ts';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { until } from '../kube/testing/until.ts';
import { runClusterOperator, type Operator } from './clusterMode.ts';
import { readEnv } from './env.ts';
import { ProxyClient, type Files, type ProxyStream } from './testing/proxyClient.ts';
import { configMap, putEndpoint, putPod, putShop, secret, SHOP, texts } from './testing/shop.ts';

const loopback = { host: '127.0.0.1', port: 0 };
let server: ApiServer;
let running: Operator[];
let proxies: Proxy[];

/** Replicas name each other by address and port, so that the port has to be known before. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, loopback.host, resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function start(name: string): Promise<Operator> {
  const operator = await runClusterOperator({
    env: readEnv({ WEFT_POD_NAME: name, WEFT_POD_IP: loopback.host }),
    log: pino({ level: 'silent' }),
    client: server.client(),
    health: loopback,
    control: { ...loopback, port: await freePort() },
    admin: loopback,
    onEnd: (reason, error) => {
      throw error ?? new Error(reason);
    },
  });
  running.push(operator);
  return operator;
}

/** Takes whatever comes, and says so. */
class Proxy {
  /** By `namespace/name`. */
  readonly services = new Map<string, Service>();
  readonly #client: ProxyClient;
  readonly #pod: Pod;
  #stream: ProxyStream;
  #ended = false;
  updates = 0;

  constructor(client: ProxyClient, pod: Pod) {
    this.#client = client;
    this.#pod = pod;
    this.#stream = this.#open();
    void this.#follow();
  }

  /** Again where the operator does not know the pod yet. */
  #open(): ProxyStream {
    const { name, uid = '' } = this.#pod.metadata;
    const stream = this.#client.report({
      version: 'weft.dev/control/v1',
      pod: { namespace: SHOP, name, uid },
      workload: { kind: 'deployment', name: 'payment' },
      proxyVersion: '0.1.0',
    });
    void stream.closed.then(() => {
      if (!this.#ended) setTimeout(() => (this.#stream = this.#open()), 20);
    });
    return stream;
  }

  ask(service: string): void {
    this.#stream.send({ type: 'ask', services: [service] });
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#client.close();
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      const at = this.#stream.messages.findIndex(({ type }) => type === 'update');
      if (at === -1) await new Promise((resolve) => setTimeout(resolve, 1));
      else this.#take(this.#stream.messages.splice(at, 1)[0] as UpdateMessage);
    }
  }

  #take(update: UpdateMessage): void {
    this.updates += 1;
    for (const service of update.services) this.services.set(`${service.namespace}/${service.name}`, service);
    for (const key of update.removed) this.services.delete(key);
    this.#stream.ack(update);
  }

  /** State of the only endpoint of a service; undefined where there is none that can be used. */
  endpoint(service: string): string | undefined {
    return this.services.get(service)?.ports[0]?.endpoints[0]?.state;
  }
}

/** `by`: where the proxy connects instead. */
async function proxyOf(operator: Operator, pod: Pod, by?: Relay): Promise<Proxy> {
  await until('the control port', () => operator.controlPort !== undefined);
  await until('the identity', () => secret(server, 'weft.serviceaccount.payment') !== undefined);
  const files = texts(secret(server, 'weft.serviceaccount.payment')?.data) as unknown as Files;
  const client = await ProxyClient.connect(by?.port ?? operator.controlPort!, files);
  const proxy = new Proxy(client, pod);
  proxies.push(proxy);
  await until('the document', () => proxy.updates > 0);
  return proxy;
}

const policy = (): MeshPolicy | undefined =>
  server.objects.get(resources.meshPolicies, { namespace: SHOP, name: 'payment' });
const putPolicy = (): unknown =>
  server.objects.put(resources.meshPolicies, {
    metadata: { namespace: SHOP, name: 'payment' },
    spec: { mode: 'Enforce', mtls: { mode: 'Strict' } },
  });
const meshConfig = () => server.objects.list(resources.meshConfigs)[0]?.status;
const appliedOf = (): string | undefined =>
  policy()?.status?.conditions?.find(({ type }) => type === 'Applied')?.status;
const writesOf = (plural: string): number =>
  server.requests.filter(
    ({ verb, plural: kind }) => ['create', 'patch', 'update'].includes(verb) && kind === plural,
  ).length;
const stampOf = (): { used?: string[] } =>
  JSON.parse(
    configMap(server, 'weft.deployment.payment')?.metadata.annotations?.[annotation.document] ?? '{}',
  ) as { used?: string[] };

beforeEach(async () => {
  [running, proxies] = [[], []];
  server = await startApiServer();
  putShop(server, 'payment');
});

afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all(running.map((operator) => operator.stop()));
  await server.close();
});

it('brings a policy into force by the stream, says in what time, and refreshes no pod', async () => {
  const operator = await start('op-1');
  const pod = putPod(server, 'payment-1');
  await proxyOf(operator, pod);
  const refreshed = writesOf('pods');
  putPolicy();
  await until('Applied', () => appliedOf() === 'True');
  expect(policy()?.status).toMatchObject({ applied: '1/1', late: [], observedGeneration: 1 });
  expect(policy()?.status?.appliedIn).toMatch(/^[0-9.]+m?s$/);
  await until('the file', () => writesOf('configmaps') > 0);
  expect(writesOf('pods')).toBe(refreshed);
  const connected = () => meshConfig()?.conditions?.find(({ type }) => type === 'Connected')?.message;
  await until('the MeshConfig', () => connected() === '1/1 proxies have a stream');
});

it('brings endpoints by the stream, and writes neither files nor status for each', async () => {
  const operator = await start('op-1');
  const pod = putPod(server, 'payment-1');
  putEndpoint(server, pod);
  const proxy = await proxyOf(operator, pod);
  await until('the endpoint', () => proxy.endpoint('shop/payment') === 'Ready');
  putPolicy();
  await until('Applied', () => appliedOf() === 'True');
  const file = () => configMap(server, 'weft.deployment.payment')?.data?.['config.json'];
  await until('the file', () => file()?.includes('MeshPolicy/shop/payment') === true);
  await until('the MeshConfig', () => meshConfig()?.applied === '1/1');
  const files = writesOf('configmaps');
  const status = writesOf('meshpolicies') + writesOf('meshconfigs');
  for (let times = 0; times < 10; times += 1) {
    const ready = times % 2 === 1;
    putEndpoint(server, pod, ready);
    await until('the change', () => proxy.endpoint('shop/payment') === (ready ? 'Ready' : 'NotReady'));
  }
  expect(writesOf('configmaps') - files).toBeLessThanOrEqual(1);
  expect(writesOf('meshpolicies') + writesOf('meshconfigs')).toBe(status);
});

it('remembers what a workload has called, also where a replica that does not lead was asked', async () => {
  putShop(server, 'ledger', 'bank');
  putEndpoint(server, putPod(server, 'ledger-1', { namespace: 'bank' }));
  const first = await start('op-1');
  await until('the first leads', () => first.isLeader);
  const second = await start('op-2');
  const proxy = await proxyOf(second, putPod(server, 'payment-1'));
  expect(proxy.services.has('bank/ledger')).toBe(false);
  proxy.ask('bank/ledger');
  await until('the service', () => proxy.services.has('bank/ledger'));
  await until('the stamp', () => stampOf().used?.includes('bank/ledger') === true);
  await Promise.all([first.stop(), second.stop()]);
  running = [];
  const next = await proxyOf(await start('op-3'), putPod(server, 'payment-2'));
  expect(next.services.has('bank/ledger')).toBe(true);
});

it('names a proxy as late that does not answer, and takes it back when it does', async () => {
  const operator = await start('op-1');
  const pod = putPod(server, 'payment-1');
  await until('the control port', () => operator.controlPort !== undefined);
  const relay = await Relay.to(operator.controlPort!);
  await proxyOf(operator, pod, relay);
  putPolicy();
  await until('Applied', () => appliedOf() === 'True');
  relay.pause();
  const startedAt = performance.now();
  await until('late', () => appliedOf() === 'False');
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(policy()?.status?.late).toEqual(['shop/payment-1']);
  relay.resume();
  await until('Applied again', () => appliedOf() === 'True');
  await relay.close();
});

/** Passes bytes on, until it is told to hold them: a stopped process looks like this from outside. */
class Relay {
  readonly #server: Server;
  readonly #sockets: Socket[];

  private constructor(relay: Server, sockets: Socket[]) {
    this.#server = relay;
    this.#sockets = sockets;
  }

  static async to(port: number): Promise<Relay> {
    const sockets: Socket[] = [];
    const relay = createServer((inbound) => {
      const outbound = connect(port, loopback.host);
      for (const socket of [inbound, outbound]) socket.on('error', () => {});
      inbound.on('data', (chunk) => outbound.write(chunk)).on('close', () => outbound.destroy());
      outbound.on('data', (chunk) => inbound.write(chunk)).on('close', () => inbound.destroy());
      sockets.push(inbound, outbound);
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    return new Relay(relay, sockets);
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
