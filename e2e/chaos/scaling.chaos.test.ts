/** A server that grows to eight pods and shrinks to one again and again under load: nothing fails, nothing comes late. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KubeClient } from '../../kube/index.ts';
import { openClient } from '../support/cluster.ts';
import { namespaces } from '../support/environment.ts';
import { kubectl } from '../support/kubectl.ts';
import {
  Departures,
  PORT,
  provideStream,
  readyPods,
  serviceOf,
  startScript,
  whoServer,
} from '../support/stream.ts';
import { waitFor } from '../support/waitFor.ts';

const { stream } = namespaces;
const ROUNDS = 3;
const MOST = 8;
const RATE = 300;
const LATE_MS = 200;

let client: KubeClient;

beforeAll(async () => {
  client = await openClient();
  await provideStream(serviceOf('scaled', 'scaled'), whoServer('scaled'));
});

afterAll(async () => {
  client.close();
  await kubectl(['delete', 'deployment,service', 'scaled', '-n', stream, '--ignore-not-found']);
});

interface Summary {
  sent: number;
  failed: number;
  failures: object[];
  last: Record<string, number>;
}

const scale = async (replicas: number): Promise<void> => {
  await kubectl(['scale', 'deployment/scaled', '-n', stream, `--replicas=${replicas}`]);
  await readyPods(stream, 'scaled', replicas);
};

it(
  `no request of ${RATE} a second fails, and none reaches a pod ${LATE_MS} ms after it left`,
  { timeout: 420_000 },
  async () => {
    const departures = await Departures.start(client, { namespace: stream, service: 'scaled' });
    const load = await startScript({ namespace: stream, name: 'load' }, [
      '/apps/steadyClient.ts',
      `http://scaled:${PORT}/`,
      String(RATE),
    ]);
    for (let round = 0; round < ROUNDS; round += 1) {
      await scale(MOST);
      await waitFor('all endpoints', () => departures.ready.size === MOST);
      await scale(1);
      await waitFor('one endpoint', () => departures.ready.size === 1);
    }
    const [summary] = (await load.stop()) as [Summary];
    await departures.stop();

    const lags = [...departures.left].flatMap(([pod, left]) => {
      const last = summary.last[pod];
      return last === undefined ? [] : [{ pod, ms: last - left }];
    });
    const late = lags.filter(({ ms }) => ms > LATE_MS);
    const worst = Math.max(...lags.map(({ ms }) => ms));
    process.stdout.write(
      `${summary.sent} requests, ${summary.failed} failed; ${lags.length} pods left, the last request ${worst} ms after, ${late.length} too late\n`,
    );
    // a server that is not Ready under such a load has no endpoint in Kubernetes either
    expect(departures.returned).toEqual([]);
    expect(summary.failures).toEqual([]);
    expect(summary.failed).toBe(0);
    // what left had been used, else this shows nothing
    expect(lags.length).toBeGreaterThanOrEqual(ROUNDS * (MOST - 1));
    expect(late).toEqual([]);
  },
);
