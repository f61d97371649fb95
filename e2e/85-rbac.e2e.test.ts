/** What the operator and the webhook may not do: asked of the API server, and tried. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaces } from './support/environment.ts';
import { apply, kubectl, livingPods, tryKubectl, type Pod } from './support/kubectl.ts';
import { run, tryRun } from './support/run.ts';

const { shop, system } = namespaces;
const accounts = {
  operator: `system:serviceaccount:${system}:weft-operator`,
  webhook: `system:serviceaccount:${system}:weft-webhook`,
} as const;

async function can(
  who: keyof typeof accounts,
  verb: string,
  resource: string,
  namespace = shop,
): Promise<boolean> {
  const { stdout } = await tryKubectl([
    'auth',
    'can-i',
    verb,
    ...resource.split(' '),
    '-n',
    namespace,
    '--as',
    accounts[who],
  ]);
  return stdout.trim() === 'yes';
}

const asOperator = (args: string[], input?: string) =>
  tryKubectl([...args, '-n', shop, '--as', accounts.operator], input === undefined ? {} : { input });

describe('the operator', () => {
  it.each([
    ['create', 'secrets'],
    ['patch', 'secrets'],
    ['list', 'pods'],
    ['patch', 'pods/status'],
    ['patch', 'configmaps'],
  ])('may %s %s, which it needs', async (verb, resource) => {
    expect(await can('operator', verb, resource)).toBe(true);
  });

  it.each([
    ['get', 'secrets'],
    ['list', 'secrets'],
    ['watch', 'secrets'],
    ['update', 'secrets'],
    ['create', 'pods'],
    ['patch', 'pods'],
    ['update', 'pods'],
    ['delete', 'pods'],
    ['create', 'pods/exec'],
    ['create', 'serviceaccounts/token'],
    ['patch', 'deployments'],
    ['update', 'meshpolicies'],
    ['delete', 'meshpolicies'],
    ['create', 'clusterrolebindings'],
    ['create', 'rolebindings'],
    ['impersonate', 'users'],
    ['patch', 'mutatingwebhookconfigurations/another'],
  ])('may not %s %s of a workload namespace', async (verb, resource) => {
    expect(await can('operator', verb, resource)).toBe(false);
  });

  it('is refused when it reads a Secret', async () => {
    const { code, stderr } = await asOperator(['get', 'secret', 'weft.serviceaccount.cart']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('cannot get resource "secrets"');
  });

  it('is refused when it writes a ConfigMap or Secret that is not named weft.*', async () => {
    for (const kind of [['configmap'], ['secret', 'generic']]) {
      const { code, stderr } = await asOperator(['create', ...kind, 'mine', '--from-literal=a=b']);
      expect(code).not.toBe(0);
      expect(stderr).toContain('may write only names that start with weft.');
    }
    const { code, stderr } = await asOperator(['delete', 'configmap', 'kube-root-ca.crt']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('may write only names that start with weft.');
  });

  it('is refused when it asks for the token of a ServiceAccount by way of a Secret', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { name: 'weft.token', annotations: { 'kubernetes.io/service-account.name': 'cart' } },
    };
    const { code, stderr } = await asOperator(['create', '-f', '-'], JSON.stringify(secret));
    expect(code).not.toBe(0);
    expect(stderr).toContain('may write only Secrets of type kubernetes.io/tls');
  });
});

describe('the status of a pod, as the operator', () => {
  let token: string;
  let pod: Pod;
  let server: string;

  beforeAll(async () => {
    token = (await kubectl(['create', 'token', 'weft-operator', '-n', system, '--duration=10m'])).trim();
    server = (
      await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}'])
    ).trim();
    [pod] = (await livingPods(shop, 'app=web')) as [Pod];
  });

  /** Status and message of the answer to a merge patch of the pod's status, as the operator sends it. */
  async function patch(body: object): Promise<{ code: number; message: string }> {
    const url = `${server}/api/v1/namespaces/${shop}/pods/${pod.metadata.name}/status`;
    const script = `
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      const answer = await fetch(process.argv[1], {
        method: 'PATCH',
        headers: { authorization: 'Bearer ' + process.argv[2], 'content-type': 'application/merge-patch+json' },
        body: process.argv[3],
      });
      const { message = '' } = await answer.json();
      console.log(JSON.stringify({ code: answer.status, message }));`;
    const out = await run(process.execPath, [
      ...['--no-warnings', '--input-type=module', '-e', script],
      ...[url, token, JSON.stringify(body)],
    ]);
    return JSON.parse(out) as { code: number; message: string };
  }

  it('may be given the annotation that makes kubelet refresh', async () => {
    expect(await patch({ metadata: { annotations: { 'weft.dev/refresh': 'e2e' } } })).toMatchObject({
      code: 200,
    });
  });

  it.each([
    ['another annotation', { metadata: { annotations: { other: 'x' } } }],
    ['a label', { metadata: { labels: { app: 'payment' } } }],
    ['an address', { status: { podIP: '10.0.0.1' } }],
    ['its phase', { status: { phase: 'Failed' } }],
  ])('may not be given %s', async (_what, body) => {
    const { code, message } = await patch(body);
    expect(code).toBe(403);
    expect(message).toContain('may change only the annotation weft.dev/refresh');
  });
});

describe('the webhook', () => {
  it.each([
    ['get', 'secrets'],
    ['list', 'secrets'],
    ['create', 'configmaps'],
    ['patch', 'pods'],
    ['patch', 'pods/status'],
    ['patch', 'mutatingwebhookconfigurations'],
  ])('may not %s %s', async (verb, resource) => {
    expect(await can('webhook', verb, resource)).toBe(false);
    expect(await can('webhook', verb, resource, system)).toBe(false);
  });
});

describe('a workload', () => {
  it('gets no certificate for another ServiceAccount: it cannot read Secrets', async () => {
    const { stdout } = await tryRun('kubectl', [
      ...['auth', 'can-i', 'get', 'secret/weft.serviceaccount.payment', '-n', shop],
      ...['--as', `system:serviceaccount:${shop}:web`],
    ]);
    expect(stdout.trim()).toBe('no');
  });
});

afterAll(async () => {
  await kubectl(['delete', 'configmap', 'weft.none', '-n', shop, '--ignore-not-found']);
});

it('other people are not held by the policy that holds the operator', async () => {
  await apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'weft-e2e-mine', namespace: shop },
    data: {},
  });
  await kubectl(['delete', 'configmap', 'weft-e2e-mine', '-n', shop]);
  expect(await can('operator', 'get', 'secrets', system)).toBe(false);
});
