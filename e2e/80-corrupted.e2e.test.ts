/** A document that somebody damaged: the proxies keep the last good one, and metric and status say so. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, shopPod } from './support/calls.ts';
import { namespaces } from './support/environment.ts';
import {
  apply,
  conditionOf,
  get,
  kubectl,
  livingPods,
  type KubernetesObject,
  type MeshPolicyObject,
} from './support/kubectl.ts';
import { appliedEverywhere, policyFile, removePolicies } from './support/policies.ts';
import { metric, sumOf } from './support/proxy.ts';
import { waitFor } from './support/waitFor.ts';

const { shop, system } = namespaces;
const DOCUMENT = 'weft.deployment.payment';
const HOLD = 'weft-e2e-hold-document';
const payment = { namespace: shop, selector: 'app=payment' };

/** Keeps the operator from mending the document, so that there is time to look. */
async function holdOperator(): Promise<void> {
  const operator = `system:serviceaccount:${system}:weft-operator`;
  await apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: HOLD },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['configmaps'],
          },
        ],
      },
      matchConditions: [
        { name: 'operator', expression: `request.userInfo.username == '${operator}'` },
        { name: 'document', expression: `object.metadata.name == '${DOCUMENT}'` },
      ],
      validations: [{ expression: 'false', message: 'held by a test' }],
    },
  });
  await apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: HOLD },
    spec: { policyName: HOLD, validationActions: ['Deny'] },
  });
  // admission sees a new policy a moment after it was written
  await waitFor('the hold', async () => {
    const probe = ['create', 'configmap', DOCUMENT, '-n', shop, '--as', operator];
    return await kubectl(probe).then(
      () => false,
      (error: Error) => error.message.includes('held by a test'),
    );
  });
}

async function releaseOperator(): Promise<void> {
  for (const kind of ['validatingadmissionpolicybinding', 'validatingadmissionpolicy']) {
    await kubectl(['delete', kind, HOLD, '--ignore-not-found']);
  }
}

beforeAll(async () => {
  await removePolicies();
  await kubectl(['apply', '-f', policyFile('cart-calls-payment')]);
  await appliedEverywhere('payment');
});

afterAll(async () => {
  await releaseOperator();
  await removePolicies();
});

it('keeps the last good document, says so in metric and status, and takes the mended one', async () => {
  const [web, cart] = await Promise.all([shopPod('web'), shopPod('cart')]);
  const failuresBefore = await sumOf(payment, metric.reloadFailures);
  await holdOperator();
  const document = await get<KubernetesObject & { data: Record<string, string> }>([
    'configmap',
    DOCUMENT,
    '-n',
    shop,
  ]);
  const damaged = document.data['config.json']!.replaceAll('cart', 'web');
  await kubectl([
    'patch',
    'configmap',
    DOCUMENT,
    '-n',
    shop,
    '--type=merge',
    '-p',
    JSON.stringify({ data: { 'config.json': damaged } }),
  ]);
  for (const { metadata } of await livingPods(shop, 'app=payment')) {
    // kubelet looks at mounted volumes when a pod changes
    await kubectl(['annotate', 'pod', metadata.name, '-n', shop, `e2e/poke=${Date.now()}`, '--overwrite']);
  }
  await waitFor(
    'a failed reload in the metrics',
    async () => (await sumOf(payment, metric.reloadFailures)) > failuresBefore,
  );
  const policy = await waitFor('the status to say it', async () => {
    const found = await get<MeshPolicyObject>(['meshpolicy', 'payment', '-n', shop]);
    return conditionOf(found, 'Applied')?.reason === 'LastGoodInForce' ? found : undefined;
  });
  expect(conditionOf(policy, 'Applied')?.message).toContain('DOCUMENT_HASH_MISMATCH');
  expect(policy.status?.applied).toBe('2/2');
  // what the damaged document would have turned around still holds
  expect((await call(cart, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(200);
  expect((await call(web, 'http://payment:8080/charge', { method: 'POST' })).status).toBe(403);

  await releaseOperator();
  const mended = await waitFor(
    'the mended document to be in force',
    async () => {
      const found = await get<MeshPolicyObject>(['meshpolicy', 'payment', '-n', shop]);
      return conditionOf(found, 'Applied')?.reason === 'Applied' ? found : undefined;
    },
    120_000,
  );
  expect(mended.status?.applied).toBe('2/2');
});
