/** What the chart put into the cluster, and what the label and the restart made of the shop. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { rendered } from '../scripts/chartDigest.ts';
import { render } from '../scripts/renderManifests.ts';
import { images, namespaces } from './support/environment.ts';
import { hasProxy } from './support/install.ts';
import {
  get,
  healthOf,
  helm,
  isReady,
  kubectl,
  list,
  livingPods,
  type KubernetesObject,
} from './support/kubectl.ts';
import { waitFor } from './support/waitFor.ts';

interface WebhookConfiguration extends KubernetesObject {
  webhooks: { name: string; clientConfig: { caBundle?: string } }[];
}

const services = ['web', 'cart', 'catalog', 'payment', 'inventory'];

it('the rendered install is the chart as Helm renders it', async () => {
  expect(await readFile(rendered, 'utf8')).toBe(await render());
});

it('the chart passes Helm strictly, and refuses a misspelt value', async () => {
  await helm(['lint', '--strict', 'charts/weft']);
  await expect(
    helm([
      'template',
      'weft',
      'charts/weft',
      '--kube-version',
      '1.36',
      '--set',
      'webhook.failurepolicy=Fail',
    ]),
  ).rejects.toThrow(/failurepolicy/);
});

it('what the chart renders with every value set is accepted by the API server', async () => {
  const { system } = namespaces;
  const values = 'e2e/fixtures/values-all.yaml';
  const text = await helm([
    'template',
    'weft',
    'charts/weft',
    '-n',
    system,
    '--kube-version',
    '1.36',
    '-f',
    values,
  ]);
  expect(text).toContain('image: registry.example/weft:v9');
  expect(text).toContain('value: "registry.example/weft-proxy:v8"');
  const answered = await kubectl(['apply', '--dry-run=server', '-f', '-'], { input: text });
  expect(answered).toContain('deployment.apps/weft-operator configured (server dry run)');
  expect(answered).toContain('deployment.apps/weft-webhook configured (server dry run)');
});

it('two webhooks and two operators run at the restricted level', async () => {
  const namespace = await get(['namespace', namespaces.system]);
  expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  const pods = await livingPods(namespaces.system);
  for (const component of ['webhook', 'operator']) {
    const own = pods.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === component);
    expect(own.filter(isReady)).toHaveLength(2);
  }
});

it('the operator put its certificate authority into both webhook configurations', async () => {
  for (const kind of [
    'mutatingwebhookconfiguration/weft-injector',
    'validatingwebhookconfiguration/weft-validator',
  ]) {
    const { webhooks } = await waitFor(`caBundle in ${kind}`, async () => {
      const found = await get<WebhookConfiguration>([kind]);
      return found.webhooks.every(({ clientConfig }) => clientConfig.caBundle) ? found : undefined;
    });
    for (const { clientConfig } of webhooks) {
      expect(Buffer.from(clientConfig.caBundle!, 'base64').toString()).toContain('BEGIN CERTIFICATE');
    }
  }
});

it('an upgrade of the release leaves the certificate authority in place', async () => {
  const [repository, tag] = images.weft.split(':');
  const values = ['--set', `image.repository=${repository}`, '--set', `image.tag=${tag}`];
  await helm(['upgrade', 'weft', 'charts/weft', '-n', namespaces.system, ...values]);
  const { webhooks } = await get<WebhookConfiguration>(['mutatingwebhookconfiguration/weft-injector']);
  expect(webhooks.every(({ clientConfig }) => clientConfig.caBundle)).toBe(true);
});

it('every pod of the shop is Ready with a proxy, and nothing of it was restarted', async () => {
  const pods = await livingPods(namespaces.shop, `app in (${services.join(',')})`);
  expect(pods.length).toBeGreaterThanOrEqual(services.length);
  for (const pod of pods) {
    expect(hasProxy(pod)).toBe(true);
    expect(healthOf(pod)).toEqual({ pod: pod.metadata.name, ready: true, restarts: [0] });
  }
});

it('each workload has its document and each ServiceAccount its identity, owned by them', async () => {
  const documents = await list<KubernetesObject & { metadata: { ownerReferences?: { kind: string }[] } }>([
    'configmaps',
    '-n',
    namespaces.shop,
  ]);
  const names = documents.map(({ metadata }) => metadata.name);
  const workloads = ['web', 'cart', 'catalog-v1', 'catalog-v2', 'payment', 'inventory'];
  expect(names).toEqual(expect.arrayContaining(workloads.map((name) => `weft.deployment.${name}`)));
  expect(names).toContain('weft.directory');
  const cart = documents.find(({ metadata }) => metadata.name === 'weft.deployment.cart');
  expect(cart?.metadata.ownerReferences).toMatchObject([{ kind: 'Deployment' }]);
  const secrets = await kubectl(['get', 'secrets', '-n', namespaces.shop, '-o', 'name']);
  for (const service of services) expect(secrets).toContain(`secret/weft.serviceaccount.${service}`);
});
