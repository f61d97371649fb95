import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../proxyConfig/index.ts';
import { action, authorizer, CART, request, type Default } from './testing/policies.ts';

describe('properties', () => {
  const some = <T>(values: readonly T[]) =>
    fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined });
  const principals = [
    CART,
    'spiffe://cluster.local/ns/shop/sa/web',
    'spiffe://cluster.local/ns/*',
    '*',
  ] as const;
  const paths = ['/charge', '/charge/*', '*.css', '/admin*', '*'] as const;
  const clean = <T extends object>(value: T) =>
    Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
  const source = fc
    .record({
      principals: some(principals),
      notPrincipals: some(principals),
      namespaces: some(['shop', 'b*']),
    })
    .map(clean);
  const operation = fc
    .record({
      methods: some(['GET', 'POST']),
      paths: some(paths),
      notPaths: some(paths),
      ports: some([80, 8080]),
    })
    .map(clean);
  const rule = fc
    .record({
      action: fc.constantFrom('Allow', 'Deny', 'Audit'),
      from: fc.option(fc.array(source, { minLength: 1, maxLength: 2 }), { nil: undefined }),
      to: fc.option(fc.array(operation, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    })
    .map((value) => clean(value) as Partial<Rule>);
  const rules = fc.array(rule, { maxLength: 5 });
  const facts = fc.record({
    principal: fc.constantFrom(undefined, CART, 'spiffe://cluster.local/ns/bank/sa/x'),
    method: fc.constantFrom('GET', 'POST', 'post'),
    path: fc.constantFrom(
      '/charge',
      '/charge/../admin',
      '/a.css',
      '/charge/',
      '//admin',
      '/x?y',
      '/%2e./charge',
    ),
    port: fc.constantFrom(80, 8080),
  });
  const otherwise = fc.constantFrom<Default>('Allow', 'Deny');

  const rank = { Deny: 0, Allow: 1 };

  it('adding a Deny never allows more', () => {
    fc.assert(
      fc.property(fc.tuple(rules, rule), facts, otherwise, ([rules, added], facts, otherwise) => {
        const more = [...rules, { ...added, action: 'Deny' as const }];
        const before = rank[action(rules, facts, otherwise)];
        expect(rank[action(more, facts, otherwise)]).toBeLessThanOrEqual(before);
      }),
    );
  });

  it('removing an Allow never allows more', () => {
    fc.assert(
      fc.property(rules, facts, otherwise, (rules, facts, otherwise) => {
        const fewer = rules.filter(({ action }) => action !== 'Allow');
        const before = rank[action(rules, facts, otherwise)];
        expect(rank[action(fewer, facts, otherwise)]).toBeLessThanOrEqual(before);
      }),
    );
  });

  it('a caller without identity never passes a rule with a condition on identity', () => {
    fc.assert(
      fc.property(rules, facts, (rules, facts) => {
        const identified = rules.map((rule) => ({
          ...rule,
          from: (rule.from ?? [{}]).map((source) => ({ principals: ['*'], ...source })),
        }));
        expect(action(identified, { ...facts, principal: undefined })).toBe('Deny');
      }),
    );
  });

  it('no Deny that hits a request lets its connection pass', () => {
    fc.assert(
      fc.property(rules, facts, (rules, facts) => {
        const judge = authorizer(
          rules.filter(({ action }) => action === 'Deny'),
          'Allow',
        );
        const requestRank = rank[judge.request(request(facts)).action];
        expect(rank[judge.connection(request(facts)).action]).toBeLessThanOrEqual(requestRank);
      }),
    );
  });

  it('a prefix matches exactly what starts with it', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^\/[a-z]{0,3}$/),
        fc.stringMatching(/^\/[a-z]{0,5}$/),
        (prefix, path) => {
          const verdict = action([{ to: [{ paths: [`${prefix}*`] }] }], { path });
          expect(verdict === 'Allow').toBe(path.startsWith(prefix));
        },
      ),
    );
  });

  it('an Allow never opens what its words do not cover, in any spelling', () => {
    const spell = (path: string) =>
      fc
        .array(fc.constantFrom('/', '%2f', '\\', '/./', '//', ';a/', '/x/../'), {
          minLength: 2,
          maxLength: 2,
        })
        .map(([a, b]) => path.replace('/', a!).replace('/', b!));
    fc.assert(
      fc.property(spell('/admin/keys'), (path) => {
        expect(action([{ to: [{ paths: ['/public/*', '/x/*'] }] }], { path: `/${path}` })).toBe('Deny');
        expect(
          action([{ action: 'Deny', to: [{ paths: ['/admin/*'] }] }], { path: `/${path}` }, 'Allow'),
        ).toBe('Deny');
      }),
    );
  });
});
