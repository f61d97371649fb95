/** Certificates that live two minutes, changed again and again while requests run. */
import { namespaces } from './environment.ts';
import { setLeafLifetime } from './install.ts';
import { list, livingPods, type KubernetesObject } from './kubectl.ts';
import { outputOf, startPod } from './calls.ts';
import { startLoad, type LoadSummary } from './load.ts';
import { waitFor } from './waitFor.ts';
import { provideApps } from './workloads.ts';

const { shop, outside } = namespaces;

export interface Shown {
  serial: string;
  notAfter: string;
  version: string;
}

/** Waits until every identity of the shop expires in less than `seconds`. */
async function identitiesExpireWithin(seconds: number): Promise<void> {
  await waitFor(
    `identities of less than ${seconds} s`,
    async () => {
      const secrets = await list<KubernetesObject>(['secrets', '-n', shop]);
      const ends = secrets
        .filter(({ metadata }) => metadata.name.startsWith('weft.serviceaccount.'))
        .map(({ metadata }) => Date.parse(metadata.annotations?.['weft.dev/not-after'] ?? ''));
      return ends.length > 0 && ends.every((end) => end - Date.now() < seconds * 1000);
    },
    120_000,
  );
}

/** Runs requests for a while under short-lived certificates; gives their summary and the certificates of one proxy. */
export async function rotateUnderLoad(options: {
  seconds: number;
  rate: number;
}): Promise<{ summary: LoadSummary; shown: Shown[] }> {
  const { seconds, rate } = options;
  await setLeafLifetime('2m');
  await identitiesExpireWithin(125);
  await provideApps(outside);
  const [pod] = await livingPods(shop, 'app=cart');
  const watcher = { namespace: outside, name: 'serials' };
  await startPod({
    ...watcher,
    command: ['node', '/apps/serials.ts', pod!.status.podIP!, '8080', String(seconds)],
    apps: true,
  });
  // every request opens a new connection now and then, so that handshakes are made under each certificate
  const load = await startLoad({
    url: 'http://cart:8080/cart',
    rate,
    seconds,
    reuse: 20,
    name: 'load-rotation',
  });
  const summary = await load.done();
  const shown = (await outputOf(watcher, seconds + 60))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Shown);
  return { summary, shown };
}
