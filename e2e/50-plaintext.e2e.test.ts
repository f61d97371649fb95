/** Plain text from a namespace without a mesh: refused and counted where Strict, let in and visible where Permissive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, caller, type From } from './support/calls.ts';
import { identityOf, namespaces } from './support/environment.ts';
import { appliedEverywhere, applyPolicy, policyFile, removePolicies } from './support/policies.ts';
import { kubectl } from './support/kubectl.ts';
import { accessLogs, metric, sumOf } from './support/proxy.ts';
import { waitFor } from './support/waitFor.ts';

const { shop, outside } = namespaces;
const cart = { namespace: shop, selector: 'app=cart' };

let from: From;

beforeAll(async () => {
  await removePolicies();
  from = await caller(outside);
});

afterAll(removePolicies);

describe('into a Strict workload', () => {
  beforeAll(async () => {
    await kubectl(['apply', '-f', policyFile('strict')]);
    await appliedEverywhere('strict');
  });

  it('a plain request is refused with the reason, and counted', async () => {
    const labels = { security: 'plain', response_flag: 'MTLS_REQUIRED' };
    const before = await sumOf(cart, metric.requests, labels);
    for (let i = 0; i < 3; i += 1) {
      const answer = await call(from, `http://cart.${shop}:8080/cart`);
      expect(answer).toMatchObject({
        status: 403,
        headers: { 'x-weft-reason': 'MTLS_REQUIRED' },
        body: { code: 'MTLS_REQUIRED' },
      });
    }
    const counted = await waitFor('the counter', async () => {
      const now = await sumOf(cart, metric.requests, labels);
      return now >= before + 3 ? now - before : undefined;
    });
    expect(counted).toBe(3);
  });

  it('a claimed identity does not help: headers of a plain request prove nothing', async () => {
    const headers = [`x-weft-source: ${identityOf(shop, 'web')}`];
    const answer = await call(from, `http://cart.${shop}:8080/cart`, { headers });
    expect(answer.status).toBe(403);
  });
});

describe('into a Permissive workload', () => {
  beforeAll(async () => {
    await removePolicies();
    await applyPolicy('open', { mtls: { mode: 'Permissive' } });
  });

  it('a plain request passes, and is visible as not mTLS in log and metrics', async () => {
    const labels = { security: 'plain', direction: 'inbound' };
    const before = await sumOf(cart, metric.requests, labels);
    const answer = await call(from, `http://cart.${shop}:8080/cart`, { id: 'plain-visible' });
    expect(answer).toMatchObject({ status: 200, body: { service: 'cart', source: null } });
    const line = await waitFor('the line of the plain request', async () =>
      (await accessLogs(shop, 'app=cart')).find(({ requestId }) => requestId === 'plain-visible'),
    );
    expect(line).toMatchObject({ direction: 'inbound', security: 'plain', status: 200 });
    expect(await sumOf(cart, metric.requests, labels)).toBe(before + 1);
  });
});

describe('into a workload that is Strict but for one port', () => {
  beforeAll(async () => {
    await removePolicies();
    await kubectl(['apply', '-f', policyFile('permissive-port')]);
    await appliedEverywhere('payment-ports');
  });

  it('the one port is open to plain text, the others are not', async () => {
    expect((await call(from, `http://payment.${shop}:8080/charges`)).status).toBe(403);
    const script = `require('node:http2').connect('http://payment.${shop}:9090').on('remoteSettings', () => { console.log('open'); process.exit(0) }).on('error', (e) => { console.log(e.message); process.exit(0) })`;
    const out = await kubectl(['exec', '-n', outside, 'caller', '--', 'node', '-e', script]);
    expect(out.trim()).toBe('open');
  });

  it('a plain connection that is not HTTP is closed on a Strict port, and counted', async () => {
    await removePolicies();
    await applyPolicy('strict', { mtls: { mode: 'Strict' } });
    // a port of which nothing says that it speaks HTTP
    const inventory = { namespace: shop, selector: 'app=inventory' };
    const labels = { security: 'plain', response_flag: 'MTLS_REQUIRED' };
    const before = await sumOf(inventory, metric.connections, labels);
    const script = `require('node:net').connect(8080, 'inventory.${shop}').on('data', () => { console.log('open'); process.exit(0) }).on('error', () => {}).on('close', () => { console.log('closed'); process.exit(0) }).write(Buffer.from([0, 1, 2, 3, 10]))`;
    const out = await kubectl(['exec', '-n', outside, 'caller', '--', 'node', '-e', script]);
    expect(out.trim()).toBe('closed');
    const counted = await waitFor(
      'the counter',
      async () => (await sumOf(inventory, metric.connections, labels)) > before,
    );
    expect(counted).toBe(true);
  });

  it('a request of HTTP/2 is refused with the reason on a Strict port', async () => {
    await removePolicies();
    await applyPolicy('strict', { mtls: { mode: 'Strict' } });
    const script = `const s = require('node:http2').connect('http://payment.${shop}:9090'); s.request({ ':path': '/' }).on('response', (h) => { console.log(h[':status'], h['x-weft-reason']); process.exit(0) }).end()`;
    const out = await kubectl(['exec', '-n', outside, 'caller', '--', 'node', '-e', script]);
    expect(out.trim()).toBe('403 MTLS_REQUIRED');
  });
});
