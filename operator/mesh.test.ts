import { beforeEach, expect, it } from 'vitest';
import { Compiler, type Changes } from '../core/compile/index.ts';
import type { ServiceModel, Snapshot } from '../core/model/index.ts';
import type { Clock } from '../kube/index.ts';
import { ManualClock } from '../kube/testing/manualClock.ts';
import { documentHash } from './hash.ts';
import { COMPILE_AGAIN_MS, Mesh, type MeshOptions } from './mesh.ts';
import { EPOCH_LEAD, MAX_EPOCH } from './sinks/stamp.ts';
import type { DocumentStamp } from './sinks/types.ts';
import { MemoryDocuments } from './testing/memoryDocuments.ts';
import { MAX_EARLY } from './usedServices.ts';
import { deployment, podModel, snapshotOf, type SnapshotParts } from './testing/model.ts';

const CART = 'deployment/shop/cart';
const CART_FILE = { namespace: 'shop', name: 'weft.deployment.cart' };
let clock: ManualClock;
let inPlace: MemoryDocuments;
let errors: Error[];

const meshOn = (sink = inPlace, options: Partial<MeshOptions> = {}): Mesh =>
  new Mesh({
    compiler: new Compiler({ hash: documentHash }),
    inPlace: sink,
    clock,
    onError: (error) => errors.push(error),
    ...options,
  });

/** A service of the mesh with one endpoint. */
const service = (namespace: string, name: string): ServiceModel => ({
  namespace,
  name,
  addresses: [`10.96.0.${name.length}`],
  headless: false,
  ports: [{ name: 'http', port: 80, targetPort: 'http' }],
  selector: { app: name },
  endpoints: [
    {
      address: '10.244.1.9',
      ports: { http: 8080 },
      ready: true,
      serving: true,
      terminating: false,
      pod: `${namespace}/${name}-1`,
      podUid: `uid-${name}-1`,
    },
  ],
});

const snapshot = (parts: SnapshotParts = {}): Snapshot =>
  snapshotOf({
    enabled: ['shop', 'bank'],
    workloads: [deployment('cart'), deployment('ledger', 'bank')],
    pods: [podModel('cart-1'), podModel('ledger-1', { namespace: 'bank', ips: ['10.244.1.9'] })],
    services: [service('bank', 'ledger')],
    ...parts,
  });

async function write(stamp: Partial<DocumentStamp>, ref = CART_FILE, sink = inPlace): Promise<void> {
  const full = { epoch: 1, revision: '1', hash: 'h', textHash: 't', ...stamp };
  await sink.apply({ ...ref, file: 'config.json', data: '', stamp: full });
  sink.deliver();
}

const services = (mesh: Mesh): string[] => [...(mesh.document(CART)?.services.keys() ?? [])];
const heard = (mesh: Mesh): Changes[] => {
  const changes: Changes[] = [];
  mesh.onChange((change) => changes.push(change));
  return changes;
};

beforeEach(() => {
  clock = new ManualClock();
  inPlace = new MemoryDocuments();
  errors = [];
});

it('has nothing before the first snapshot', () => {
  const mesh = meshOn();
  expect([mesh.document(CART), mesh.directory('shop'), mesh.snapshot]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(mesh.position(CART)).toEqual({ epoch: 1, revision: '0' });
  expect(Object.fromEntries(mesh.use(CART, ['bank/ledger']))).toEqual({ 'bank/ledger': 'SERVICE_UNKNOWN' });
});

it('tells what a snapshot changed, then of the snapshot', () => {
  const mesh = meshOn();
  const order: string[] = [];
  mesh.onChange(({ documents }) => order.push(`changes of ${[...documents].sort().join(' ')}`));
  mesh.onSnapshot(({ revision }) => order.push(`snapshot ${revision}`));
  mesh.take(snapshot());
  mesh.take(snapshot({ revision: '101' }));
  expect(order).toEqual([`changes of deployment/bank/ledger ${CART}`, 'snapshot 100', 'snapshot 101']);
  expect(mesh.position(CART)).toEqual({ epoch: 1, revision: '101' });
});

it.each([
  { what: 'at once', compileMs: 0 },
  { what: 'in the pause of a large mesh', compileMs: 100 },
])('survives a snapshot that cannot be compiled $what, and tries it again', ({ compileMs }) => {
  let isPoisoned = false;
  let spentMs = 0;
  const at: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + spentMs,
    after: (ms, callback) => clock.after(ms, callback),
  };
  class Poisoned extends Compiler {
    override take(taken: Snapshot): Changes {
      spentMs += compileMs;
      if (isPoisoned) throw new Error('poison');
      return super.take(taken);
    }
  }
  const mesh = meshOn(inPlace, { compiler: new Poisoned({ hash: documentHash }), clock: at });
  mesh.take(snapshot());
  isPoisoned = true;
  mesh.take(snapshot({ revision: '101' }));
  clock.advance(compileMs);
  expect([mesh.snapshot?.revision, errors.map(({ message }) => message)]).toEqual(['100', ['poison']]);
  isPoisoned = false;
  clock.advance(COMPILE_AGAIN_MS);
  expect(mesh.snapshot?.revision).toBe('101');
  clock.advance(COMPILE_AGAIN_MS);
  expect(errors).toHaveLength(1);
});

