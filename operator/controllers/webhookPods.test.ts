import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServingAuthority } from '../../certs/issue/index.ts';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { annotation } from '../../core/model/names.ts';
import { resources } from '../../kube/index.ts';
import { until } from '../../kube/testing/until.ts';
import { GivenAuthority, startStage, type Stage } from '../testing/certificates.ts';
import { stateOf } from './authoritySecret.ts';
import { sourceOf } from './certificateContext.ts';
import { ServingCertificate, servingNames } from './servingCertificate.ts';
import { RETRY_MAX_MS, RETRY_MS, WebhookPods } from './webhookPods.ts';

const namespace = 'weft-system';
let stage: Stage;
let pods: WebhookPods;
beforeEach(async () => {
  stage = await startStage({ namespaces: [namespace] });
  pods = new WebhookPods({ ...stage, namespace });
});
afterEach(() => stage.close());

interface Given {
  component?: string;
  ready?: boolean;
  phase?: string;
  nodeName?: string | undefined;
  in?: string;
}

function given(name: string, fields: Given = {}): void {
  const { component = 'webhook', ready = false, phase = 'Running' } = fields;
  const nodeName = 'nodeName' in fields ? fields.nodeName : 'node1';
  stage.server.objects.put(resources.pods, {
    metadata: {
      namespace: fields.in ?? namespace,
      name,
      labels: { 'app.kubernetes.io/component': component },
    },
    spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
    status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
}

const toldOf = (name: string, of = namespace): string | undefined =>
  stage.server.objects.get(resources.pods, { namespace: of, name })?.metadata.annotations?.[
    annotation.refresh
  ];
const patches = (): number => stage.server.requests.filter(({ verb }) => verb === 'patch').length;

it('tells all pods of the webhook of what was written, once where they are ready', async () => {
  given('webhook-1', { ready: true });
  given('webhook-2', { ready: true });
  expect(await pods.look()).toBe(Infinity);
  expect(patches()).toBe(0);
  pods.written();
  expect(await pods.look()).toBe(Infinity);
  expect(await pods.look()).toBe(Infinity);
  expect(toldOf('webhook-1')).toMatch(/^tls-/);
  expect(toldOf('webhook-2')).toBe(toldOf('webhook-1'));
  expect(patches()).toBe(2);
});

it('tells a pod that is not ready again, later and later, each time with another value', async () => {
  given('webhook-1');
  given('webhook-2', { ready: true });
  const values = new Set<string | undefined>();
  const waits: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const wait = await pods.look();
    values.add(toldOf('webhook-1'));
    waits.push(wait);
    expect(await pods.look()).toBe(wait);
    stage.clock.advance(wait);
  }
  expect(values.size).toBe(6);
  expect(waits).toEqual([1, 2, 4, 8, 10, 10].map((factor) => factor * RETRY_MS));
  expect(waits.at(-1)).toBe(RETRY_MAX_MS);
  expect(toldOf('webhook-2')).toBeUndefined();
  given('webhook-1', { ready: true });
  expect(await pods.look()).toBe(Infinity);
  given('webhook-1');
  expect(await pods.look()).toBe(RETRY_MS);
});

it.each<[string, Given]>([
  ['of another component', { component: 'operator' }],
  ['of another namespace', { in: 'default' }],
  ['that has ended', { phase: 'Failed' }],
  ['that has no node', { nodeName: undefined, phase: 'Pending' }],
])('leaves alone a pod %s', async (_what, fields) => {
  given('other', fields);
  pods.written();
  expect(await pods.look()).toBe(Infinity);
  expect(toldOf('other', fields.in)).toBeUndefined();
});

it('tells once more what could not be told', async () => {
  given('webhook-1', { ready: true });
  pods.written();
  stage.server.faults.respond({ status: 403, method: 'PATCH', path: '/pods/', times: 1 });
  await expect(pods.look()).rejects.toMatchObject({ status: 403 });
  await pods.look();
  expect(toldOf('webhook-1')).toBeDefined();
});

it('is called on by who writes the certificate', async () => {
  given('webhook-1', { ready: true });
  const { root, intermediate } = await createTestMesh({ now: new Date(stage.clock.now()) });
  const dnsNames = servingNames(namespace, 'cluster.local');
  const signer = await createServingAuthority(sourceOf(stage), dnsNames);
  const serving = { signer, certificates: [signer.certificate], bundle: '' };
  const state = stateOf({ roots: [root.certificate], intermediate, serving }, new Date(stage.clock.now()));
  const authority = new GivenAuthority(state);
  stage.leading(new ServingCertificate({ ...stage, authority, namespace, dnsNames }));
  await until('the pod is told', () => toldOf('webhook-1') !== undefined);
  const secret = { namespace, name: 'weft-webhook-tls' };
  const first = toldOf('webhook-1');
  stage.server.objects.delete(resources.secrets, secret);
  await stage.passing('it is told again', () => toldOf('webhook-1') !== first);
  expect(stage.server.objects.get(resources.secrets, secret)).toBeDefined();
});
