import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProxyStatus } from '../core/control/index.ts';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { runCli } from './program.ts';
import { TestCluster } from './testing/cluster.ts';
import { operatorPages, proxyPages, shopDocument } from './testing/pages.ts';

let server: ApiServer;
let cluster: TestCluster;

beforeEach(async () => {
  server = await startApiServer({ namespaces: ['shop', 'bank'] });
  cluster = new TestCluster(server);
});
afterEach(() => server.close());

async function weft(...args: string[]) {
  let out = '';
  let err = '';
  const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const code = await runCli(args, streams, { connect: cluster.connect });
  return { code, out, err };
}

const document = shopDocument();

const proxy = (name: string, change: Partial<ProxyStatus> = {}): ProxyStatus => ({
  pod: { namespace: 'shop', name, uid: name },
  workload: { kind: 'deployment', name: 'cart' },
  condition: 'Current',
  connected: true,
  responsive: true,
  heardAt: '2026-11-21T20:59:58.000Z',
  proxyVersion: '0.1.0',
  inForce: {
    epoch: 1,
    revision: '417',
    hash: '0123456789abcdef',
    since: '2026-11-21T20:56:40.000Z',
    resources: { 'MeshPolicy/shop/cart': { uid: 'p', generation: 3 } },
  },
  certificate: { serial: '0a', notAfter: '2026-11-22T20:00:00.000Z' },
  ...change,
});

const refused = {
  epoch: 1,
  revision: '418',
  hash: 'f',
  code: 'DOCUMENT_INVALID',
  message: 'no',
  since: '2026-11-21T20:59:00.000Z',
};
const late = proxy('cart-2', { condition: 'Late', reason: 'does not answer', responsive: false });
const broken = proxy('cart-3', { condition: 'Refused', reason: 'DOCUMENT_INVALID: no', refused });
const starting: ProxyStatus = {
  pod: { namespace: 'shop', name: 'cart-4', uid: 'x' },
  workload: { kind: 'deployment', name: 'cart' },
  condition: 'Starting',
  reason: 'has not started yet',
  connected: false,
  responsive: false,
};

describe('weft status', () => {
  test('every proxy in a table, and a summary', async () => {
    cluster.operator('weft-operator-1', operatorPages(document, [proxy('cart-1'), late, broken, starting]));
    const { code, out, err } = await weft('status');
    expect(err).toBe('');
    expect(out).toBe(
      [
        'NAMESPACE   POD      WORKLOAD          CONNECTED      REVISION   STATE                      AGE     VERSION   CERTIFICATE',
        'shop        cart-1   deployment/cart   yes            417        Current                    3m20s   0.1.0     23h',
        'shop        cart-2   deployment/cart   unresponsive   417        Late                       3m20s   0.1.0     23h',
        'shop        cart-3   deployment/cart   yes            417        Refused DOCUMENT_INVALID   3m20s   0.1.0     23h',
        'shop        cart-4   deployment/cart   no             -          Starting                   -       -         -',
        '',
        'shop/cart-2: does not answer',
        'shop/cart-3: DOCUMENT_INVALID: no',
        'shop/cart-4: has not started yet',
        '4 proxies: 1 current, 1 late, 1 refused, 1 starting',
        '',
      ].join('\n'),
    );
    expect(code).toBe(1);
  });

  test('ends with 0 where nothing is late', async () => {
    cluster.operator('weft-operator-1', operatorPages(document, [proxy('cart-1'), starting]));
    expect(await weft('status')).toMatchObject({ code: 0 });
  });

  test('--late shows only what is late, and counts all', async () => {
    cluster.operator('weft-operator-1', operatorPages(document, [proxy('cart-1'), late]));
    const { out } = await weft('status', '--late');
    expect(out).not.toContain('cart-1');
    expect(out).toContain('shop/cart-2: does not answer\n2 proxies: 1 current, 1 late\n');
    cluster.behind.set('weft-system/weft-operator-1', operatorPages(document, [proxy('cart-1')]));
    expect((await weft('status', '--late')).out).toBe('1 proxy: 1 current\n');
  });

  test('-o wide has the hash and the generations; json has all', async () => {
    cluster.operator('weft-operator-1', operatorPages(document, [late]));
    const wide = await weft('status', '-o', 'wide');
    expect(wide.out).toContain('2s      0123456789ab   MeshPolicy/shop/cart=3');
    const json = await weft('status', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual({
      source: 'weft-operator-1',
      at: '2026-11-21T21:00:00.000Z',
      summary: { late: 1 },
      proxies: [late],
    });
    expect(json.code).toBe(1);
    expect((await weft('status', '-o', 'yaml')).out).toContain('reason: does not answer');
  });

  test('asks the leader where another replica answers first', async () => {
    cluster.operator('weft-operator-0', () => ({
      leads: false,
      replica: 'weft-operator-0',
      leader: 'weft-operator-1',
    }));
    cluster.operator('weft-operator-1', operatorPages(document, [proxy('cart-1')]));
    expect(await weft('status', '-n', 'shop')).toMatchObject({ code: 0, err: '' });
    expect(cluster.asked).toEqual([
      'weft-system/weft-operator-0 /proxies?namespace=shop',
      'weft-system/weft-operator-1 /proxies?namespace=shop',
    ]);
  });

  test('takes another replica where one does not answer', async () => {
    cluster.operator('weft-operator-0');
    cluster.operator('weft-operator-1', operatorPages(document, [proxy('cart-1')]));
    expect(await weft('status')).toMatchObject({ code: 0, err: '' });
  });

  test.each([['wrong'], ['']])('refuses the format %j', async (format) => {
    expect((await weft('status', '-o', format)).err).toContain('it is one of wide, json, yaml');
  });
});

describe('weft status while the operator is away', () => {
  test('asks the proxies themselves, and says that lateness is not known', async () => {
    cluster.proxy('shop', 'cart-1', proxyPages(document));
    cluster.proxy('bank', 'ledger-1');
    const { code, out, err } = await weft('status');
    expect(err).toContain(
      'OPERATOR_UNREACHABLE operator: no pod with app.kubernetes.io/component=operator is Ready',
    );
    expect(err).toContain('whether one is late is not known');
    expect(out).toContain('shop        cart-1     deployment/cart   no          417        Unknown');
    expect(out).toContain('bank/ledger-1: PORT_FORWARD_FAILED');
    expect(out).toContain('2 proxies: 2 unknown');
    expect(code).toBe(1);
  });

  test('names what each replica said', async () => {
    cluster.operator('weft-operator-0', () => 500);
    cluster.operator('weft-operator-1');
    const { err } = await weft('status');
    expect(err).toContain(
      'weft-operator-0: OPERATOR_UNREACHABLE operator: weft-operator-0 answered with 500',
    );
    expect(err).toContain('weft-operator-1: PORT_FORWARD_FAILED');
  });

  test('says that nobody leads', async () => {
    cluster.operator('weft-operator-0', () => ({ leads: false, replica: 'weft-operator-0' }));
    expect((await weft('status')).err).toContain('no replica leads at this moment');
  });

  test('tells of a document that a proxy refused', async () => {
    const refusal = { subject: 'config', code: 'DOCUMENT_INVALID', message: 'no such field' };
    cluster.proxy('shop', 'cart-1', proxyPages(document, [refusal]));
    expect((await weft('status', '-n', 'shop')).out).toContain(
      'shop/cart-1: DOCUMENT_INVALID: no such field',
    );
  });
});
