/** The proxy's side of the control protocol against the operator's own server: both ends real. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { CONTROL_VERSION } from '../../core/control/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import type { Leadership } from '../../operator/control/exchange.ts';
import { identifyPeer } from '../../operator/control/identify.ts';
import { ReportRegistry } from '../../operator/control/reports.ts';
import { startControlServer, type ControlServer } from '../../operator/control/server.ts';
import { podModel, snapshotOf } from '../../operator/testing/model.ts';
import type { Log } from '../context.ts';
import { loadIdentity, type LoadedIdentity } from './identity.ts';
import { LiveValue } from './live.ts';
import { startReporter, type Reporter } from './reporter.ts';
import { eventually } from './testing/volumes.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const pod = podModel('cart-1');

interface Replica {
  server: ControlServer;
  reports: ReportRegistry;
  leadership: Leadership;
  snapshot: Snapshot | undefined;
}

let mesh: TestMesh;
let replicas: Replica[];
let reporter: Reporter | undefined;
let revision: string;

async function replica(): Promise<Replica> {
  const own = await mesh.workload('weft-system', 'weft-operator');
  const reports = new ReportRegistry({ now: Date.now });
  const made: Replica = {
    server: undefined as never,
    reports,
    leadership: { leading: true },
    snapshot: snapshotOf({ pods: [pod] }),
  };
  made.server = await startControlServer({
    address: { host: '127.0.0.1', port: 0 },
    identity: { cert: own['tls.crt'], key: own['tls.key'], ca: own['ca.crt'] },
    identify: (certificate) => identifyPeer(certificate, 'cluster.local'),
    reports,
    snapshot: () => made.snapshot,
    leadership: () => made.leadership,
    onAnswer: () => {},
    onRefused: () => {},
    now: Date.now,
  });
  replicas.push(made);
  return made;
}

async function report(to: Replica): Promise<Reporter> {
  const identity = new LiveValue<LoadedIdentity>();
  const expected = { spiffeId: 'spiffe://cluster.local/ns/shop/sa/cart', now: new Date() };
  identity.set(loadIdentity({ ...(await mesh.workload('shop', 'cart')) }, expected));
  reporter = startReporter({
    address: { host: 'localhost', port: to.server.port },
    identity,
    operatorId: 'spiffe://cluster.local/ns/weft-system/sa/weft-operator',
    report: () =>
      JSON.stringify({
        version: CONTROL_VERSION,
        pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
        workload: { kind: 'deployment', name: 'cart' },
        proxyVersion: '0.1.0',
        inForce: { epoch: 1, revision, hash: 'h', since: new Date().toISOString(), resources: {} },
      }),
    log,
    backoff: { minMs: 10, maxMs: 100 },
  });
  return reporter;
}

const known = ({ reports }: Replica) => reports.get(pod.uid)?.report.inForce?.revision;

beforeEach(async () => {
  mesh = await createTestMesh();
  replicas = [];
  revision = '1';
});

afterEach(async () => {
  reporter?.stop();
  await Promise.all(replicas.map(({ server }) => server.close()));
});

it('a report is taken, and each change after it, on one session', async () => {
  const leader = await replica();
  const reporter = await report(leader);
  await eventually(() => known(leader) === '1');
  revision = '2';
  reporter.changed();
  await eventually(() => known(leader) === '2');
  expect(leader.reports.counts()).toEqual({ known: 1, connected: 1 });
  expect(leader.server.connections()).toBe(1);
});

it('the leader is found by way of another replica, and again after it has changed', async () => {
  const [one, two] = [await replica(), await replica()];
  one.leadership = { leading: false, address: `127.0.0.1:${two.server.port}` };
  const reporter = await report(one);
  await eventually(() => known(two) === '1');
  one.leadership = { leading: true };
  two.leadership = { leading: false, address: `127.0.0.1:${one.server.port}` };
  revision = '2';
  reporter.changed();
  await eventually(() => known(one) === '2');
  expect(known(two)).toBe('1');
});

it('a replica that does not know the pod yet is asked again', async () => {
  const leader = await replica();
  leader.snapshot = undefined;
  const reporter = await report(leader);
  await eventually(() => reporter.state.problem?.startsWith('NOT_CONFIGURED'));
  leader.snapshot = snapshotOf({ pods: [podModel('web-1')] });
  await eventually(() => reporter.state.problem?.startsWith('REPORT_REFUSED'));
  leader.snapshot = snapshotOf({ pods: [pod] });
  await eventually(() => known(leader) === '1');
  // the operator knows before its answer has arrived
  await eventually(() => reporter.state.problem === null);
  expect(reporter.state.connected).toBe(true);
});

it('a restart of the operator is survived', async () => {
  const before = await replica();
  const reporter = await report(before);
  await eventually(() => known(before) === '1');
  await before.server.close();
  await eventually(() => !reporter.state.connected);
  expect(reporter.state.peer).toBeNull();
});