it('puts a service of another namespace into the document of who calls it, before it answers', () => {
  const mesh = meshOn();
  mesh.take(snapshot());
  expect(services(mesh)).toEqual([]);
  const changes = heard(mesh);
  expect(Object.fromEntries(mesh.use(CART, ['bank/ledger', 'bank/none']))).toEqual({
    'bank/ledger': 'Available',
    'bank/none': 'SERVICE_UNKNOWN',
  });
  expect(changes.map(({ documents }) => [...documents])).toEqual([[CART]]);
  expect(services(mesh)).toEqual(['bank/ledger']);
  mesh.use(CART, ['bank/ledger']);
  expect(changes).toHaveLength(1);
});

it('goes on with what the stamps of documents in place remember, from its first snapshot on', async () => {
  await write({ epoch: 3, used: ['bank/ledger'] });
  const mesh = meshOn();
  const changes = heard(mesh);
  mesh.take(snapshot());
  expect(services(mesh)).toEqual(['bank/ledger']);
  expect(changes).toHaveLength(1);
  expect(mesh.position(CART).epoch).toBe(3);
});

it('agrees with other replicas on what is used, by the stamps that the leader writes', async () => {
  const other = new MemoryDocuments();
  const [leader, replica] = [meshOn(), meshOn(other)];
  for (const mesh of [leader, replica]) mesh.take(snapshot());
  leader.use(CART, ['bank/ledger']);
  expect(replica.document(CART)?.hash).not.toBe(leader.document(CART)?.hash);
  const changes = heard(replica);
  await write({ used: [...leader.usedBy(CART)] }, CART_FILE, other);
  expect(replica.document(CART)?.hash).toBe(leader.document(CART)?.hash);
  expect(changes.map(({ documents }) => [...documents])).toEqual([[CART]]);
});

it('remembers what another replica granted, though it knows neither the service nor the workload yet', () => {
  const mesh = meshOn();
  mesh.remember(CART, ['bank/ledger']);
  mesh.take(snapshot({ services: [] }));
  expect([...mesh.usedBy(CART)]).toEqual(['bank/ledger']);
  mesh.remember(CART, ['bank/rates']);
  mesh.take(snapshot({ services: [service('bank', 'ledger'), service('bank', 'rates')], revision: '101' }));
  expect(services(mesh)).toEqual(['bank/ledger', 'bank/rates']);
});

it('keeps what it is told of workloads that it does not know within a bound, the newest', () => {
  const mesh = meshOn();
  mesh.remember('deployment/shop/cart', ['bank/ledger']);
  for (let index = 0; index < MAX_EARLY; index += 1)
    mesh.remember(`deployment/shop/w${index}`, ['bank/ledger']);
  mesh.take(snapshot());
  expect(mesh.usedBy(CART).size).toBe(0);
});

it('keeps the highest epoch that was in place, and tells who may have been refused before it', async () => {
  const mesh = meshOn();
  mesh.take(snapshot());
  const changes = heard(mesh);
  await write({ epoch: 2 });
  await write({ epoch: 4 }, { namespace: 'bank', name: 'weft.directory' });
  expect(changes.map(({ documents, directories }) => [...documents, ...directories])).toEqual([
    [CART],
    ['bank'],
  ]);
  inPlace.delete('shop/weft.deployment.cart');
  inPlace.existing.delete('shop/weft.deployment.cart');
  inPlace.deliver();
  expect([mesh.position(CART).epoch, mesh.directoryPosition('bank').epoch]).toEqual([2, 4]);
});

it('moves the directories of no other namespace by a stamp', async () => {
  const mesh = meshOn();
  mesh.take(snapshot());
  await write({ epoch: 4 }, { namespace: 'bank', name: 'weft.directory' });
  expect(mesh.directoryPosition('bank').epoch).toBe(4);
  expect(mesh.directoryPosition('shop').epoch).toBe(1);
});

it('believes no stamp that jumps ahead, of documents or directories', async () => {
  await write({ epoch: 7 });
  const mesh = meshOn();
  mesh.take(snapshot());
  for (const epoch of [MAX_EPOCH, 8 + EPOCH_LEAD]) {
    await write({ epoch });
    await write({ epoch }, { namespace: 'shop', name: 'weft.directory' });
  }
  expect([mesh.position(CART).epoch, mesh.directoryPosition('shop').epoch]).toEqual([7, 1]);
  await write({ epoch: 8 });
  await write({ epoch: 2 }, { namespace: 'shop', name: 'weft.directory' });
  expect([mesh.position(CART).epoch, mesh.directoryPosition('shop').epoch]).toEqual([8, 2]);
});

it('brings by the stream nothing that comes before a file that is about to be written', () => {
  const mesh = meshOn();
  mesh.take(snapshot());
  const changes = heard(mesh);
  mesh.raise('shop/weft.deployment.cart', 2);
  mesh.raise('shop/weft.deployment.cart', 2);
  expect(mesh.position(CART).epoch).toBe(2);
  expect(changes.map(({ documents }) => [...documents])).toEqual([[CART]]);
});

it('forgets a workload that is gone, and reads the stamp again when it is back', async () => {
  await write({ used: ['bank/ledger'] });
  const mesh = meshOn();
  mesh.take(snapshot());
  mesh.take(snapshot({ workloads: [], pods: [], revision: '101' }));
  expect([mesh.document(CART), mesh.usedBy(CART).size]).toEqual([undefined, 0]);
  mesh.take(snapshot({ revision: '102' }));
  expect(services(mesh)).toEqual(['bank/ledger']);
});

it('tells the others where one listener fails', () => {
  const mesh = meshOn();
  mesh.onChange(() => {
    throw new Error('one of many');
  });
  const changes = heard(mesh);
  mesh.take(snapshot());
  expect([errors.length, changes.length]).toEqual([1, 1]);
});
