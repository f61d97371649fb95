import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderElector, type LeaderElectorOptions } from './leaderElector.ts';
import { holderIdentity, parseHolder } from './leaseRecord.ts';
import { resources, type Lease } from './resource.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { ManualClock } from './testing/manualClock.ts';
import { until } from './testing/until.ts';

let server: ApiServer;
let clock: ManualClock;
let log: string[];
let running: LeaderElector[];

beforeEach(async () => {
  server = await startApiServer();
  clock = new ManualClock();
  log = [];
  running = [];
});
afterEach(async () => {
  server.faults.clear();
  await Promise.all(running.map((elector) => elector.stop()));
  await server.close();
});

/** A candidate whose work is done as soon as it is told to stop. */
function candidate(name: string, options: Partial<LeaderElectorOptions> = {}): LeaderElector {
  const elector = new LeaderElector({
    client: server.client(),
    namespace: 'weft-system',
    name: 'weft-operator',
    identity: holderIdentity(name, `10.0.0.${name.charCodeAt(0)}:15010`),
    clock,
    random: () => 0,
    onStarted: async (leading) => {
      log.push(`${name} leads`);
      await new Promise((resolve) => leading.addEventListener('abort', resolve, { once: true }));
      log.push(`${name} ends`);
    },
    onStopped: () => log.push(`${name} stopped`),
    ...options,
  });
  running.push(elector);
  return elector;
}

/** Lets time pass in small steps, as it does, until the condition holds; answers how much passed. */
async function passing(what: string, condition: () => boolean): Promise<number> {
  const from = clock.monotonic();
  await until(what, () => {
    if (condition()) return true;
    clock.advance(50);
    return false;
  });
  return clock.monotonic() - from;
}

const lease = (): Lease | undefined =>
  server.objects.get(resources.leases, { namespace: 'weft-system', name: 'weft-operator' });
const writes = (): number => server.requests.filter(({ verb }) => verb === 'update').length;

describe('LeaderElector', () => {
  it('lets one lead, and says who', async () => {
    const seen: string[] = [];
    const a = candidate('a').start();
    await passing('a leads', () => a.isLeader);
    const b = candidate('b', { onNewLeader: (identity) => seen.push(identity) }).start();
    await passing('b sees a', () => b.leader !== undefined);
    await passing('a renews', () => writes() > 2);
    expect(log).toEqual(['a leads']);
    expect(b.isLeader).toBe(false);
    expect(seen).toEqual(['a/10.0.0.97:15010']);
    expect(parseHolder(b.leader)).toEqual({ pod: 'a', address: '10.0.0.97:15010' });
    expect(lease()?.spec).toMatchObject({
      holderIdentity: 'a/10.0.0.97:15010',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      renewTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    });
  });

  it('gives the lease away when stopped, after its work has ended: the next need not wait', async () => {
    const a = candidate('a').start();
    await passing('a leads', () => a.isLeader);
    const b = candidate('b').start();
    await passing('b sees a', () => b.leader !== undefined);
    await a.stop();
    expect(log).toEqual(['a leads', 'a ends', 'a stopped']);
    expect(lease()?.spec?.holderIdentity).toBe('');
    expect(await passing('b leads', () => b.isLeader)).toBeLessThan(3000);
    expect(lease()?.spec).toMatchObject({ leaseTransitions: 1 });
  });

  it('stops leading in good time when it cannot renew, before another begins', async () => {
    const errors: Error[] = [];
    const a = candidate('a', { onError: (error) => errors.push(error) }).start();
    await passing('a leads', () => a.isLeader);
    server.faults.respond({ status: 500, method: 'PUT', times: 10_000 });
    const passed = await passing('a has lost it', () => log.includes('a stopped'));
    expect(passed).toBeGreaterThan(6_000);
    expect(passed).toBeLessThan(10_500);
    expect(a.isLeader).toBe(false);
    expect(errors[0]).toMatchObject({ status: 500 });
    server.faults.clear();
    await passing('a leads again', () => a.isLeader);
    expect(log).toEqual(['a leads', 'a ends', 'a stopped', 'a leads']);
  });

  it('stops leading in good time when a request hangs', async () => {
    const a = candidate('a').start();
    await passing('a leads', () => a.isLeader);
    server.faults.hang({ times: 10_000 });
    expect(await passing('a has lost it', () => log.includes('a ends'))).toBeLessThan(10_500);
  });

  it('takes a lease over whose holder has not renewed for its duration', async () => {
    const { namespace, name } = { namespace: 'weft-system', name: 'weft-operator' };
    const spec = { holderIdentity: 'gone/10.0.0.9:1', leaseDurationSeconds: 15 };
    server.objects.put(resources.leases, { metadata: { namespace, name }, spec });
    const b = candidate('b').start();
    const passed = await passing('b leads', () => b.isLeader);
    expect(passed).toBeGreaterThan(15_000);
    expect(passed).toBeLessThan(19_000);
  });

  it('compares no clocks: a holder whose time is far off is not robbed', async () => {
    const past = new ManualClock(Date.UTC(2001, 0, 1));
    const a = candidate('a', { clock: past }).start();
    await until('a leads', () => {
      past.advance(50);
      return a.isLeader;
    });
    const b = candidate('b').start();
    await passing('a has renewed for a minute', () => {
      past.advance(400);
      clock.advance(350);
      return past.monotonic() > 60_000;
    });
    expect(b.isLeader).toBe(false);
    expect(log).toEqual(['a leads']);
  });

  it('steps down when somebody else writes himself into the lease', async () => {
    const a = candidate('a').start();
    await passing('a leads', () => a.isLeader);
    const taken = lease()!;
    server.objects.put(resources.leases, { ...taken, spec: { ...taken.spec, holderIdentity: 'hand' } });
    await passing('a stepped down', () => log.includes('a stopped'));
    expect(a.leader).toBe('hand');
  });

  it('does not give the lease away while its work goes on', async () => {
    const work = Promise.withResolvers<void>();
    const a = candidate('a', { onStarted: () => work.promise }).start();
    await passing('a leads', () => a.isLeader);
    let stopped = false;
    const stopping = a.stop().then(() => (stopped = true));
    clock.advance(1000);
    expect(lease()?.spec?.holderIdentity).toBe('a/10.0.0.97:15010');
    expect(stopped).toBe(false);
    work.resolve();
    await stopping;
    expect(lease()?.spec?.holderIdentity).toBe('');
  });

  it('goes on when its work fails, and tells of it', async () => {
    const errors: string[] = [];
    const a = candidate('a', {
      onStarted: () => {
        throw new Error('bug');
      },
      onError: (error) => errors.push(error.message),
    }).start();
    await passing('a leads', () => a.isLeader);
    await passing('it renews', () => writes() > 0);
    expect(errors).toEqual(['bug']);
  });

  it('refuses times that would let two lead', () => {
    expect(() => candidate('a', { leaseDurationMs: 5000, renewDeadlineMs: 5000 })).toThrow(RangeError);
  });
});
