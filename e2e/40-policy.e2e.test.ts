/** A MeshPolicy from `kubectl apply` to the answer of a proxy and back. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, shopPod, type From } from './support/calls.ts';
import { namespaces } from './support/environment.ts';
import { kubectl, livingPods, rowsOf, tryKubectl } from './support/kubectl.ts';
import { accessLogs } from './support/proxy.ts';
import { applyPolicy, policyFile, removePolicies } from './support/policies.ts';
import { waitFor } from './support/waitFor.ts';

const { shop } = namespaces;
const CHARGE = 'http://payment:8080/charge';
const FIVE_SECONDS = 5_000;

let web: From;
let cart: From;

beforeAll(async () => {
  await removePolicies();
  [web, cart] = await Promise.all([shopPod('web'), shopPod('cart')]);
});

afterAll(removePolicies);

describe('only cart may call payment', () => {
  it('web may, before there is a policy', async () => {
    expect((await call(web, CHARGE, { method: 'POST' })).status).toBe(200);
  });

  it('web is refused within five seconds, with the reason; cart is not', async () => {
    await kubectl(['apply', '-f', policyFile('cart-calls-payment')]);
    const refused = await waitFor(
      'web to be refused',
      async () => {
        const answer = await call(web, CHARGE, { method: 'POST' });
        return answer.status === 403 ? answer : undefined;
      },
      FIVE_SECONDS,
    );
    expect(refused.headers).toMatchObject({ 'x-weft-reason': 'AUTHORIZATION_DENIED', server: 'weft' });
    expect(refused.body).toMatchObject({ code: 'AUTHORIZATION_DENIED', policy: `${shop}/payment` });
    expect((await call(cart, CHARGE, { method: 'POST' })).status).toBe(200);
  });

  it('kubectl wait returns, and kubectl get shows how many proxies have it', async () => {
    await kubectl(['wait', '-n', shop, 'meshpolicy/payment', '--for=condition=Applied', '--timeout=10s']);
    const [row] = rowsOf(await kubectl(['get', 'meshpolicies', '-A']));
    expect(row).toMatchObject({
      NAMESPACE: shop,
      NAME: 'payment',
      RULES: '1',
      MODE: 'Enforce',
      APPLIED: '2/2',
    });
    expect(await livingPods(shop, 'app=payment')).toHaveLength(2);
  });

  it('both replicas refuse: no request of web gets through', async () => {
    for (let i = 0; i < 10; i += 1) expect((await call(web, CHARGE, { method: 'POST' })).status).toBe(403);
  });

  it('judges the method and the path, not the caller alone', async () => {
    expect((await call(cart, 'http://payment:8080/charges')).status).toBe(403);
    expect((await call(cart, 'http://payment:8080//charge', { method: 'POST' })).status).toBe(403);
  });

  it('logs the refusal with policy and rule on the side that refused', async () => {
    const line = await waitFor('the line of the refusal', async () =>
      (await accessLogs(shop, 'app=payment')).find(({ flag }) => flag === 'AUTHORIZATION_DENIED'),
    );
    expect(line).toMatchObject({ direction: 'inbound', policy: `${shop}/payment`, status: 403 });
  });

  it('deleting it lets web call again', async () => {
    await kubectl(['delete', '-f', policyFile('cart-calls-payment')]);
    const answer = await waitFor(
      'web to be let in',
      async () => {
        const { status, body } = await call(web, CHARGE, { method: 'POST' });
        return status === 200 ? body : undefined;
      },
      FIVE_SECONDS,
    );
    expect(answer).toMatchObject({ service: 'payment', charged: true });
  });
});

describe('a policy that only watches', () => {
  it('refuses nothing, and the log says what it would have done', async () => {
    await applyPolicy('watch', {
      selector: { matchLabels: { app: 'payment' } },
      mode: 'Shadow',
      authorization: { rules: [{ name: 'cart', from: [{ serviceAccounts: ['cart'] }] }] },
    });
    expect((await call(web, CHARGE, { method: 'POST', id: 'shadowed' })).status).toBe(200);
    const line = await waitFor('the line of the call', async () =>
      (await accessLogs(shop, 'app=payment')).find(({ requestId }) => requestId === 'shadowed'),
    );
    expect(line).toMatchObject({ status: 200, shadow: 'Deny' });
  });
});

describe('a policy that is wrong', () => {
  const wrong = async (edit: (text: string) => string, flags: string[] = []) => {
    const text = edit(await readFile(policyFile('cart-calls-payment'), 'utf8'));
    return await tryKubectl(['apply', ...flags, '-f', '-'], { input: text });
  };

  it('is refused with the name of the field', async () => {
    const { code, stderr } = await wrong((text) => text.replace('shop/cart', 'Shop/Cart/x'));
    expect(code).not.toBe(0);
    expect(stderr).toContain('spec.authorization.rules[0].from[0].serviceAccounts[0]');
  });

  it('is refused for a misspelt key even by a client that asks for no validation', async () => {
    const { code, stderr } = await wrong(
      (text) => text.replace('methods:', 'methodes:'),
      ['--validate=false'],
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain('spec.authorization.rules[0].to[0].methodes');
  });

  it('is refused for a feature that this version does not have', async () => {
    const { code, stderr } = await wrong((text) => `${text}        when: "true"\n`);
    expect(code).not.toBe(0);
    expect(stderr).toContain('spec.authorization.rules[0].when');
  });
});
