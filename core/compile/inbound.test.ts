import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { olderFirst, parseMeshPolicy, type MeshPolicy } from '../api/index.ts';
import { combine, modeOf } from './inbound.ts';

const facts = { systemNamespace: 'weft-system', trustDomain: 'cluster.local' };

/** Policies in the order of their age: the first is the oldest. */
function policies(...specs: [name: string, spec: object][]): MeshPolicy[] {
  return specs
    .map(([path, spec], index) => {
      const [namespace, name] = path.split('/') as [string, string];
      const creationTimestamp = `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`;
      const parsed = parseMeshPolicy({ metadata: { namespace, name, creationTimestamp }, spec });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      return parsed.value;
    })
    .sort(olderFirst);
}

const selector = { matchLabels: { app: 'x' } };
const mode = (mode: string, ports?: object) => ({ mtls: { mode, ...(ports ? { ports } : {}) } });
const ports = (ports: object) => ({ mtls: { ports } });
const rules = (...rules: object[]) => ({ authorization: { rules } });
const allow = { to: [{ methods: ['GET'] }] };

describe('mTLS: the most specific policy decides, of two equals the older', () => {
  it.each<[string, [string, object][], object]>([
    ['nothing said', [], { mode: 'Permissive', ports: {} }],
    [
      'the namespace before the mesh, though younger',
      [
        ['weft-system/mesh', mode('Strict')],
        ['shop/ns', mode('Disabled')],
      ],
      { mode: 'Disabled', ports: {}, policy: 'shop/ns' },
    ],
    [
      'the workload before the namespace',
      [
        ['shop/ns', mode('Strict')],
        ['shop/w', { selector, ...mode('Permissive') }],
      ],
      { mode: 'Permissive', ports: {}, policy: 'shop/w' },
    ],
    [
      'the namespace before selected workloads of the mesh',
      [
        ['weft-system/w', { selector, ...mode('Strict') }],
        ['weft-system/all', mode('Disabled')],
        ['shop/ns', mode('Permissive')],
      ],
      { mode: 'Permissive', ports: {}, policy: 'shop/ns' },
    ],
    [
      'selected workloads of the mesh before the mesh',
      [
        ['weft-system/all', mode('Disabled')],
        ['weft-system/w', { selector, ...mode('Strict') }],
      ],
      { mode: 'Strict', ports: {}, policy: 'weft-system/w' },
    ],
    [
      'the older of two equals',
      [
        ['shop/z', { selector, ...mode('Strict') }],
        ['shop/a', { selector, ...mode('Permissive') }],
      ],
      { mode: 'Strict', ports: {}, policy: 'shop/z' },
    ],
    [
      'one that says nothing of mTLS does not decide',
      [
        ['shop/ns', mode('Strict')],
        ['shop/w', { selector, ...rules(allow) }],
      ],
      { mode: 'Strict', ports: {}, policy: 'shop/ns' },
    ],
    [
      'a port of a more specific policy beside the mode of the namespace',
      [
        ['shop/ns', mode('Strict')],
        ['shop/w', { selector, ...ports({ 9000: 'Permissive' }) }],
      ],
      { mode: 'Strict', ports: { 9000: 'Permissive' }, policy: 'shop/ns' },
    ],
    [
      'a more specific mode before a port of the namespace',
      [
        ['shop/ns', ports({ 9000: 'Strict' })],
        ['shop/w', { selector, ...mode('Permissive') }],
      ],
      { mode: 'Permissive', ports: {}, policy: 'shop/w' },
    ],
    [
      'among equals a port before an older mode',
      [
        ['shop/a', mode('Strict')],
        ['shop/b', ports({ 9000: 'Permissive' })],
      ],
      { mode: 'Strict', ports: { 9000: 'Permissive' }, policy: 'shop/a' },
    ],
    [
      'a port that says the same as the mode is no exception',
      [['shop/a', mode('Strict', { 9000: 'Strict', 9001: 'Disabled' })]],
      { mode: 'Strict', ports: { 9001: 'Disabled' }, policy: 'shop/a' },
    ],
  ])('%s', (_name, specs, expected) => {
    expect(combine(policies(...specs), facts).mtls).toEqual(expected);
  });
});

describe('authorization: all add up', () => {
  it.each<[string, [string, object][], string, string[]]>([
    ['nothing said', [], 'Allow', []],
    ['an Allow rule makes Deny the default', [['shop/a', rules(allow)]], 'Deny', ['shop/a']],
    [
      'Deny and Audit rules do not',
      [['shop/a', rules({ action: 'Deny' }, { action: 'Audit' })]],
      'Allow',
      [],
    ],
    ['mTLS alone does not', [['shop/a', mode('Strict')]], 'Allow', []],
    ['an explicit Deny', [['shop/a', { authorization: { default: 'Deny' } }]], 'Deny', ['shop/a']],
    [
      'an explicit Allow before what Allow rules imply',
      [
        ['shop/a', rules(allow)],
        ['shop/b', { authorization: { default: 'Allow' } }],
      ],
      'Allow',
      ['shop/b'],
    ],
    [
      'an explicit Deny before an explicit Allow',
      [
        ['shop/a', { authorization: { default: 'Allow' } }],
        ['shop/b', { authorization: { default: 'Deny' } }],
        ['shop/c', { authorization: { default: 'Deny', rules: [allow] } }],
      ],
      'Deny',
      ['shop/b', 'shop/c'],
    ],
  ])('%s', (...row) => {
    const [, specs, verdict, deciders] = row;
    const { authorization } = combine(policies(...specs), facts);
    expect([authorization.default, authorization.policies]).toEqual([verdict, deciders]);
  });

  it('rules keep their order and say where they come from', () => {
    const { authorization } = combine(
      policies(['shop/b', rules({ name: 'one' }, {})], ['shop/a', rules({ action: 'Audit' })]),
      facts,
    );
    expect(authorization.rules).toEqual([
      { policy: 'shop/b', name: 'one', action: 'Allow' },
      { policy: 'shop/b', name: '#1', action: 'Allow' },
      { policy: 'shop/a', name: '#0', action: 'Audit' },
    ]);
  });
});

