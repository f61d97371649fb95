/** The configuration stream with both ends real: what objects of the cluster say is what the proxy runs by. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { Compiler } from '../../core/compile/index.ts';
import { CONTROL_VERSION } from '../../core/control/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { systemClock } from '../../kube/index.ts';
import { identifyPeer } from '../../operator/control/identify.ts';
import { ReportRegistry } from '../../operator/control/reports.ts';
import { startControlServer, type ControlServer } from '../../operator/control/server.ts';
import { Streams } from '../../operator/control/streams.ts';
import { counter } from '../../operator/control/testing/harness.ts';
import { Mesh } from '../../operator/mesh.ts';
import { MemoryDocuments } from '../../operator/testing/memoryDocuments.ts';
import type { Manifest } from '../../sources/index.ts';
import {
  account,
  hash,
  meshConfig,
  namespace,
  ofDeployment,
  pod,
  policy,
  replicaSet,
  service,
  slice,
  snapshotOf,
  workload,
} from '../../sources/testing/mesh.ts';
import type { Log } from '../context.ts';
import { ConfigCore } from './core.ts';
import { loadIdentity, type LoadedIdentity } from './identity.ts';
import { LiveValue } from './live.ts';
import { StreamClient } from './streamClient.ts';
import { eventually } from './testing/volumes.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const UID = 'pods-shop-cart-1';
const labels = { app: 'cart' };

const cart: Manifest[] = [
  namespace('shop'),
  account('cart'),
  replicaSet('cart'),
  workload('cart', { labels, account: 'cart' }),
  pod('cart-1', { labels, account: 'cart', ip: '10.1.0.1', owner: ofDeployment('cart') }),
];

/** A service of the mesh with endpoints of its own. */
const served = (
  name: string,
  at: { namespace: string; ip: string; endpoints: string[]; visibleTo?: string },
) => {
  const { namespace, ip, endpoints, visibleTo } = at;
  const pods = endpoints.map((address, n) => ({ address, pod: `${name}-${n}` }));
  return [
    account(name, namespace),
    service(name, { namespace, ip, ...(visibleTo !== undefined && { visibleTo }) }),
    slice(name, pods, { namespace }),
    ...pods.map(({ address, pod: of }) =>
      pod(of, { namespace, ip: address, account: name, labels: { app: name } }),
    ),
  ];
};
const web = (endpoints = ['10.1.1.1']) => served('web', { namespace: 'shop', ip: '10.96.0.1', endpoints });
const bank = (visibleTo?: string) => [
  namespace('bank'),
  ...served('ledger', {
    namespace: 'bank',
    ip: '10.96.0.9',
    endpoints: ['10.1.9.1'],
    ...(visibleTo !== undefined && { visibleTo }),
  }),
];

class Replica {
  readonly mesh = new Mesh({
    compiler: new Compiler({ hash }),
    inPlace: new MemoryDocuments(),
    clock: systemClock,
    onError: (error) => {
      throw error;
    },
  });
  readonly reports = new ReportRegistry({ now: Date.now });
  readonly heard = counter();
  readonly streams = new Streams({ source: this.mesh, clock: systemClock });
  server!: ControlServer;
  #revision = 100;
  #snapshot: Snapshot | undefined;

