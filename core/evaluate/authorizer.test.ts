import { describe, expect, it } from 'vitest';
import type { Operation, Source } from '../proxyConfig/index.ts';
import { compileAuthorizer, PolicyInvalid, type RequestFacts } from './index.ts';
import { action, authorizer, CART, inbound, request, section } from './testing/policies.ts';

describe('combination', () => {
  it('lets Deny beat Allow beat the default, and names who decided', () => {
    const allow = { name: 'cart', from: [{ principals: [CART] }] };
    const deny = { name: 'no', action: 'Deny' as const, to: [{ paths: ['/admin*'] }] };
    const both = authorizer([allow, deny]);
    expect(both.request(request())).toEqual({ action: 'Allow', policy: 'shop/payment', rule: 'cart' });
    expect(both.request(request({ path: '/admin' }))).toMatchObject({ action: 'Deny', rule: 'no' });
    expect(both.request(request({ principal: undefined }))).toMatchObject({
      action: 'Deny',
      rule: 'default',
    });
    expect(action([], {}, 'Allow')).toBe('Allow');
  });

  it('reports Audit rules without deciding by them', () => {
    const audited = authorizer([{ action: 'Audit', name: 'watch' }, {}]).request(request());
    expect(audited).toMatchObject({ action: 'Allow', rule: '#1', audited: ['shop/payment/watch'] });
    expect(authorizer([{ action: 'Audit', name: 'watch' }]).request(request()).action).toBe('Deny');
  });

  it('judges Shadow policies beside, and never by them', () => {
    const denying = inbound([{ action: 'Deny' }], 'Allow');
    denying.mtls = { mode: 'Strict', ports: { '9000': 'Disabled', '9001': 'Permissive' } };
    const { request: judge, mode } = compileAuthorizer(section(inbound([], 'Allow'), denying));
    expect(judge(request())).toMatchObject({ action: 'Allow', shadow: 'Deny' });
    expect(mode(80)).toEqual({ mode: 'Permissive', shadow: 'Strict', policy: '' });
    expect(mode(9000)).toEqual({ mode: 'Permissive', shadow: 'Disabled', policy: '' });
    expect(mode(9001)).toEqual({ mode: 'Permissive', policy: '' });
    const same = compileAuthorizer(section(inbound([{}]), inbound([{}])));
    expect(same.request(request())).not.toHaveProperty('shadow');
  });

  it('gives the same verdict object each time: judging allocates none', () => {
    const { request: judge } = authorizer([{ from: [{ principals: [CART] }], to: [{ paths: ['/charge'] }] }]);
    expect(judge(request())).toBe(judge(request()));
  });
});

