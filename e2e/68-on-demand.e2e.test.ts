/** Services of another namespace: the first call is quick, later ones are balanced, and none is ever in plain text. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeComponents, restartProxy, restoreComponents } from './support/absence.ts';
import { capture } from './support/capture.ts';
import { identityOf, namespaces } from './support/environment.ts';
import { rolledOut } from './support/install.ts';
import { ensureNamespace, get, kubectl, list, type KubernetesObject, type Pod } from './support/kubectl.ts';
import { showsHttp } from './support/pcap.ts';
import { applyPolicy } from './support/policies.ts';
import { accessLogs, readyServices } from './support/proxy.ts';
import { inStream, PORT, provideStream, readyPods, serviceOf, whoServer } from './support/stream.ts';
import { waitFor } from './support/waitFor.ts';
import { applyAll, provideApps } from './support/workloads.ts';

const { stream, many } = namespaces;
const SERVICES = 40;
/** Called at first; the others only when the operator is away. */
const CALLED = 32;
/** To half of the first calls at most; what the slowest wait is printed, and depends on the machine. */
const ADDED_MS = 50;

const names = Array.from({ length: SERVICES }, (_, at) => `svc-${String(at).padStart(2, '0')}`);
const url = (name: string, namespace: string = many): string => `http://${name}.${namespace}:${PORT}/${name}`;

interface FirstCall {
  url: string;
  status: number;
  reason: string;
  pod: string;
  firstMs: number;
  laterMs: number;
}

const firstCalls = (urls: string[]): Promise<FirstCall[]> => inStream<FirstCall[]>('firstCalls.ts', urls);
const clientPod = (): Promise<Pod> => get<Pod>(['pod', 'client', '-n', stream]);
const known = async (): Promise<string[]> => readyServices(await clientPod());
const refusedOf = (calls: readonly FirstCall[]): FirstCall[] => calls.filter(({ status }) => status !== 200);

beforeAll(async () => {
  await ensureNamespace(many, { 'weft.dev/injection': 'enabled' });
  await provideApps(many);
  await applyPolicy('strict', { mtls: { mode: 'Strict' } }, many);
  await applyAll(many, [
    whoServer('many', 2),
    ...names.map((name) => serviceOf('many', name)),
    serviceOf('many', 'hidden', { 'weft.dev/visible-to': '.' }),
  ]);
  await rolledOut(many);
  await readyPods(many, 'many', 2);
  await provideStream(serviceOf('near', 'near'), whoServer('near'));
});

afterAll(async () => {
  await kubectl(['delete', 'deployment,service', '-n', many, '--all']);
  await kubectl(['delete', 'deployment,service', 'near', '-n', stream, '--ignore-not-found']);
});

describe('a first call', () => {
  it(`adds at most ${ADDED_MS} ms, of ${CALLED} services`, async () => {
    const warm = url(names[CALLED - 1]!);
    expect(refusedOf(await firstCalls([warm]))).toEqual([]);
    expect(await known()).not.toContain(`${many}/${names[0]}`);
    // one that was called before goes first: what a new process of Node takes for its first request is not measured
    const [, ...calls] = await firstCalls([warm, ...names.slice(0, CALLED - 1).map((name) => url(name))]);
    expect(refusedOf(calls)).toEqual([]);
    const added = calls.map(({ firstMs, laterMs }) => firstMs - laterMs).sort((a, b) => a - b);
    const middle = added[Math.floor(added.length / 2)]!;
    process.stdout.write(
      `first call adds p50 ${middle.toFixed(1)} ms, p99 ${added.at(-1)!.toFixed(1)} ms (${added.length})\n`,
    );
    expect(middle).toBeLessThanOrEqual(ADDED_MS);
  });

  it('brings the service with its endpoints, and nothing that was not called', async () => {
    const held = (await known()).filter((name) => name.startsWith(`${many}/`)).sort();
    expect(held).toEqual(names.slice(0, CALLED).map((name) => `${many}/${name}`));
  });

  it('is remembered in the ConfigMap of the workload', async () => {
    interface Document extends KubernetesObject {
      data?: Record<string, string>;
      binaryData?: Record<string, string>;
    }
    const missing = await waitFor('the file with the services', async () => {
      const maps = await list<Document>(['configmaps', '-n', stream]);
      const own = maps.find(({ metadata }) => metadata.name === 'weft.serviceaccount.default');
      const text = own?.data?.['config.json'] ?? '';
      const absent = names.slice(0, CALLED).filter((name) => !text.includes(`"${name}"`));
      return absent.length === 0 ? absent : undefined;
    });
    expect(missing).toEqual([]);
  });
});

describe('a hidden service', () => {
  it('is refused with the reason', async () => {
    const [call] = await firstCalls([url('hidden')]);
    expect(call).toMatchObject({ status: 403, reason: 'SERVICE_HIDDEN' });
  });

  it('can be called once the annotation names the namespace', async () => {
    await kubectl([
      'annotate',
      'service',
      'hidden',
      '-n',
      many,
      '--overwrite',
      `weft.dev/visible-to=${stream}`,
    ]);
    const answer = await waitFor(
      'an answer',
      async () => {
        const [call] = await firstCalls([url('hidden')]);
        return call?.status === 200 ? call : undefined;
      },
      10_000,
    );
    expect(answer.pod).toMatch(/^many-/);
  });
});

describe('while the operator is away', () => {
  beforeAll(() => removeComponents(['operator']));
  afterAll(() => restoreComponents(['operator']));

  const used = names.slice(0, CALLED);
  const unused = names.slice(CALLED);

  /** Calls that did not go through, and requests that a segment on the node shows: there should be none of both. */
  async function callAll(urls: string[]): Promise<{ refused: FirstCall[]; plain: string[] }> {
    let calls: FirstCall[] = [];
    const segments = await capture(`tcp port ${PORT}`, async () => {
      calls = await firstCalls(urls);
    });
    if (segments.length === 0) throw new Error('the capture saw nothing');
    // the application's own request to its proxy never leaves the pod
    const paths = urls.map((text) => new URL(text).pathname);
    const plain = segments
      .filter(({ payload }) => showsHttp(payload))
      .map(({ payload }) => payload.toString('latin1').split('\r\n')[0] ?? '')
      .filter((line) => paths.some((path) => line.includes(` ${path} `)));
    return { refused: refusedOf(calls), plain };
  }

  const nothing = { refused: [], plain: [] };

  it('services of the own namespace and those that were used work', async () => {
    expect(await callAll([url('near', stream), ...used.slice(0, 5).map((name) => url(name))])).toEqual(
      nothing,
    );
  });

  it('others of the directory go to their address by mTLS', async () => {
    expect(await callAll(unused.slice(0, 4).map((name) => url(name)))).toEqual(nothing);
    expect(await known()).not.toContain(`${many}/${unused[0]}`);
    const lines = (await accessLogs(many, 'app=many')).filter(({ path }) => path === `/${unused[0]}`);
    expect(lines.length).toBeGreaterThan(0);
    expect(new Set(lines.map(({ security }) => security))).toEqual(new Set(['mtls']));
    expect(new Set(lines.map(({ source }) => source))).toEqual(new Set([identityOf(stream, 'default')]));
  });

  it('all of it after a restart of the proxy, too', async () => {
    await restartProxy(stream, 'client');
    const held = await known();
    expect(used.filter((name) => !held.includes(`${many}/${name}`))).toEqual([]);
    expect(
      await callAll([
        url('near', stream),
        ...used.slice(0, 5).map((name) => url(name)),
        ...unused.slice(4).map((name) => url(name)),
      ]),
    ).toEqual(nothing);
  });
});
