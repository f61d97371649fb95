import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resources } from '../kube/index.ts';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { runCli } from './program.ts';
import { TestCluster } from './testing/cluster.ts';
import { operatorPages, proxyPages, shopDocument } from './testing/pages.ts';

let server: ApiServer;
let cluster: TestCluster;
let forbidden = false;

beforeEach(async () => {
  forbidden = false;
  server = await startApiServer({ namespaces: ['shop'], authorize: () => !forbidden });
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

describe('weft config POD', () => {
  beforeEach(() => cluster.proxy('shop', 'cart-1', proxyPages(document)));

  test('says what is in force: all of it', async () => {
    const { code, out, err } = await weft('config', 'pod/cart-1');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('pod shop/cart-1 of deployment/cart\n');
    expect(out).toContain(`, by stream: revision 417, epoch 1, hash ${document.hash}\n`);
    for (const title of ['SERVICES', 'ROUTES', 'POLICIES', 'CERTIFICATES'])
      expect(out).toContain(`\n${title}\n`);
  });

  test('services: why each is held, how many endpoints are in rotation, what protects them', async () => {
    const { out } = await weft('config', 'cart-1', 'services');
    expect(out).toContain('shop/catalog   10.96.0.7   8080/Http   2/2     mTLS       namespace');
    expect(out).toContain('bank/ledger    10.96.0.7   8080/Http   2/2     mTLS       used');
    expect(out).not.toContain('ROUTES');
    expect((await weft('config', 'cart-1', 'services', '-o', 'wide')).out).toContain('10.244.1.5,10.244.1.6');
  });

  test('routes: where calls to each address go, what is hidden, and the rest', async () => {
    const { out } = await weft('config', 'cart-1', 'routes', '-n', 'shop');
    const cells = out.split('\n').map((line) => line.split(/ {3,}/));
    expect(cells).toContainEqual(['10.96.0.7:8080', 'shop/catalog', 'Http', 'ByEndpoint', '2/2 ready, mTLS']);
    expect(cells).toContainEqual(['10.96.0.9:9000', 'bank/vault', 'Tcp', 'Refused', 'SERVICE_HIDDEN']);
    expect(cells).toContainEqual(
      expect.arrayContaining(['10.96.0.8:25', 'post/mail', 'Tcp', 'ByAddress']) as unknown,
    );
    expect(cells).toContainEqual(['*', '-', '-', 'Outside', 'passed on as it is']);
  });

  test('policies: modes, rules and the generations that they are of', async () => {
    const { out } = await weft('config', 'cart-1', 'policies');
    expect(out).toContain('mTLS: Strict (MeshPolicy shop/strict); port 9000: Permissive\n');
    expect(out).toContain('authorization: otherwise Deny (MeshPolicy shop/cart)\n');
    expect(out).toContain('methods=GET paths=/cart');
    expect(out).toContain('MeshPolicy/shop/cart   3\n');
  });

  test('certificates: whose, and how long they last', async () => {
    const { out } = await weft('config', 'cart-1', 'certificates');
    expect(out).toContain('leaf           spiffe://cluster.local/ns/shop/sa/cart   0a1b');
    expect(out).toContain('root           CN=root');
  });

  test('-o json is all of it, or the one that was asked for', async () => {
    const all = JSON.parse((await weft('config', 'cart-1', '-o', 'json')).out) as object;
    expect(Object.keys(all)).toEqual([
      'pod',
      'workload',
      'inForce',
      'refused',
      'services',
      'routes',
      'policies',
      'certificates',
    ]);
    const one = JSON.parse((await weft('config', 'cart-1', 'policies', '-o', 'json')).out) as object;
    expect(Object.keys(one)).toEqual(['pod', 'workload', 'inForce', 'refused', 'policies']);
    expect((await weft('config', 'cart-1', '-o', 'yaml')).out).toContain('name: catalog');
  });

  test('shows what the proxy refused', async () => {
    const refusal = { subject: 'config', code: 'DOCUMENT_INVALID', field: 'services', message: 'no' };
    cluster.behind.set('shop/cart-1', proxyPages(document, [refusal]));
    expect((await weft('config', 'cart-1')).out).toContain('refused config: DOCUMENT_INVALID services: no\n');
  });
});

describe('weft config POD --diff', () => {
  const wanted = (change: Parameters<typeof shopDocument>[0]) =>
    cluster.operator('weft-operator-1', operatorPages(shopDocument(change)));

  beforeEach(() => cluster.proxy('shop', 'cart-1', proxyPages(document)));

  test('nothing differs', async () => {
    wanted({});
    const { code, out } = await weft('config', 'cart-1', '--diff');
    expect(code).toBe(0);
    expect(out).toContain('it runs what the operator wants\n');
  });

  test('fields of a service that differs, services that are missing or too many', async () => {
    wanted({ ready: false, services: ['shop/catalog', 'post/mail'] });
    const { code, out } = await weft('config', 'cart-1', '--diff');
    expect(code).toBe(1);
    expect(out).toContain('services/shop/catalog differs\n');
    expect(out).toContain('  ports[0].endpoints[0].state\n    - "Ready"\n    + "NotReady"\n');
    expect(out).toContain('services/post/mail is missing\n');
    expect(out).toContain('services/bank/ledger should not be there\n');
    const json = JSON.parse((await weft('config', 'cart-1', '--diff', '-o', 'json')).out) as {
      differences: object[];
    };
    expect(json.differences).toContainEqual({ part: 'services/post/mail', kind: 'Missing', fields: [] });
  });

  test('a subject narrows it', async () => {
    wanted({ services: [] });
    expect(await weft('config', 'cart-1', 'policies', '--diff')).toMatchObject({ code: 0 });
    expect(await weft('config', 'cart-1', 'services', '--diff')).toMatchObject({ code: 1 });
  });

  test('a directory that differs', async () => {
    const behind = operatorPages(document);
    cluster.operator('weft-operator-1', (path) => {
      const page = behind(path);
      return path.startsWith('/documents/')
        ? { ...(page as object), directory: { hash: 'x', services: 9 } }
        : page;
    });
    const { code, out } = await weft('config', 'cart-1', 'routes', '--diff');
    expect(code).toBe(1);
    expect(out).toContain('directory differs\n  hash\n');
  });

  test('a change that was on its way is looked at again', async () => {
    let asked = 0;
    wanted({});
    cluster.behind.set('shop/cart-1', (path) => {
      if (path === '/config') asked += 1;
      return proxyPages(asked <= 1 ? shopDocument({ ready: false }) : document)(path);
    });
    expect(await weft('config', 'cart-1', '--diff')).toMatchObject({ code: 0 });
  });

  test('an operator that is away is an error with its code', async () => {
    const { code, err } = await weft('config', 'cart-1', '--diff');
    expect(code).toBe(1);
    expect(err).toContain('OPERATOR_UNREACHABLE');
  });
});

describe('weft config of what is not there', () => {
  const pod = (phase: string, proxy = true): void => {
    server.objects.put(resources.pods, {
      metadata: { namespace: 'shop', name: 'one' },
      spec: { containers: [], ...(proxy ? { initContainers: [{ name: 'weft-proxy' }] } : {}) },
      status: { phase },
    });
  };

  test.each([
    ['no such pod', () => undefined, 'POD_UNKNOWN Pod shop/one'],
    ['a pod without a proxy', () => pod('Running', false), 'PROXY_MISSING Pod shop/one'],
    [
      'a pod that is pending',
      () => pod('Pending'),
      'PROXY_UNREACHABLE Pod shop/one /config: the pod is Pending',
    ],
    ['a proxy that does not answer', () => pod('Running'), 'PORT_FORWARD_FAILED Pod shop/one'],
    [
      'a proxy without a document',
      () => cluster.proxy('shop', 'one', proxyPages(null)),
      'CONFIG_MISSING Pod shop/one: it has none yet',
    ],
    [
      'a caller who may not look',
      () => {
        forbidden = true;
      },
      'KUBERNETES_REFUSED',
    ],
  ])('%s', async (_, prepare, message) => {
    prepare();
    const { code, out, err } = await weft('config', 'one');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });

  test('a subject that there is not', async () => {
    expect((await weft('config', 'one', 'listeners')).err).toContain('Allowed choices are services, routes');
  });
});
