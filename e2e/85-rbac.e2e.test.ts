/** What the operator and the webhook may not do: asked of the API server, and tried. */
import { beforeAll, describe, expect, it } from 'vitest';
import { mergePatcher, type ApiAnswer } from './support/api.ts';
import { namespaces } from './support/environment.ts';
import { livingPods, tryKubectl } from './support/kubectl.ts';

const { shop, system } = namespaces;
const accounts = {
  operator: `system:serviceaccount:${system}:weft-operator`,
  webhook: `system:serviceaccount:${system}:weft-webhook`,
} as const;

/** A resource, `resource/name`, or `resource --subresource=name`, in the namespace `where`. */
const inNamespace = (where: string) => async (who: keyof typeof accounts, verb: string, what: string) => {
  const question = ['auth', 'can-i', verb, ...what.split(' '), '-n', where, '--as', accounts[who]];
  return (await tryKubectl(question)).stdout.trim() === 'yes';
};
const can = inNamespace(shop);

const asOperator = (args: string[], input?: string) =>
  tryKubectl([...args, '-n', shop, '--as', accounts.operator], input === undefined ? {} : { input });

describe('the operator', () => {
  it.each([
    ['create', 'secrets'],
    ['patch', 'secrets'],
    ['list', 'pods'],
    ['patch', 'pods --subresource=status'],
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
    ['create', 'pods --subresource=exec'],
    ['create', 'serviceaccounts --subresource=token'],
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
  let patch: (body: object) => Promise<ApiAnswer>;

  beforeAll(async () => {
    const send = await mergePatcher(system, 'weft-operator');
    const [pod] = await livingPods(shop, 'app=web');
    patch = (body) => send(`/api/v1/namespaces/${shop}/pods/${pod!.metadata.name}/status`, body);
  });

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
    ['patch', 'pods --subresource=status'],
    ['patch', 'mutatingwebhookconfigurations'],
  ])('may not %s %s', async (verb, resource) => {
    expect(await can('webhook', verb, resource)).toBe(false);
    expect(await inNamespace(system)('webhook', verb, resource)).toBe(false);
  });
});

describe('a workload', () => {
  it('gets no certificate for another ServiceAccount: it cannot read Secrets', async () => {
    const question = ['auth', 'can-i', 'get', 'secret/weft.serviceaccount.payment', '-n', shop];
    const { stdout } = await tryKubectl([...question, '--as', `system:serviceaccount:${shop}:web`]);
    expect(stdout.trim()).toBe('no');
  });
});

it('other people are not held by the policies that hold the operator', async () => {
  const { code } = await tryKubectl(['create', 'configmap', 'mine', '-n', shop, '--dry-run=server']);
  expect(code).toBe(0);
});
