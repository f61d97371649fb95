import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClientHello } from './clientHello.ts';
import { clientHello, inRecords } from './testing/clientHello.ts';

const sized = (bytes: number, content: Buffer): Buffer => {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
};

/** A ClientHello with these extensions, in one record. */
function helloWith(...extensions: [type: number, content: Buffer][]): Buffer {
  const list = extensions.map(([type, content]) =>
    Buffer.concat([Buffer.from([0, type]), sized(2, content)]),
  );
  const fields = [
    Buffer.alloc(34, 3),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([19, 1])),
    sized(1, Buffer.from([0])),
  ];
  const body = Buffer.concat([...fields, sized(2, Buffer.concat(list))]);
  const message = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), sized(2, message)]);
}

const hostEntry = (name: string | Buffer, type = 0) =>
  Buffer.concat([Buffer.from([type]), sized(2, Buffer.from(name))]);
const serverName = (name: string | Buffer): [number, Buffer] => [0, sized(2, hostEntry(name))];
const alpn = (...names: string[]): [number, Buffer] => [
  16,
  sized(2, Buffer.concat(names.map((name) => sized(1, Buffer.from(name))))),
];
const nothing = { serverName: undefined, protocols: [] };

describe('the ClientHello of a real client', () => {
  it('tells the host that it asks for, in lower case, and the protocols that it offers', async () => {
    const hello = await clientHello(['h2', 'http/1.1'], 'Cart.Shop.example');
    const expected = { serverName: 'cart.shop.example', protocols: ['h2', 'http/1.1'] };
    expect(readClientHello(hello)).toEqual(expected);
    expect(readClientHello(inRecords(hello, 500))).toEqual(expected);
  });

  it('need not name a host, nor offer anything', async () => {
    expect(readClientHello(await clientHello([]))).toEqual(nothing);
  });

  it('is known only when all of it is there, and changed by nothing that comes after', async () => {
    const hello = await clientHello(['h2'], 'cart.shop');
    const after = Buffer.concat([hello, Buffer.from('\x16\x03\x01\0\0')]);
    for (let length = 0; length < hello.length; length++)
      expect(readClientHello(hello.subarray(0, length))).toBe('more');
    expect(readClientHello(after)).toEqual(readClientHello(hello));
  });
});

describe('the host of a ClientHello', () => {
  const hostOf = (...extensions: [number, Buffer][]) => {
    const read = readClientHello(helloWith(...extensions));
    return typeof read === 'object' ? read.serverName : read;
  };

  it.each([
    'a',
    'a.b',
    'a-1.example',
    '_x._tcp.example',
    '1.example',
    'a'.repeat(63),
    'xn--bcher-kva.example',
  ])('%s is one', (name) => {
    expect(hostOf(serverName(name))).toBe(name);
    expect(hostOf(serverName(name.toUpperCase()))).toBe(name);
  });

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a.example',
    'a-.example',
    'a b',
    'a/b',
    'a:443',
    '*.example',
    'bücher.example',
    'a\0.example',
    'a\r\nb',
    '10.0.0.1',
    '::1',
    'a'.repeat(64),
    `${'a.'.repeat(126)}ab`,
  ])('%j is none', (name) => {
    expect(hostOf(serverName(name))).toBeUndefined();
  });

  it.each<[string, [number, Buffer][]]>([
    ['of another type', [[0, sized(2, hostEntry('a.example', 1))]]],
    ['one of two', [[0, sized(2, Buffer.concat([hostEntry('a.example'), hostEntry('b.example')]))]]],
    ['said twice', [serverName('a.example'), serverName('b.example')]],
    ['cut off', [[0, sized(2, hostEntry('a.example')).subarray(0, 9)]]],
    ['empty', [[0, Buffer.alloc(0)]]],
    [
      'beside a length that is wrong',
      [[0, Buffer.concat([sized(2, hostEntry('a.example')), Buffer.from('x')])]],
    ],
  ])('is none where it is %s', (_name, extensions) => {
    expect(hostOf(...extensions)).toBeUndefined();
  });

  it('is read whatever else is offered', () => {
    expect(
      readClientHello(helloWith([43, Buffer.from([2, 3, 4])], alpn('h2'), serverName('a.example'))),
    ).toEqual({
      serverName: 'a.example',
      protocols: ['h2'],
    });
  });
});

describe('a ClientHello with something wrong', () => {
  const exceeding = helloWith(alpn('weft/1'), [0, Buffer.alloc(3)]);
  exceeding.fill(255, exceeding.length - 5, exceeding.length - 3);

  it.each<[string, Buffer]>([
    ['an extension twice', helloWith(alpn('weft/1'), alpn('weft/1'))],
    ['an extension that exceeds it', exceeding],
    ['a protocol without a name', helloWith(alpn('weft/1', ''))],
  ])('says nothing: %s', (_name, hello) => {
    expect(readClientHello(hello)).toEqual(nothing);
  });

  it('never makes an error, nor a host that is none', () => {
    const good = helloWith(serverName('cart.shop.example'), alpn('h2', 'weft/1'));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const read = readClientHello(bytes);
        if (typeof read === 'string') return;
        expect(read.serverName ?? 'none').toMatch(/^[a-z0-9_.-]{1,253}$/);
        for (const protocol of read.protocols) expect(protocol.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});