  take(...manifests: Manifest[]): void {
    this.#snapshot = { ...snapshotOf(...cart, ...manifests), revision: String(++this.#revision) };
    this.mesh.take(this.#snapshot);
  }

  async listen(authority: TestMesh, port = 0): Promise<this> {
    const own = await authority.workload('weft-system', 'weft-operator');
    this.server = await startControlServer({
      address: { host: '127.0.0.1', port },
      identity: { cert: own['tls.crt'], key: own['tls.key'], ca: own['ca.crt'] },
      identify: (certificate) => identifyPeer(certificate, 'cluster.local'),
      systemNamespace: 'weft-system',
      reports: this.reports,
      source: this.mesh,
      streams: this.streams,
      snapshot: () => this.#snapshot,
      leadership: () => ({ leading: true }),
      clock: systemClock,
      events: this.heard.events,
      onUsed: () => undefined,
      onRefused: () => undefined,
      limits: { pingMs: 100 },
    });
    return this;
  }

  /** Hash of what the operator knows to be in force in the proxy. */
  get known(): string | undefined {
    return this.reports.get(UID)?.report.inForce?.hash;
  }

  get wanted(): string | undefined {
    return this.mesh.document('deployment/shop/cart')?.hash;
  }

  async close(): Promise<void> {
    this.streams.stop();
    await this.server.close();
  }
}

let authority: TestMesh;
let replica: Replica;
let core: ConfigCore;
let client: StreamClient;

async function start(): Promise<void> {
  const identity = new LiveValue<LoadedIdentity>();
  const expected = { spiffeId: 'spiffe://cluster.local/ns/shop/sa/cart', now: new Date() };
  identity.set(loadIdentity({ ...(await authority.workload('shop', 'cart')) }, expected));
  client = new StreamClient({
    address: { host: 'localhost', port: replica.server.port },
    identity,
    operatorId: 'spiffe://cluster.local/ns/weft-system/sa/weft-operator',
    core,
    report: () => ({
      version: CONTROL_VERSION,
      pod: { namespace: 'shop', name: 'cart-1', uid: UID },
      workload: { kind: 'deployment', name: 'cart' },
      proxyVersion: '0.1.0',
      ...(core.config.current && {
        inForce: inForceOf(core),
      }),
    }),
    log,
    backoff: { minMs: 10, maxMs: 100 },
    returnMs: 20,
  });
}

function inForceOf({ config, since }: ConfigCore) {
  const { epoch, revision, hash, resources } = config.current!.document;
  return { epoch, revision, hash, resources, since: since!.toISOString() };
}

const resolve = (address: string, port = 80) => core.config.current?.destinations.resolve(address, port);
const inForce = () => eventually(() => replica.known !== undefined && replica.known === replica.wanted);

beforeEach(async () => {
  authority = await createTestMesh();
  replica = await new Replica().listen(authority);
  core = new ConfigCore({ log });
  core.files({ config: undefined, directory: undefined, labels: 'app="cart"\n' });
});

afterEach(async () => {
  client.stop();
  await replica.close();
});

it('a proxy without files gets all, and then what differs', async () => {
  replica.take(...web(), ...bank());
  await start();
  await eventually(() => core.config.current?.directory);
  await inForce();
  expect(core.config.current!.document.hash).toBe(replica.wanted);
  expect(resolve('10.96.0.1')).toMatchObject({ kind: 'service', ready: [{ address: '10.1.1.1' }] });
  expect(resolve('10.96.0.9')).toMatchObject({ kind: 'directory', name: 'bank/ledger:80' });
  replica.take(...web(['10.1.1.1', '10.1.1.2']), ...bank(), policy('p', { mtls: { mode: 'Strict' } }));
  await eventually(() => resolve('10.96.0.1')!.ready.length === 2);
  await inForce();
  expect(core.config.current!.section.inbound.mtls.mode).toBe('Strict');
  expect(replica.reports.get(UID)?.report.inForce?.resources).toHaveProperty('MeshPolicy/shop/p');
  expect(client.state.updates).toEqual({ applied: 2, refused: 0 });
});

it('what is called for the first time comes at once, and stays across a restart of the operator', async () => {
  replica.take(...web(), ...bank());
  await start();
  await eventually(() => core.config.current?.directory);
  await client.demand.want('bank/ledger');
  expect(resolve('10.96.0.9')).toMatchObject({ kind: 'service', ready: [{ address: '10.1.9.1' }] });
  await inForce();
  const { updates, messages } = structuredClone(client.state);
  const { port } = replica.server;
  await replica.close();
  await eventually(() => !client.state.connected);
  // calls go on by what there is
  expect(client.demand.want('bank/other')).toBeUndefined();
  expect(resolve('10.96.0.9')!.kind).toBe('service');
  // another one, that has nothing but the cluster's objects
  replica = new Replica();
  replica.take(...web(), ...bank());
  await replica.listen(authority, port);
  await inForce();
  await eventually(() => client.state.connected);
  expect(resolve('10.96.0.9')!.kind).toBe('service');
  // it had nothing to send: neither document nor directory
  expect([client.state.updates, client.state.messages]).toEqual([updates, messages]);
});

it('the operator is heard of while there is nothing to say', async () => {
  replica.take(...web());
  await start();
  await inForce();
  const { lastContact, messages } = structuredClone(client.state);
  await eventually(() => client.state.lastContact! > lastContact!);
  await eventually(() => replica.reports.get(UID)?.responsive);
  expect(client.state.messages.update).toBe(messages.update);
});

it('services that are not there, or hidden, are known as that', async () => {
  replica.take(...web(), ...bank('treasury'));
  await start();
  await eventually(() => core.config.current?.directory);
  expect(resolve('10.96.0.9')).toMatchObject({ kind: 'hidden', ready: [] });
  await Promise.all(['bank/ledger', 'bank/none'].map((service) => client.demand.want(service)));
  expect(client.state.asks).toMatchObject({ absent: 2, arrived: 0 });
  expect(replica.heard.counted.asked.toSorted()).toEqual(['SERVICE_HIDDEN', 'SERVICE_UNKNOWN']);
  replica.take(...web(), ...bank('shop'));
  await eventually(() => resolve('10.96.0.9')!.kind === 'directory');
});

it('a directory grows and shrinks by its entries, and tells the outside from the mesh', async () => {
  const closed = meshConfig({ outbound: { default: 'RegistryOnly' } });
  const plain = service('db', { namespace: 'old', ip: '10.96.5.5' });
  replica.take(...web(), ...bank(), closed, namespace('old', false), plain);
  await start();
  await eventually(() => core.config.current?.directory);
  await inForce();
  expect([resolve('10.96.5.5')!.kind, resolve('192.0.2.1')!.kind]).toEqual(['outside', 'blocked']);
  replica.take(...web(), closed, namespace('old', false));
  await eventually(() => resolve('10.96.0.9')!.kind === 'blocked');
  expect(resolve('10.96.5.5')!.kind).toBe('blocked');
  expect(client.state.messages.directory).toBe(2);
  expect(core.refusals.all).toEqual([]);
});
