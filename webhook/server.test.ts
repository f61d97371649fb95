import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from './inject/index.ts';
import {
  podResource,
  policyResource,
  reviewText,
  startWebhook,
  testAuthority,
  type TestAuthority,
  type TestWebhook,
} from './testing/serving.ts';
import { fakeView } from './testing/view.ts';

interface Answer {
  apiVersion: string;
  kind: string;
  response: {
    uid: string;
    allowed: boolean;
    patchType?: string;
    patch?: string;
    warnings?: string[];
    status?: { code: number; reason: string; message: string; details: { causes: { field: string }[] } };
  };
}

const view = fakeView();
let authority: TestAuthority;
let webhook: TestWebhook;
const pod = (extra: object = {}) => ({
  metadata: { name: 'p', ...extra },
  spec: { containers: [{ name: 'app', image: 'a:1' }] },
});
const review = async (path: string, fields: object): Promise<Answer['response']> => {
  const { status, body } = await webhook.send(path, reviewText(fields));
  expect(status).toBe(200);
  const answer = body as Answer;
  expect(answer).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  return answer.response;
};
const operations = (patch = ''): Operation[] =>
  JSON.parse(Buffer.from(patch, 'base64').toString()) as Operation[];

beforeAll(async () => {
  authority = await testAuthority();
  webhook = await startWebhook(view, authority);
  webhook.server.setCertificate(await authority.issue());
});
afterAll(() => webhook.server.drain(0));
beforeEach(() => {
  Object.assign(view.cluster, fakeView().cluster);
  webhook.log.lines.length = 0;
});

describe('/inject', () => {
  test('patches a pod of an enabled namespace and echoes the uid', async () => {
    view.cluster.owners['ReplicaSet/shop/cart-1'] = {
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', controller: true }],
    };
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-1', controller: true }];
    const object = pod({ ownerReferences });
    const response = await review('/inject', { uid: 'abc', resource: podResource, object });
    expect(response).toMatchObject({ uid: 'abc', allowed: true, patchType: 'JSONPatch' });
    const volumes = operations(response.patch).find(({ path }) => path === '/spec/volumes');
    expect(JSON.stringify(volumes)).toContain('weft.deployment.cart');
  });

  test('a dry run gets the same answer and is counted as one', async () => {
    const fields = { resource: podResource, object: pod() };
    const real = await review('/inject', fields);
    const dry = await review('/inject', { ...fields, dryRun: true });
    expect(dry).toEqual(real);
    expect(await webhook.metrics.registry.metrics()).toContain('reason="",dry_run="true"} 1');
  });

  test('a "no" that surprises is a warning; one that does not is silent', async () => {
    const hostNetwork = { ...pod(), spec: { ...pod().spec, hostNetwork: true } };
    const surprised = await review('/inject', { resource: podResource, object: hostNetwork });
    expect(surprised).toMatchObject({ allowed: true, warnings: [expect.stringContaining('HostNetwork')] });
    expect(surprised.patch).toBeUndefined();
    const silent = await review('/inject', { resource: podResource, namespace: 'unknown', object: pod() });
    expect(silent).toEqual({ uid: 'u-1', allowed: true });
  });

  test('what a user wrote wrong is refused with a cause for each field', async () => {
    const object = pod({ annotations: { 'weft.dev/drain': 'soon', 'weft.dev/log-level': 'loud' } });
    const response = await review('/inject', { resource: podResource, object });
    expect(response).toMatchObject({ allowed: false, status: { code: 422, reason: 'Invalid' } });
    expect(response.status!.details.causes.map(({ field }) => field)).toEqual([
      'metadata.annotations[weft.dev/drain]',
      'metadata.annotations[weft.dev/log-level]',
    ]);
    expect(response.status!.message).toContain('metadata.annotations[weft.dev/drain]: ');
  });

  test('anything but the creation of a pod is let through untouched', async () => {
    for (const fields of [
      { resource: podResource, operation: 'UPDATE', object: pod() },
      { resource: podResource, subResource: 'ephemeralcontainers', object: pod() },
      { resource: { group: 'apps', version: 'v1', resource: 'deployments' }, object: {} },
    ]) {
      expect(await review('/inject', fields)).toEqual({ uid: 'u-1', allowed: true });
    }
  });

  test('an error of our own is a 500 without its details, so that the failurePolicy decides', async () => {
    const broken = fakeView();
    broken.mesh = () => {
      throw new Error('secret detail');
    };
    const other = await startWebhook(broken, authority);
    other.server.setCertificate(await authority.issue());
    const { status, body } = await other.send(
      '/inject',
      reviewText({ resource: podResource, object: pod() }),
    );
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret detail');
    expect(other.log.lines.map(({ level }) => level)).toEqual(['error']);
    const healthy = await other.send(
      '/validate',
      reviewText({ resource: policyResource, operation: 'DELETE' }),
    );
    expect(healthy.status).toBe(200);
    await other.server.drain(0);
  });
});

