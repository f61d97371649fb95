import { describe, expect, it } from 'vitest';
import { isGeneratedLabel } from '../proxyConfig/index.ts';
import { parseMeshConfig, parseMeshPolicy, policyWarnings, type MeshPolicy } from './index.ts';

const metadata = { name: 'payment', namespace: 'shop' };

function policy(spec: object, meta: Partial<MeshPolicy['metadata']> = {}): MeshPolicy {
  const parsed = parseMeshPolicy({ metadata: { ...metadata, ...meta }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function problems(spec: unknown): string[] {
  const parsed = parseMeshPolicy({ metadata, spec });
  return parsed.ok ? [] : parsed.error.map(({ code, field }) => `${code} ${field}`);
}

const rule = (rule: object) => ({ authorization: { rules: [rule] } });
const AT = 'spec.authorization.rules[0]';

describe('the meaning of a MeshPolicy', () => {
  it.each([
    [{}, 'INVALID_FIELD spec'],
    [{ jwt: [{ issuer: 'x' }] }, 'NOT_SUPPORTED spec.jwt'],
    [rule({ when: 'true' }), `NOT_SUPPORTED ${AT}.when`],
    [rule({ from: [{ requestPrincipals: ['*'] }] }), `NOT_SUPPORTED ${AT}.from[0].requestPrincipals`],
    [rule({ from: [{ ipBlocks: ['10.0.0.0/40'] }] }), `INVALID_FIELD ${AT}.from[0].ipBlocks[0]`],
    [rule({ from: [{ notIpBlocks: ['::/0', 'x'] }] }), `INVALID_FIELD ${AT}.from[0].notIpBlocks[1]`],
    [rule({ from: [{ namespaces: ['*shop*'] }] }), `INVALID_FIELD ${AT}.from[0].namespaces[0]`],
    [rule({ from: [{ principals: ['shop/cart'] }] }), `INVALID_FIELD ${AT}.from[0].principals[0]`],
    [rule({ to: [{ paths: ['charge'] }] }), `INVALID_FIELD ${AT}.to[0].paths[0]`],
    [rule({ to: [{ hosts: ['payment:8080'] }] }), `INVALID_FIELD ${AT}.to[0].hosts[0]`],
    [rule({ to: [{ methods: ['*'] }] }), `INVALID_FIELD ${AT}.to[0].methods[0]`],
    [
      { authorization: { rules: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] } },
      'INVALID_FIELD spec.authorization.rules[2].name',
    ],
    [
      { mtls: { mode: 'Strict' }, selector: { matchLabels: { 'a b': 'c' } } },
      'INVALID_FIELD spec.selector.matchLabels',
    ],
    [
      { mtls: { mode: 'Strict' }, selector: { matchLabels: { app: '-c' } } },
      'INVALID_FIELD spec.selector.matchLabels.app',
    ],
  ])('refuses %j', (spec, expected) => {
    expect(problems(spec)).toEqual([expected]);
  });

  it.each([
    'pod-template-hash',
    'controller-revision-hash',
    'pod-template-generation',
    'controller-uid',
    'job-name',
    'rollouts-pod-template-hash',
    'statefulset.kubernetes.io/pod-name',
    'apps.kubernetes.io/pod-index',
    'topology.kubernetes.io/zone',
    'topology.kubernetes.io/region',
    'batch.kubernetes.io/job-name',
    'app',
    'kubernetes.io/os',
  ])('a selector cannot use %s where documents leave it out', (key) => {
    const spec = { mtls: { mode: 'Strict' }, selector: { matchLabels: { [key]: 'x' } } };
    expect(problems(spec)).toHaveLength(isGeneratedLabel(key) ? 1 : 0);
  });

  it('takes the example of the documentation', () => {
    expect(
      problems({
        selector: { matchLabels: { app: 'payment' } },
        mtls: { mode: 'Strict', ports: { '9000': 'Permissive' } },
        authorization: {
          default: 'Deny',
          rules: [
            {
              name: 'cart-charges',
              from: [{ serviceAccounts: ['shop/cart'] }],
              to: [{ methods: ['POST'], paths: ['/charge', '/charge/*'] }],
            },
          ],
        },
      }),
    ).toEqual([]);
  });
});

describe('the meaning of a MeshConfig', () => {
  const fields = (spec: object, name = 'default') => {
    const parsed = parseMeshConfig({ metadata: { name }, spec });
    return parsed.ok ? [] : parsed.error.map(({ field }) => field);
  };

  it.each([
    [{ identity: { leafLifetime: '1m' } }, 'spec.identity.leafLifetime'],
    [{ identity: { leafLifetime: '721h' } }, 'spec.identity.leafLifetime'],
    [
      { identity: { leafLifetime: '10m', intermediateLifetime: '10m' } },
      'spec.identity.intermediateLifetime',
    ],
    [{ proxy: { drain: '2h' } }, 'spec.proxy.drain'],
    [{ proxy: { connectTimeout: '0s' } }, 'spec.proxy.connectTimeout'],
    [
      { proxy: { resources: { requests: { memory: '1Gi' }, limits: { memory: '512Mi' } } } },
      'spec.proxy.resources.limits.memory',
    ],
    [{ proxy: { resources: { requests: { cpu: '1Mi' } } } }, 'spec.proxy.resources.requests.cpu'],
    [{ trustDomain: 'a..b' }, 'spec.trustDomain'],
  ])('refuses %j', (spec, field) => {
    expect(fields(spec)).toEqual([field]);
  });

  it('takes the defaults and short-lived certificates', () => {
    expect(fields({})).toEqual([]);
    expect(fields({ identity: { leafLifetime: '2m', intermediateLifetime: '1h' } })).toEqual([]);
    expect(fields({}, 'other')).toEqual(['metadata.name']);
  });
});

describe('warnings', () => {
  const pods = [{ namespace: 'shop', labels: { app: 'payment' }, proxy: {} }];
  const warn = (subject: MeshPolicy, others: MeshPolicy[] = [], here: typeof pods = pods) =>
    policyWarnings(subject, {
      others,
      pods: here,
      systemNamespace: 'weft-system',
      trustDomain: 'cluster.local',
    });
  const selector = { matchLabels: { app: 'payment' } };
  const strict = { mtls: { mode: 'Strict' } };

  it('are silent for what is in order', () => {
    const good = policy({ selector, ...strict, ...rule({ from: [{ serviceAccounts: ['cart'] }] }) });
    expect(warn(good, [good, policy(strict, { name: 'all' })])).toEqual([]);
  });

  it.each([
    [{ selector: { matchLabels: { app: 'x' } }, ...strict }, 'selects no pod'],
    [rule({}), 'allows everything'],
    [rule({ action: 'Deny' }), 'denies everything'],
    [rule({ from: [{ serviceAccounts: ['cart'], namespaces: ['other'] }] }), 'can never match'],
    [rule({ from: [{ namespaces: ['a'], notNamespaces: ['a', 'b'] }] }), 'can never match'],
    [rule({ from: [{ ipBlocks: ['10.1.1.1/8'] }] }), 'bits set beyond its prefix'],
    [rule({ from: [{ principals: ['spiffe://else/ns/a/sa/b'] }] }), 'outside the trust domain'],
    [{ authorization: { default: 'Allow', rules: [{ to: [{ methods: ['GET'] }] }] } }, 'change nothing'],
    [
      { mtls: { mode: 'Disabled' }, authorization: { rules: [{ from: [{ namespaces: ['shop'] }] }] } },
      'prove no identity',
    ],
  ])('%j gives "%s"', (spec, text) => {
    const warnings = warn(policy(spec));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(text);
  });

  it('say which policy shadows it', () => {
    const young = policy(
      { selector, ...strict },
      { name: 'young', creationTimestamp: '2026-02-02T00:00:00Z' },
    );
    const old = policy({ selector, ...strict }, { name: 'old', creationTimestamp: '2026-01-01T00:00:00Z' });
    const wide = policy(strict, { name: 'wide', creationTimestamp: '2020-01-01T00:00:00Z' });
    expect(warn(young, [old, wide])).toEqual([
      'spec.mtls has no effect: MeshPolicy shop/old is older and decides',
    ]);
    expect(warn(wide, [young])).toEqual([
      'spec.mtls has no effect: MeshPolicy shop/young is more specific and decides',
    ]);
    expect(warn(old, [young, wide])).toEqual([]);
    expect(warn(young, [{ ...old, spec: { ...old.spec, mode: 'Shadow' } }])).toEqual([]);
  });

  it('say that selected pods have no proxy', () => {
    const bare = [...pods, { namespace: 'shop', labels: { app: 'payment' } }] as typeof pods;
    expect(warn(policy({ selector, ...strict }), [], bare)[0]).toContain('1 of the 2 pods');
    expect(warn(policy(strict), [], bare)).toEqual([]);
  });

  it('say that a short name in a policy of the mesh means the system namespace', () => {
    const mesh = policy(rule({ from: [{ serviceAccounts: ['cart'] }] }), { namespace: 'weft-system' });
    expect(warn(mesh)[0]).toContain('weft-system/cart');
  });
});