describe('conditions', () => {
  it.each<[string, Source, Partial<RequestFacts>, boolean]>([
    ['principal', { principals: [CART] }, {}, true],
    ['other principal', { principals: [`${CART}2`] }, {}, false],
    ['principal prefix', { principals: ['spiffe://cluster.local/ns/shop/*'] }, {}, true],
    ['principal suffix', { principals: ['*/sa/cart'] }, {}, true],
    ['any principal', { principals: ['*'] }, {}, true],
    ['any principal of none', { principals: ['*'] }, { principal: undefined }, false],
    ['not this principal', { notPrincipals: [CART] }, {}, false],
    ['not that principal', { notPrincipals: ['*/sa/web'] }, {}, true],
    ['namespace', { namespaces: ['shop'] }, {}, true],
    ['namespace prefix', { namespaces: ['sh*'] }, {}, true],
    ['other namespace', { namespaces: ['sho'] }, {}, false],
    ['namespace of an odd identity', { namespaces: ['*'] }, { principal: 'spiffe://x/ns/shop' }, false],
    ['block', { ipBlocks: ['10.0.0.0/24'] }, {}, true],
    ['mapped address', { ipBlocks: ['10.0.0.0/24'] }, { remoteAddress: '::ffff:10.0.0.9' }, true],
    ['not block', { notIpBlocks: ['10.0.0.0/24'] }, {}, false],
    ['all fields must hold', { principals: [CART], ipBlocks: ['10.1.0.0/24'] }, {}, false],
  ])('source by %s', (_what, ...[source, facts, matches]) => {
    expect(action([{ from: [source] }], facts)).toBe(matches ? 'Allow' : 'Deny');
  });

  it.each<[string, Operation, Partial<RequestFacts>, boolean]>([
    ['method', { methods: ['GET', 'POST'] }, {}, true],
    ['other method', { methods: ['GET'] }, {}, false],
    ['method of other case', { methods: ['POST'] }, { method: 'post' }, false],
    ['not method of other case', { notMethods: ['POST'] }, { method: 'post' }, false],
    ['path', { paths: ['/charge'] }, { path: '/charge?card=1' }, true],
    ['path of other case', { paths: ['/charge'] }, { path: '/Charge' }, false],
    ['path prefix', { paths: ['/charge/*'] }, { path: '/charge/1' }, true],
    ['folder itself', { paths: ['/charge/*'] }, { path: '/charge/' }, true],
    ['path not in the prefix', { paths: ['/charge/*'] }, { path: '/charge' }, false],
    ['path suffix', { paths: ['*.css'] }, { path: '/a/b.css' }, true],
    ['not path', { notPaths: ['/admin*'] }, {}, true],
    ['an excluded path', { notPaths: ['/admin*'] }, { path: '/x/%2e%2e/admin' }, false],
    ['escaped space', { paths: ['/a b'] }, { path: '/a%20b' }, false],
    ['escaped letter', { paths: ['/caf%C3%A9'] }, { path: '/caf%c3%a9' }, true],
    ['host without port', { hosts: ['payment'] }, {}, true],
    ['host without case', { hosts: ['Payment.shop'] }, { host: 'PAYMENT.Shop.:80' }, true],
    ['IPv6 host', { hosts: ['[::1]'] }, { host: '[::1]:80' }, true],
    ['bare IPv6 host', { hosts: ['[::1]'] }, { host: '[::1]' }, true],
    ['host suffix', { hosts: ['*.shop'] }, { host: 'payment.shop' }, true],
    ['no host', { hosts: ['*'] }, { host: '' }, false],
    ['two hosts', { hosts: ['payment'] }, { path: 'http://other/charge' }, false],
    ['port', { ports: [8080] }, {}, true],
    ['not port', { notPorts: [8080] }, {}, false],
    ['all fields must hold', { ports: [8080], methods: ['GET'] }, {}, false],
  ])('operation by %s', (_what, ...[operation, facts, matches]) => {
    expect(action([{ to: [operation] }], facts)).toBe(matches ? 'Allow' : 'Deny');
  });

  it.each([
    ['/charge/../admin', '/admin*'],
    ['/admin/', '/admin'],
    ['/%61dmin', '/admin'],
    ['http://payment/x/..;/admin', '/admin'],
    ['/public;a/%252e%252e;b%5c.//admin%2f%2fx%2e%00', '/never'],
  ])('a Deny covers %s', (path, pattern) => {
    expect(action([{ action: 'Deny', to: [{ paths: [pattern] }] }], { path }, 'Allow')).toBe('Deny');
  });

  it.each([
    ['/ADMIN', '/admin'],
    ['/Admin/keys', '/admin/*'],
    ['/admin', '/Admin'],
    ['/x/..;/%41dmin', '/admin'],
    ['/a/B.PHP', '*.php'],
    ['/CAF%c3%a9', '/caf%C3%A9'],
  ])('a Deny is not passed by letter case: %s of %s', (path, pattern) => {
    const to = [{ paths: [pattern] }];
    expect(action([{ action: 'Deny', to }], { path }, 'Allow')).toBe('Deny');
    expect(authorizer([{ action: 'Audit', to }]).request(request({ path })).audited).toHaveLength(1);
  });

  it('an exception from a Deny is exact in letter case', () => {
    const denied = (path: string) =>
      action([{ action: 'Deny', to: [{ notPaths: ['/public'] }] }], { path }, 'Allow');
    expect(denied('/public')).toBe('Allow');
    expect(denied('/PUBLIC')).toBe('Deny');
  });

  it('a Deny covers what an Allow of the same words does not', () => {
    const deny = (to: Operation, facts: Partial<RequestFacts>) =>
      action([{ action: 'Deny', to: [to] }], facts, 'Allow');
    expect(deny({ methods: ['POST'] }, { method: 'post' })).toBe('Deny');
    expect(deny({ hosts: ['admin'] }, { path: 'http://admin/x' })).toBe('Deny');
    expect(deny({ notPaths: ['/public*'] }, { path: '/public/%2e%2e/x' })).toBe('Deny');
  });

  it('without identity: negated conditions hold in a Deny only', () => {
    const plain = { principal: undefined };
    for (const source of [{ notPrincipals: [CART] }, { notNamespaces: ['shop'] }]) {
      expect(action([{ from: [source] }], plain)).toBe('Deny');
      expect(action([{ action: 'Deny', from: [source] }], plain, 'Allow')).toBe('Deny');
    }
    expect(
      action([{ action: 'Deny', from: [{ notIpBlocks: ['10.0.0.0/8'] }] }], { remoteAddress: '' }, 'Allow'),
    ).toBe('Deny');
  });

  it('on a connection: HTTP conditions hold in a Deny only', () => {
    for (const to of [{ methods: ['GET'] }, { paths: ['/x'] }, { notHosts: ['y'] }]) {
      expect(authorizer([{ to: [to] }]).connection(request()).action).toBe('Deny');
      const denied = authorizer([{ action: 'Deny', to: [{ ...to, ports: [8080] }] }], 'Allow');
      expect(denied.connectionOnly).toBe(false);
      expect(denied.connection(request()).action).toBe('Deny');
      expect(denied.connection(request({ port: 1 })).action).toBe('Allow');
    }
    expect(authorizer([{ to: [{ ports: [1] }] }]).connectionOnly).toBe(true);
  });

  it('refuses a block that is none, naming its field', () => {
    const broken = () => authorizer([{}, { from: [{}, { notIpBlocks: ['10.0.0.0/8', '10.0.0.0/99'] }] }]);
    expect(broken).toThrow(PolicyInvalid);
    expect(broken).toThrow(
      expect.objectContaining({ field: 'inbound.authorization.rules[1].from[1].notIpBlocks[1]' }),
    );
  });
});