describe('/validate', () => {
  const policy = (spec: object) => ({
    apiVersion: 'mesh.weft.dev/v1alpha1',
    kind: 'MeshPolicy',
    metadata: { name: 'payment' },
    spec,
  });

  test('a valid policy is allowed, with warnings where it selects nothing', async () => {
    const object = policy({ selector: { matchLabels: { app: 'payment' } }, mtls: { mode: 'Strict' } });
    const warned = await review('/validate', { resource: policyResource, object });
    expect(warned).toMatchObject({ allowed: true, warnings: [expect.stringContaining('selects no pod')] });
    view.cluster.pods = [{ namespace: 'shop', labels: { app: 'payment' }, proxy: '{}' }];
    expect(await review('/validate', { resource: policyResource, object })).toEqual({
      uid: 'u-1',
      allowed: true,
    });
    view.cluster.pods = undefined;
    expect(await review('/validate', { resource: policyResource, object })).toEqual({
      uid: 'u-1',
      allowed: true,
    });
  });

  test('every wrong field is a cause of its own', async () => {
    const object = policy({ mtls: { mode: 'Strict', port: {} }, authorisation: {} });
    const response = await review('/validate', { resource: policyResource, object });
    expect(response.allowed).toBe(false);
    expect(response.status).toMatchObject({
      details: { kind: 'MeshPolicy', name: 'payment', group: 'mesh.weft.dev' },
    });
    expect(response.status!.details.causes).toEqual(
      expect.arrayContaining([
        { reason: 'FieldValueInvalid', field: 'spec.mtls.port', message: 'unknown field (UNKNOWN_FIELD)' },
        {
          reason: 'FieldValueInvalid',
          field: 'spec.authorisation',
          message: 'unknown field (UNKNOWN_FIELD)',
        },
      ]),
    );
  });
});

describe('what is no review', () => {
  const v1beta1 = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1beta1',
    kind: 'AdmissionReview',
    request: {},
  });
  test.each([
    ['no JSON', '{', 400],
    ['no review', '{"kind":"Pod"}', 400],
    ['another version', v1beta1, 400],
    ['no request', v1beta1.replace('v1beta1', 'v1').replace(',"request":{}', ''), 400],
    ['no uid', v1beta1.replace('v1beta1', 'v1'), 400],
    ['no object', reviewText({ resource: podResource }), 400],
    ['empty', '', 400],
  ])('%s is refused', async (_name, body, status) => {
    const answer = await webhook.send('/inject', body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  });

  test('another content type and an unknown path are refused', async () => {
    expect((await webhook.send('/inject', '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await webhook.send('/other', '{}')).status).toBe(404);
  });

  test('a body above 8 MiB is refused, one below is read', async () => {
    const annotations = { filler: 'x'.repeat(2 * 2 ** 20) };
    expect(await review('/inject', { resource: podResource, object: pod({ annotations }) })).toMatchObject({
      allowed: true,
    });
    const refused = webhook.send('/inject', ' '.repeat(8 * 2 ** 20 + 1));
    // refused before it was read, so the connection may end before the answer is seen
    const status = await refused.then(
      (answer) => answer.status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect([413, 'EPIPE', 'ECONNRESET']).toContain(status);
    expect(await review('/inject', { resource: podResource, object: pod() })).toMatchObject({
      allowed: true,
    });
  });
});

describe('TLS', () => {
  test('a new certificate is used for new handshakes, while an open connection goes on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async () => {
      const body = reviewText({ resource: podResource, object: pod() });
      const outgoing = request({ ...webhook.options, agent, path: '/inject', method: 'POST' });
      outgoing.setHeader('content-type', 'application/json').end(body);
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      incoming.resume();
      await once(incoming, 'end');
      return { status: incoming.statusCode, reused: outgoing.reusedSocket };
    };
    const before = await webhook.handshake();
    expect(await ask()).toEqual({ status: 200, reused: false });
    webhook.server.setCertificate(await authority.issue());
    const after = await webhook.handshake();
    expect(after).not.toBe(before);
    expect(await ask()).toEqual({ status: 200, reused: true });
    agent.destroy();
  });

  test('versions before 1.2 are refused, also after a certificate was replaced', async () => {
    await expect(webhook.handshake({ maxVersion: 'TLSv1.1' })).rejects.toThrow(/alert protocol version/);
  });

  test('a pair that does not fit is refused, and the one in use stays', async () => {
    const before = await webhook.handshake();
    const [one, two] = [await authority.issue(), await authority.issue()];
    expect(() => webhook.server.setCertificate({ ...one, key: two.key })).toThrow(/mismatch/);
    expect(await webhook.handshake()).toBe(before);
  });
});

describe('health', () => {
  const get = async (target: TestWebhook, url: string) => target.server.health.inject({ method: 'GET', url });

  test('ready only with a certificate and synced watches', async () => {
    const cluster = fakeView({ synced: false });
    const fresh = await startWebhook(cluster, authority);
    expect((await get(fresh, '/healthz/live')).statusCode).toBe(200);
    expect((await get(fresh, '/healthz/ready')).json()).toEqual({
      ready: false,
      missing: ['certificate', 'watches of the cluster'],
    });
    fresh.server.setCertificate(await authority.issue());
    expect((await get(fresh, '/healthz/ready')).statusCode).toBe(503);
    cluster.cluster.synced = true;
    expect((await get(fresh, '/healthz/ready')).statusCode).toBe(200);
    await fresh.server.drain(0);
  });

  test('metrics tell outcomes and the certificate', async () => {
    await review('/inject', { resource: podResource, object: pod() });
    const { body, headers } = await get(webhook, '/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(body).toContain('weft_webhook_injections_total{outcome="injected",reason="",dry_run="false"}');
    expect(body).toMatch(/weft_webhook_certificate_not_after_seconds \d{10}/);
  });

  test('while it drains it is unready, answers, and asks for the connection to be closed', async () => {
    const leaving = await startWebhook(fakeView(), authority);
    leaving.server.setCertificate(await authority.issue());
    const drained = leaving.server.drain(400);
    const answer = await leaving.send('/inject', reviewText({ resource: podResource, object: pod() }));
    expect(answer.status).toBe(200);
    expect(answer.headers.connection).toBe('close');
    expect((await get(leaving, '/healthz/ready')).json()).toMatchObject({ missing: ['shutting down'] });
    await drained;
    await expect(leaving.handshake()).rejects.toThrow(/ECONNREFUSED/);
  });
});
