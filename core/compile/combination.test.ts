/** What policies come to mean, from the resource to the verdict: the table of docs/meshpolicy.md, and more. */
import { describe, expect, it } from 'vitest';
import { namespace, policy, snapshotOf, workload } from '../../sources/testing/mesh.ts';
import type { Manifest } from '../../sources/index.ts';
import { compileAuthorizer } from '../evaluate/index.ts';
import { documentOf } from '../../sources/testing/compiled.ts';

const PAYMENT = { kind: 'deployment', namespace: 'shop', name: 'payment' };
const pods = workload('payment', { labels: { app: 'payment' }, account: 'payment' });

function judge(policies: Manifest[]) {
  const snapshot = snapshotOf(namespace('shop'), pods, ...policies);
  expect(snapshot.rejected).toEqual([]);
  const [section] = documentOf(snapshot, PAYMENT).sections;
  const authorizer = compileAuthorizer(section!);
  const from = (account: string | undefined, method: string, path: string) =>
    authorizer.request({
      principal: account && `spiffe://cluster.local/ns/${account.replace('/', '/sa/')}`,
      remoteAddress: '10.1.2.3',
      port: 8080,
      method,
      path,
      host: 'payment:8080',
    });
  return {
    web: from('shop/web', 'GET', '/'),
    cart: from('shop/cart', 'POST', '/charge'),
    stranger: from(undefined, 'POST', '/charge'),
  };
}

const rules = (...list: object[]) => ({ authorization: { rules: list } });
const fromCart = policy(
  'cart',
  rules({ from: [{ serviceAccounts: ['cart'] }], to: [{ methods: ['POST'], paths: ['/charge'] }] }),
);
const other = (spec: object) => policy('other', spec);
const mesh = (spec: object) => policy('mesh', spec, { namespace: 'weft-system' });

describe('who may call payment', () => {
  it.each<[string, Manifest[], string]>([
    ['nothing said', [], 'Allow Allow Allow'],
    ['Allow from cart', [fromCart], 'Deny Allow Deny'],
    [
      'and an explicit Allow',
      [fromCart, other({ authorization: { default: 'Allow' } })],
      'Allow Allow Allow',
    ],
    [
      'and a Deny of the operation',
      [fromCart, other(rules({ action: 'Deny', to: [{ methods: ['POST'] }] }))],
      'Deny Deny Deny',
    ],
    [
      'Deny from web',
      [other(rules({ action: 'Deny', from: [{ serviceAccounts: ['web'] }] }))],
      'Deny Allow Allow',
    ],
    [
      'Deny from all but cart',
      [other(rules({ action: 'Deny', from: [{ notServiceAccounts: ['cart'] }] }))],
      'Deny Allow Deny',
    ],
    [
      'Allow from all but web',
      [other(rules({ from: [{ notServiceAccounts: ['web'] }] }))],
      'Deny Allow Deny',
    ],
    ['Allow from the namespace', [other(rules({ from: [{ namespaces: ['sh*'] }] }))], 'Allow Allow Deny'],
    [
      'the mesh denies by default',
      [mesh({ authorization: { default: 'Deny' } }), fromCart],
      'Deny Allow Deny',
    ],
    [
      'the mesh allows a ServiceAccount of this namespace',
      [mesh(rules({ from: [{ serviceAccounts: ['shop/web'] }] }))],
      'Allow Deny Deny',
    ],
    [
      'an Allow that can never match',
      [other(rules({ from: [{ serviceAccounts: ['web'], principals: ['*/sa/cart'] }] }))],
      'Deny Deny Deny',
    ],
    [
      'a policy for other pods',
      [policy('p', { selector: { matchLabels: { app: 'x' } }, authorization: { default: 'Deny' } })],
      'Allow Allow Allow',
    ],
  ])('%s', (_name, policies, expected) => {
    const { web, cart, stranger } = judge(policies);
    expect([web, cart, stranger].map(({ action }) => action).join(' ')).toBe(expected);
  });

  it('Shadow changes no verdict, and says what it would be', () => {
    const { object, kind } = fromCart;
    const shadow = {
      kind,
      object: { ...object, spec: { ...(object as { spec?: object }).spec, mode: 'Shadow' } },
    };
    const { web, cart } = judge([shadow]);
    expect([web.action, web.shadow, cart.action, cart.shadow]).toEqual(['Allow', 'Deny', 'Allow', undefined]);
  });

  it('a refusal names the policy and the rule', () => {
    const deny = other(rules({ name: 'no-web', action: 'Deny', from: [{ serviceAccounts: ['web'] }] }));
    expect(judge([deny]).web).toMatchObject({ policy: 'shop/other', rule: 'no-web' });
    expect(judge([fromCart]).web).toMatchObject({ policy: 'shop/cart', rule: 'default' });
  });
});
