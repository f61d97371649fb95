import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inBlock, parseAddress, parseBlock } from './addresses.ts';

const holds = (block: string, address: string) => inBlock(parseBlock(block)!, parseAddress(address)!);

describe('address blocks', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:0a01:0203', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:11.0.0.0/104', '10.1.2.3', false],
    ['::ffff:a00:0/104', '10.1.2.3', true],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/31', '192.0.2.1', true],
    ['192.0.2.0/31', '192.0.2.2', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['255.255.255.255/32', '255.255.255.255', true],
  ])('%s holds %s: %s', (block, address, expected) => {
    expect(holds(block, address)).toBe(expected);
  });

  it.each(['', '10.0.0', '10.0.0.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/'])(
    'refuses %s',
    (text) => expect(parseBlock(text)).toBeUndefined(),
  );

  it.each([
    '::1::',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1/129',
    'fe80::%1/64',
    ':1',
  ])('refuses %s', (text) => expect(parseBlock(text)).toBeUndefined());

  it('hold exactly the addresses that share their leading bits', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), (a, b, bits) => {
        const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
        const same = BigInt(a) >> BigInt(32 - bits) === BigInt(b) >> BigInt(32 - bits);
        expect(holds(`${text(a)}/${bits}`, text(b))).toBe(same);
        expect(holds(`${text(a)}/${bits}`, `::ffff:${text(b)}`)).toBe(same);
      }),
    );
  });

  it('read any text without failing', () => {
    const text = fc.oneof(fc.ipV6(), fc.ipV4());
    fc.assert(
      fc.property(text, (text) => {
        expect(parseAddress(text)).toBeDefined();
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseBlock(text)).not.toThrow();
      }),
    );
  });
});
