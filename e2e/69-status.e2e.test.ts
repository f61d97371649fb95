/** The command line's view of the mesh on a cluster: `weft status` and `weft config`. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeComponents, restoreComponents } from './support/absence.ts';
import { shopPod } from './support/calls.ts';
import { namespaces, root } from './support/environment.ts';
import { livingPods } from './support/kubectl.ts';
import { applyPolicy, removePolicies } from './support/policies.ts';
import { tryRun, type Outcome } from './support/run.ts';
import { signalProxy } from './support/signal.ts';
import { waitFor } from './support/waitFor.ts';

const { shop, outside } = namespaces;

const weft = (...args: string[]): Promise<Outcome> =>
  tryRun(process.execPath, [join(root, 'cli', 'main.ts'), ...args]);

interface StatusOutput {
  source: string;
  summary: Record<string, number>;
  proxies: { pod: { name: string }; condition: string; reason?: string; connected: boolean }[];
}

async function status(...args: string[]): Promise<StatusOutput & { code: number }> {
  const { code, stdout, stderr } = await weft('status', '-n', shop, '-o', 'json', ...args);
  if (stdout === '') throw new Error(`weft status ended with ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as StatusOutput), code };
}

const allCurrent = () =>
  waitFor('all proxies to be current', async () => {
    const seen = await status();
    return seen.code === 0 && Object.keys(seen.summary).join() === 'current' ? seen : undefined;
  });

beforeAll(removePolicies);
afterAll(removePolicies);

describe('weft status', () => {
  it('shows every proxy of the shop, connected and current', async () => {
    const { proxies, source } = await allCurrent();
    const pods = (await livingPods(shop)).map(({ metadata }) => metadata.name).sort();
    expect(proxies.map(({ pod }) => pod.name)).toEqual(pods);
    expect(proxies.every(({ connected }) => connected)).toBe(true);
    expect(source).toMatch(/^weft-operator-/);
    const { code, stdout } = await weft('status');
    expect(code).toBe(0);
    expect(stdout).toContain('NAMESPACE');
    expect(stdout).toMatch(/\d+ proxies: \d+ current\n$/);
  });

  it('names a proxy that stands still, and ends with 1', async () => {
    const { pod } = await shopPod('inventory');
    await signalProxy(shop, pod, 'STOP');
    try {
      const { code, proxies } = await waitFor(
        'the proxy to be late',
        async () => {
          const seen = await status('--late');
          return seen.proxies.length > 0 ? seen : undefined;
        },
        10_000,
      );
      expect(code).toBe(1);
      expect(proxies).toMatchObject([{ pod: { name: pod }, condition: 'Late', reason: 'does not answer' }]);
    } finally {
      await signalProxy(shop, pod, 'CONT');
    }
    await allCurrent();
  });
});

describe('weft config', () => {
  it('shows services, routes, policies and certificates in force, and that nothing differs', async () => {
    await applyPolicy('strict', { mtls: { mode: 'Strict' } });
    const { pod } = await shopPod('cart');
    const { code, stdout, stderr } = await weft('config', pod, '-n', shop);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/shop\/payment +10\.\S+ +8080\/\S+ +2\/2 +mTLS +namespace/);
    expect(stdout).toContain(`mTLS: Strict (MeshPolicy ${shop}/strict)`);
    expect(stdout).toMatch(/\* +- +- +Outside/);
    expect(stdout).toMatch(/leaf +spiffe:\S+\/ns\/shop\/sa\/cart/);
    const diff = await weft('config', pod, '-n', shop, '--diff');
    expect(diff).toMatchObject({ code: 0 });
    expect(diff.stdout).toContain('it runs what the operator wants\n');
  });

  it('has coded errors, and JSON', async () => {
    const { pod } = await shopPod('cart');
    expect(await weft('config', 'nobody', '-n', shop)).toMatchObject({ code: 1 });
    const gone = await weft('config', 'nobody', '-n', shop);
    expect(gone.stderr).toContain(`POD_UNKNOWN Pod ${shop}/nobody`);
    const plain = await weft('config', 'caller', '-n', outside);
    expect(plain.stderr).toContain(`PROXY_MISSING Pod ${outside}/caller`);
    const json = await weft('config', pod, 'certificates', '-n', shop, '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      certificates: { spiffeId: expect.any(String) as string },
    });
  });
});

describe('while the operator is away', () => {
  beforeAll(() => removeComponents(['operator']));
  afterAll(() => restoreComponents(['operator']));

  it('weft status asks the proxies, and says that it cannot tell which are late', async () => {
    const { code, stdout, stderr } = await weft('status', '-n', shop);
    expect(code).toBe(1);
    expect(stderr).toContain('OPERATOR_UNREACHABLE');
    expect(stderr).toContain('whether one is late is not known');
    expect(stdout).toMatch(/cart-\S+ +deployment\/cart +no +\d+ +Unknown/);
  });

  it('weft config shows what is in force, and that --diff cannot', async () => {
    const { pod } = await shopPod('cart');
    expect(await weft('config', pod, '-n', shop)).toMatchObject({ code: 0 });
    const diff = await weft('config', pod, '-n', shop, '--diff');
    expect(diff).toMatchObject({ code: 1 });
    expect(diff.stderr).toContain('OPERATOR_UNREACHABLE');
  });
});
