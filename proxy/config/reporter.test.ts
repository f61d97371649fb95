import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { IdentityFiles } from '../../certs/verify/index.ts';
import { CONTROL_VERSION, type Report } from '../../core/control/index.ts';
import type { Log } from '../context.ts';
import { Backoff } from './backoff.ts';
import { loadIdentity, type LoadedIdentity } from './identity.ts';
import { LiveValue } from './live.ts';
import { startReporter, type Reporter, type ReporterOptions } from './reporter.ts';
import { startTestOperator, type TestOperator } from './testing/operator.ts';
import { eventually } from './testing/volumes.ts';

const OPERATOR = 'spiffe://cluster.local/ns/weft-system/sa/weft-operator';

let mesh: TestMesh;
let identity: LiveValue<LoadedIdentity>;
let revision: number;
const warnings: object[] = [];
const reporters: Reporter[] = [];
const operators: TestOperator[] = [];

const report = (): string =>
  JSON.stringify({
    version: CONTROL_VERSION,
    pod: { namespace: 'shop', name: 'cart-1', uid: 'u' },
    workload: { kind: 'deployment', name: 'cart' },
    proxyVersion: '0.1.0',
    inForce: {
      epoch: 1,
      revision: String(revision),
      hash: 'h',
      since: '2026-01-01T00:00:00Z',
      resources: {},
    },
  } satisfies Report);

const loaded = (files: IdentityFiles, name = 'cart') =>
  loadIdentity({ ...files }, { spiffeId: `spiffe://cluster.local/ns/shop/sa/${name}`, now: new Date() });

async function operator(): Promise<TestOperator> {
  const started = await startTestOperator(await mesh.issue({ spiffeId: OPERATOR }));
  operators.push(started);
  return started;
}

function start(change: Partial<ReporterOptions> & Pick<ReporterOptions, 'address'>): Reporter {
  const log: Log = { debug() {}, info() {}, warn: (fields) => void warnings.push(fields), error() {} };
  const backoff = { minMs: 5, maxMs: 50 };
  const reporter = startReporter({ identity, operatorId: OPERATOR, report, log, backoff, ...change });
  reporters.push(reporter);
  return reporter;
}

const revisions = ({ reports }: TestOperator) => reports.map(({ inForce }) => inForce?.revision);

beforeEach(async () => {
  mesh = await createTestMesh();
  identity = new LiveValue();
  identity.set(loaded(await mesh.workload('shop', 'cart')));
  revision = 1;
  warnings.length = 0;
});

afterEach(async () => {
  for (const reporter of reporters.splice(0)) reporter.stop();
  for (const operator of operators.splice(0)) await operator.close();
});

