import { describe, expect, it } from 'vitest';
import {
  bundleOutdated,
  chain,
  isUnusable,
  mustIssue,
  type CertificateFacts,
  type PolicyInput,
} from './policy.ts';

const now = new Date('2026-11-21T12:00:00Z');
const minutes = (count: number): Date => new Date(now.getTime() + count * 60_000);

const fresh: CertificateFacts = {
  names: ['spiffe://cluster.local/ns/shop/sa/cart'],
  root: 'aa',
  notAfter: minutes(60),
  renewAt: minutes(30),
  bundle: 'b1',
  issuerNotAfter: minutes(600),
};

const input = (change: Partial<CertificateFacts> = {}, rest: Partial<PolicyInput> = {}): PolicyInput => ({
  inPlace: { state: 'Present', facts: { ...fresh, ...change } },
  wanted: {
    names: ['spiffe://cluster.local/ns/shop/sa/cart'],
    roots: ['aa', 'cc'],
    bundle: 'b1',
    lifetimeMs: 3_600_000,
  },
  now,
  ...rest,
});

describe('mustIssue', () => {
  it.each<[string, PolicyInput, string | undefined]>([
    ['a fresh certificate', input(), undefined],
    ['one under another root of the bundle', input({ root: 'cc' }), undefined],
    [
      'one whose issuer is not known',
      (({ issuerNotAfter: _end, ...facts }) => input(facts))(fresh),
      undefined,
    ],
    ['one that ends with its issuer', input({ issuerNotAfter: minutes(60) }), undefined],
    ['a moment before renewal', input({ renewAt: new Date(now.getTime() + 1) }), undefined],
    ['the moment of renewal', input({ renewAt: now }), 'RenewalDue'],
    ['long after renewal', input({ renewAt: minutes(-20) }), 'RenewalDue'],
    ['the moment of its end', input({ notAfter: now }), 'Expired'],
    ['expired and due', input({ notAfter: minutes(-1), renewAt: minutes(-30) }), 'Expired'],
    ['nothing there', input({}, { inPlace: { state: 'Missing' } }), 'Missing'],
    ['damage', input({}, { inPlace: { state: 'Unparsable', message: 'no PEM' } }), 'Unparsable'],
    ['another name', input({ names: ['spiffe://cluster.local/ns/shop/sa/web'] }), 'WrongIdentity'],
    ['a further name', input({ names: [...fresh.names, 'x'] }), 'WrongIdentity'],
    ['no name', input({ names: [] }), 'WrongIdentity'],
    ['a root that is not in the bundle', input({ root: 'bb' }), 'WrongIssuer'],
    ['an issuer that ends before it', input({ issuerNotAfter: minutes(59) }), 'OutlivesIssuer'],
    ['a lifetime that was shortened since', input({ notAfter: minutes(61) }), 'LivesTooLong'],
    ['another bundle beside it', input({ bundle: 'b0' }), undefined],
  ])('%s: %s', (_what, given, reason) => {
    expect(mustIssue(given)?.reason).toBe(reason);
  });

  it('says what is wrong in words', () => {
    expect(mustIssue(input({ names: ['x'] }))?.message).toBe(
      'it names x, where spiffe://cluster.local/ns/shop/sa/cart belongs',
    );
    expect(mustIssue(input({ notAfter: minutes(-1) }))?.message).toContain('2026-11-21T11:59:00.000Z');
  });
});

describe('bundleOutdated', () => {
  it('looks at the bundle alone', () => {
    expect(bundleOutdated(input({ bundle: 'b0' }))?.reason).toBe('BundleOutdated');
    expect(bundleOutdated(input({ notAfter: minutes(-1) }))).toBeUndefined();
    expect(bundleOutdated(input({}, { inPlace: { state: 'Missing' } }))).toBeUndefined();
  });
});

describe('isUnusable', () => {
  it.each([
    ['Missing', true],
    ['Expired', true],
    ['WrongIssuer', true],
    ['RenewalDue', false],
    ['LivesTooLong', false],
  ] as const)('%s: %s', (reason, answer) => {
    expect(isUnusable({ reason, message: '' })).toBe(answer);
  });
});

describe('chain', () => {
  it('lets the first finding decide and asks no further', () => {
    const asked: string[] = [];
    const policy = (name: string, found: boolean) => () => {
      asked.push(name);
      return found ? { reason: 'Missing' as const, message: name } : undefined;
    };
    expect(chain(policy('a', false), policy('b', true), policy('c', true))(input())?.message).toBe('b');
    expect(asked).toEqual(['a', 'b']);
    expect(chain()(input())).toBeUndefined();
  });
});
