import { isIP, isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBlock } from '../evaluate/addresses.ts';
import {
  addressBytes,
  hasHostBits,
  hostProblem,
  methodProblem,
  parseCidr,
  pathProblem,
  patternProblem,
  principalProblem,
  quantity,
} from './index.ts';

describe('addresses', () => {
  it('are read exactly where the platform reads them', () => {
    const nearly = fc.stringMatching(/^[0-9a-f:.]{1,24}$/);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly), (text) => {
        expect(addressBytes(text) !== undefined).toBe(isIP(text) !== 0);
      }),
    );
  });

  it('have 4 or 16 bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        expect(addressBytes(text)).toHaveLength(isIPv6(text) ? 16 : 4);
      }),
    );
  });

  it.each([
    ['10.0.0.0/8', [10, 0, 0, 0], 8],
    ['10.1.2.3', [10, 1, 2, 3], 32],
    ['::ffff:10.0.0.1/128', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1], 128],
    ['fd00::/8', [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8],
  ])('%s is a CIDR', (text, bytes, bits) => {
    expect(parseCidr(text)).toEqual({ bytes, bits });
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    '::/129',
    '10.0.0.01',
    'fe80::1%eth0',
    '/8',
    '10.0.0.0/8/8',
  ])('%s is no CIDR', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('and CIDRs are taken here exactly where a proxy can judge by them', () => {
    const suffix = fc.oneof(
      fc.constant(''),
      fc.integer({ min: -1, max: 130 }).map((bits) => `/${bits}`),
    );
    const nearly = fc.stringMatching(/^[0-9a-f:.]{1,24}$/);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly), suffix, (address, bits) => {
        const text = `${address}${bits}`;
        expect([text, parseCidr(text) !== undefined]).toEqual([text, parseBlock(text) !== undefined]);
      }),
      { numRuns: 1000 },
    );
  });

  it('know bits beyond the prefix', () => {
    expect(hasHostBits('10.0.0.0/8')).toBe(false);
    expect(hasHostBits('10.1.0.0/8')).toBe(true);
    expect(hasHostBits('10.128.0.0/9')).toBe(false);
    expect(hasHostBits('10.1.2.3')).toBe(false);
  });
});

describe('patterns', () => {
  it.each([
    [patternProblem, ['a', 'a*', '*a', '*'], ['a*b', '**', '*a*']],
    [
      principalProblem,
      ['spiffe://cluster.local/ns/shop/sa/cart', 'spiffe://cluster.local/ns/shop/*', '*/sa/cart', '*'],
      [
        'cluster.local/ns/shop/sa/cart',
        'spiffe://cluster.local',
        'spiffe://X/ns/a/sa/b',
        'spiffe://a/ns//sa/b',
        'a b',
      ],
    ],
    [methodProblem, ['GET', 'M-SEARCH'], ['get', 'G*', '*', 'GET ']],
    [pathProblem, ['/', '/a/*', '*.png', '*'], ['a', '/a?b', '/a#b', '/a b', '/a*b', '/a\u0000']],
    [
      hostProblem,
      ['catalog', 'catalog.shop', '*.example.com', 'a.*', '[::1]', '::1'],
      ['catalog:80', 'http://catalog', 'catalog/x', '*.a.*', '[::1]:80', 'a b'],
    ],
  ] as const)('%o takes the good and names the bad', (check, good, bad) => {
    expect(good.map((text) => check(text))).toEqual(good.map(() => undefined));
    expect(bad.filter((text) => check(text) === undefined)).toEqual([]);
  });
});

describe('quantities', () => {
  it.each([
    ['100m', 0.1],
    ['2', 2],
    ['64Mi', 67108864],
    ['1.5Gi', 1610612736],
    ['5k', 5000],
  ])('%s is %d', (text, value) => {
    expect(quantity(text)).toBeCloseTo(value);
  });

  it('refuse what is none', () => {
    expect(quantity('64 Mi')).toBeUndefined();
    expect(quantity('-1')).toBeUndefined();
  });
});
