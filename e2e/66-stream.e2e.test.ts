/** How fast a policy comes into force, whether APPLIED is right at every moment, and a proxy that stands still. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply as applyObject, resources, type KubeClient } from '../kube/index.ts';
import { openClient } from './support/cluster.ts';
import { namespaces } from './support/environment.ts';
import { apply, isReady, livingPods, type Pod } from './support/kubectl.ts';
import { appliedEverywhere, meshPolicy, removePolicies } from './support/policies.ts';
import { signalProxy } from './support/signal.ts';
import { PORT, startScript } from './support/stream.ts';
import { waitFor } from './support/waitFor.ts';

const { shop } = namespaces;
const CHANGES = 50;
const POLL_MS = 10;
/** Of half of the changes at least; how long the slowest take is printed, and depends on the machine. */
const IN_FORCE_MS = 300;

let client: KubeClient;
let payments: Pod[];

beforeAll(async () => {
  await removePolicies();
  client = await openClient();
  payments = (await livingPods(shop, 'app=payment')).filter(isReady);
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'poller', namespace: shop } });
});

afterAll(async () => {
  client.close();
  await removePolicies();
});

const allows = (change: number): boolean => change % 2 === 0;

/** Each change turns round whether the poller may call payment; the name makes it another document each time. */
const policy = (change: number): object => ({
  selector: { matchLabels: { app: 'payment' } },
  authorization: {
    rules: [
      {
        name: `change-${change}`,
        action: allows(change) ? 'Allow' : 'Deny',
        from: [{ serviceAccounts: [`${shop}/poller`] }],
      },
    ],
  },
});

interface Poll {
  at: number;
  /** Of the spec, and of what the status is about. */
  generation: number;
  observed: number;
  applied: string;
  condition: string;
  late: readonly string[];
}

async function poll(): Promise<Poll> {
  const { metadata, status } = await client.get(resources.meshPolicies, { namespace: shop, name: 'timed' });
  const condition = (status?.conditions ?? []).find(({ type }) => type === 'Applied');
  return {
    at: Date.now(),
    generation: metadata.generation ?? 0,
    observed: condition?.observedGeneration ?? 0,
    applied: status?.applied ?? '',
    condition: condition?.status ?? '',
    late: status?.late ?? [],
  };
}

const claimsAll = ({ generation, observed, condition, applied }: Poll): boolean =>
  observed === generation && (condition === 'True' || applied === `${payments.length}/${payments.length}`);

/** What e2e/apps/flips.ts prints. */
interface Flip {
  name: string;
  at: number;
  before: number;
  status: number;
}

/** The first answers of each pod that showed what `change` says, in the order of the pods. */
function flipsOf(
  flips: readonly Flip[],
  { change, from, until }: { change: number; from: number; until: number },
): Flip[] {
  const wanted = allows(change) ? 200 : 403;
  return payments.map(({ metadata: { name } }) => {
    const shown = flips.find((flip) => flip.name === name && flip.at >= from && flip.status === wanted);
    if (!shown || shown.at > until) throw new Error(`change ${change} never showed in ${name}`);
    return shown;
  });
}

interface Change {
  /** Just before it was sent. */
  sentAt: number;
  claimedAt: number;
}

/** Applies one change, and polls until the status says that all have it. */
async function make(change: number): Promise<Change> {
  const sentAt = Date.now();
  await applyObject(client, {
    resource: resources.meshPolicies,
    object: meshPolicy('timed', policy(change)) as never,
  });
  const claimed = await waitForClaim(change);
  return { sentAt, claimedAt: claimed.at };
}

async function waitForClaim(change: number): Promise<Poll> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const seen = await poll();
    if (claimsAll(seen)) return seen;
  }
  throw new Error(`change ${change} was not applied in 30 s: ${JSON.stringify(await poll())}`);
}

function timesText(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `p50 ${sorted[Math.floor(sorted.length / 2)]} ms, the slowest ${sorted.slice(-5).join(', ')} ms`;
}

describe('a policy that changes', () => {
  it(
    `is in force in ${IN_FORCE_MS} ms, and APPLIED never says so before it is, ${CHANGES} times`,
    { timeout: 240_000 },
    async () => {
      const urls = payments.map(
        ({ metadata, status }) => `${metadata.name}=http://${status.podIP}:${PORT}/charges`,
      );
      await make(0);
      const poller = await startScript({ namespace: shop, name: 'poller', serviceAccount: 'poller' }, [
        '/apps/flips.ts',
        String(POLL_MS),
        ...urls,
      ]);
      await poller.said(payments.length);
      const changes: Change[] = [];
      for (let change = 1; change <= CHANGES; change += 1) {
        changes.push(await make(change));
        // one change must have been seen before the next turns it round
        await poller.said(payments.length * (change + 1));
      }
      const flips = (await poller.stop()).filter((line): line is Flip => 'name' in (line as object));

      const early: string[] = [];
      const delays = changes.map(({ sentAt, claimedAt }, at) => {
        const until = changes[at + 1]?.sentAt ?? Infinity;
        const shown = flipsOf(flips, { change: at + 1, from: sentAt, until });
        // sent when all were said to have it, and yet answered by what was before
        const tooEarly = Math.max(...shown.map(({ before }) => before)) - claimedAt;
        if (tooEarly > 0) early.push(`change ${at + 1}: ${tooEarly} ms too early`);
        return Math.max(...shown.map((flip) => flip.at)) - sentAt;
      });
      const claims = changes.map(({ sentAt, claimedAt }) => claimedAt - sentAt);
      process.stdout.write(`in force after ${timesText(delays)}; APPLIED after ${timesText(claims)}\n`);
      expect(early).toEqual([]);
      expect(delays.toSorted((a, b) => a - b)[CHANGES / 2]).toBeLessThanOrEqual(IN_FORCE_MS);
    },
  );
});

describe('a proxy that stands still', () => {
  let stopped: Pod;

  beforeAll(async () => {
    await applyObject(client, {
      resource: resources.meshPolicies,
      object: meshPolicy('timed', policy(0)) as never,
    });
    await appliedEverywhere('timed');
    stopped = payments[0]!;
    await signalProxy(shop, stopped.metadata.name, 'STOP');
  });

  afterAll(() => signalProxy(shop, stopped.metadata.name, 'CONT'));

  const named = (seen: Poll): boolean =>
    seen.condition === 'False' && seen.late.includes(`${shop}/${stopped.metadata.name}`);

  it('is named as late within five seconds, though it has what it should', async () => {
    const seen = await waitFor(
      'the proxy to be named',
      async () => {
        const now = await poll();
        return named(now) ? now : undefined;
      },
      5_000,
    );
    expect(seen.applied).toBe(`${payments.length - 1}/${payments.length}`);
  });

  it('keeps a change from being called applied', async () => {
    await applyObject(client, {
      resource: resources.meshPolicies,
      object: meshPolicy('timed', policy(2)) as never,
    });
    const seen = await waitFor('the status of the change', async () => {
      const now = await poll();
      return now.observed === now.generation && now.applied.startsWith(`${payments.length - 1}/`)
        ? now
        : undefined;
    });
    expect(named(seen)).toBe(true);
  });

  it('is right again when it goes on', async () => {
    await signalProxy(shop, stopped.metadata.name, 'CONT');
    const { status } = await appliedEverywhere('timed');
    expect(status).toMatchObject({ applied: `${payments.length}/${payments.length}` });
    expect(status?.late ?? []).toEqual([]);
  });
});