describe('identities of rules', () => {
  const compiled = (rule: object) => combine(policies(['shop/a', rules(rule)]), facts).authorization;
  const id = (path: string) => `spiffe://cluster.local/ns/${path.replace('/', '/sa/')}`;

  it('ServiceAccounts become SPIFFE ids; a short name is in the namespace of the policy', () => {
    const [rule] = compiled({
      from: [{ serviceAccounts: ['cart', 'other/web'], namespaces: ['shop'] }],
    }).rules;
    expect(rule?.from).toEqual([{ principals: [id('shop/cart'), id('other/web')], namespaces: ['shop'] }]);
  });

  it('ServiceAccounts and principals must both hold', () => {
    const [rule] = compiled({
      from: [{ serviceAccounts: ['cart', 'web'], principals: ['*/sa/cart', 'spiffe://x/*'] }],
    }).rules;
    expect(rule?.from).toEqual([{ principals: [id('shop/cart')] }]);
  });

  it('neither may hold of the excluded ones', () => {
    const [rule] = compiled({ from: [{ notServiceAccounts: ['cart'], notPrincipals: ['*/sa/web'] }] }).rules;
    expect(rule?.from).toEqual([{ notPrincipals: [id('shop/cart'), '*/sa/web'] }]);
  });

  it('a source that can never match does not become one that always does', () => {
    const impossible = { serviceAccounts: ['cart'], principals: ['*/sa/web'] };
    const { rules: left, default: verdict } = compiled({ from: [impossible] });
    expect(left).toEqual([]);
    expect(verdict).toBe('Deny');
    expect(compiled({ from: [impossible, { namespaces: ['a'] }] }).rules[0]?.from).toEqual([
      { namespaces: ['a'] },
    ]);
  });
});

describe('in general', () => {
  const arbitraryMode = fc.constantFrom('Strict', 'Permissive', 'Disabled');
  const arbitrarySpec = fc.record({
    own: fc.boolean(),
    selected: fc.boolean(),
    mtls: fc.option(
      fc.record({ mode: arbitraryMode, ports: fc.dictionary(fc.constantFrom('80', '9000'), arbitraryMode) }),
      { nil: undefined },
    ),
    default: fc.option(fc.constantFrom('Allow', 'Deny'), { nil: undefined }),
    actions: fc.array(fc.constantFrom('Allow', 'Deny', 'Audit'), { maxLength: 3 }),
  });
  const arbitrary = fc.array(arbitrarySpec, { maxLength: 6 }).map((specs) =>
    policies(
      ...specs.map(({ own, selected, mtls, default: verdict, actions }, index): [string, object] => [
        `${own ? 'shop' : 'weft-system'}/p${index}`,
        {
          ...(selected ? { selector } : {}),
          ...(mtls ? { mtls } : {}),
          authorization: {
            ...(verdict ? { default: verdict } : {}),
            rules: actions.map((action) => ({ action })),
          },
        },
      ]),
    ),
  );
  const deny = policies(['shop/zzz', { authorization: { default: 'Deny' } }]);

  it('one more policy that denies by default never opens anything', () => {
    fc.assert(
      fc.property(arbitrary, (some) => {
        expect(combine([...some, ...deny], facts).authorization.default).toBe('Deny');
        expect(combine([...some, ...deny], facts).authorization.rules).toEqual(
          combine(some, facts).authorization.rules,
        );
      }),
    );
  });

  it('each port has the mode of the policy that a plain search by rank and age finds', () => {
    const rank = ({ metadata, spec }: MeshPolicy) =>
      (metadata.namespace === 'shop' ? 2 : 0) + (spec.selector ? 1 : 0);
    const search = (some: MeshPolicy[], port: string) => {
      for (const level of [3, 2, 1, 0]) {
        const equals = some.filter((each) => rank(each) === level && each.spec.mtls);
        const exact = equals.find(({ spec }) => spec.mtls?.ports?.[port]);
        const general = equals.find(({ spec }) => spec.mtls?.mode);
        const found = exact?.spec.mtls?.ports?.[port] ?? general?.spec.mtls?.mode;
        if (found) return found;
      }
      return 'Permissive';
    };
    fc.assert(
      fc.property(arbitrary, (some) => {
        const inbound = combine(some, facts);
        expect(['80', '9000', '1'].map((port) => modeOf(inbound, Number(port)))).toEqual(
          ['80', '9000', '1'].map((port) => search(some, port)),
        );
      }),
    );
  });
});