describe('reporting', () => {
  it('tells each change once, with changes of a moment together', async () => {
    const server = await operator();
    const reporter = start({ address: server.address });
    await eventually(() => server.reports.length === 1);
    for (revision = 2; revision < 10; revision++) reporter.changed();
    await eventually(() => server.reports.length === 2);
    expect(revisions(server)).toEqual(['1', '10']);
    expect(server.clients).toEqual(['spiffe://cluster.local/ns/shop/sa/cart']);
    await eventually(() => reporter.state.reports === 2);
    expect(reporter.state).toMatchObject({
      connected: true,
      peer: `127.0.0.1:${server.address.port}`,
      problem: null,
    });
  });

  it('tells what changed while an answer was awaited', async () => {
    const server = await operator();
    const reporter = start({ address: server.address });
    server.answer = () => {
      revision += 1;
      if (revision < 4) reporter.changed();
      return { ok: true };
    };
    await eventually(() => server.reports.length === 3);
    expect(revisions(server)).toEqual(['1', '2', '3']);
  });

  it('tells again after the session ended, and goes on trying while nobody answers', async () => {
    const server = await operator();
    const reporter = start({ address: server.address });
    await eventually(() => server.reports.length === 1);
    server.disconnect();
    await eventually(() => server.reports.length === 2);
    const { address } = server;
    await server.close();
    operators.splice(0);
    await eventually(() => reporter.state.problem?.includes('ECONNREFUSED'));
    expect(reporter.state.connected).toBe(false);
    expect(warnings.filter((fields) => JSON.stringify(fields).includes('ECONNREFUSED'))).toHaveLength(1);
    expect(address.port).toBeGreaterThan(0);
  });

  it('goes to the leader that another replica names', async () => {
    const [follower, leader] = [await operator(), await operator()];
    follower.answer = () => ({
      ok: false,
      code: 'NOT_LEADER',
      message: '',
      leader: `127.0.0.1:${leader.address.port}`,
    });
    const reporter = start({ address: follower.address });
    await eventually(() => leader.reports.length === 1);
    revision = 2;
    reporter.changed();
    await eventually(() => leader.reports.length === 2);
    expect(follower.reports).toHaveLength(1);
  });

  it('does not run in circles between replicas that name each other', async () => {
    const [one, two] = [await operator(), await operator()];
    const name = (other: TestOperator) => () =>
      ({ ok: false, code: 'NOT_LEADER', message: 'x', leader: `127.0.0.1:${other.address.port}` }) as const;
    one.answer = name(two);
    two.answer = name(one);
    const reporter = start({ address: one.address, backoff: { minMs: 60_000, maxMs: 60_000 } });
    await eventually(() => reporter.state.problem?.startsWith('NOT_LEADER'));
    expect(one.reports.length + two.reports.length).toBe(4);
  });

  it('tries again after a refusal, on the same session', async () => {
    const server = await operator();
    let refusals = 0;
    server.answer = () =>
      ++refusals < 4 ? { ok: false, code: 'NOT_CONFIGURED', message: 'soon' } : { ok: true };
    const reporter = start({ address: server.address });
    await eventually(() => reporter.state.reports === 1);
    expect(reporter.state).toMatchObject({ refused: 3, problem: null });
    expect(server.clients).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });

  it('says nothing to a server that does not prove the identity of the operator', async () => {
    const imposter = await startTestOperator(await mesh.workload('shop', 'web'));
    operators.push(imposter);
    const reporter = start({ address: imposter.address });
    await eventually(() => reporter.state.problem?.includes('sa/web'));
    expect(imposter.reports).toEqual([]);
    const stranger = await startTestOperator(await (await createTestMesh()).issue({ spiffeId: OPERATOR }));
    operators.push(stranger);
    const other = start({ address: stranger.address });
    await eventually(() => other.state.problem !== null);
    expect(stranger.reports).toEqual([]);
  });

  it('connects anew with a new certificate', async () => {
    const server = await operator();
    start({ address: server.address });
    await eventually(() => server.reports.length === 1);
    identity.set(loaded(await mesh.workload('shop', 'web'), 'web'));
    await eventually(() => server.reports.length === 2);
    expect(server.clients[1]).toBe('spiffe://cluster.local/ns/shop/sa/web');
  });

  it('waits for the first certificate, and repeats itself for a new leader', async () => {
    const server = await operator();
    const later = new LiveValue<LoadedIdentity>();
    const reporter = start({ address: server.address, identity: later, repeatMs: 20 });
    expect(reporter.state.problem).toBeNull();
    later.set(identity.current!);
    await eventually(() => server.reports.length >= 3);
    expect(server.clients).toHaveLength(1);
  });
});

describe('pauses between attempts', () => {
  it('grow to a bound and are never the same for all', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 12 }), (randoms) => {
        let i = 0;
        const backoff = new Backoff({
          minMs: 200,
          maxMs: 15_000,
          random: () => randoms[i++ % randoms.length]!,
        });
        for (let n = 0; n < 40; n++) {
          const full = Math.min(15_000, 200 * 2 ** n);
          const pause = backoff.next();
          expect(pause).toBeGreaterThanOrEqual(full / 2);
          expect(pause).toBeLessThanOrEqual(full);
        }
        backoff.reset();
        expect(backoff.next()).toBeLessThanOrEqual(200);
      }),
    );
  });
});
