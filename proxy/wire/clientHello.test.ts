import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bound } from './bounds.ts';
import { bytesToAskAgain, readClientHello, startsAsRecord } from './clientHello.ts';
import { clientHello, inRecords } from './testing/clientHello.ts';

const sized = (bytes: number, content: Buffer): Buffer => {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
};

const record = (message: Buffer): Buffer => Buffer.concat([Buffer.from([0x16, 3, 1]), sized(2, message)]);

/** The fields of a ClientHello, in their order: each may be something else. */
const fields = {
  versionAndRandom: Buffer.alloc(34, 3),
  sessionId: sized(1, Buffer.alloc(32)),
  cipherSuites: sized(2, Buffer.from([19, 1])),
  compressions: sized(1, Buffer.from([0])),
  extensions: sized(2, Buffer.alloc(0)),
};
const messageOf = (change: Partial<typeof fields>): Buffer =>
  Buffer.concat([Buffer.from([1]), sized(3, Buffer.concat(Object.values({ ...fields, ...change })))]);

/** A ClientHello with these extensions, in one record. */
function helloWith(...extensions: [type: number, content: Buffer][]): Buffer {
  const list = extensions.map(([type, content]) =>
    Buffer.concat([Buffer.from([0, type]), sized(2, content)]),
  );
  return record(messageOf({ extensions: sized(2, Buffer.concat(list)) }));
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
    const split = inRecords(hello, 500);
    const expected = { serverName: 'cart.shop.example', protocols: ['h2', 'http/1.1'] };
    expect(readClientHello(hello)).toEqual({ ...expected, length: hello.length });
    expect(readClientHello(split)).toEqual({ ...expected, length: split.length });
  });

  it('need not name a host, nor offer anything', async () => {
    expect(readClientHello(await clientHello([]))).toMatchObject(nothing);
  });

  it('need not have extensions where it is older than TLS 1.3', () => {
    const hello = record(messageOf({ extensions: Buffer.alloc(0) }));
    expect(readClientHello(hello)).toEqual({ ...nothing, length: hello.length });
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
    ).toMatchObject({
      serverName: 'a.example',
      protocols: ['h2'],
    });
  });
});

describe('a ClientHello with something wrong', () => {
  const exceeding = helloWith(alpn('weft/1'), [0, Buffer.alloc(3)]);
  exceeding.fill(255, exceeding.length - 5, exceeding.length - 3);

  const message = messageOf({});
  const ciphers = Buffer.from([19, 1]);

  it.each<[string, Buffer]>([
    ['nothing in it', record(Buffer.from([1, 0, 0, 0]))],
    ['a byte in it', record(Buffer.from([1, 0, 0, 1, 0]))],
    ['another version', record(messageOf({ versionAndRandom: Buffer.alloc(34, 2) }))],
    ['a session id that is too long', record(messageOf({ sessionId: sized(1, Buffer.alloc(33)) }))],
    ['no cipher suites', record(messageOf({ cipherSuites: sized(2, Buffer.alloc(0)) }))],
    ['half a cipher suite', record(messageOf({ cipherSuites: sized(2, Buffer.alloc(3)) }))],
    ['no compression', record(messageOf({ compressions: sized(1, Buffer.alloc(0)) }))],
    ['a field that exceeds it', record(messageOf({ compressions: Buffer.from([9, 0]) }))],
    ['extensions without their length', record(messageOf({ extensions: Buffer.alloc(1) }))],
    ['extensions that end before it', record(messageOf({ extensions: Buffer.alloc(3) }))],
    ['extensions that exceed it', record(messageOf({ extensions: Buffer.from([0, 4, 0, 0]) }))],
    ['half an extension', record(messageOf({ extensions: sized(2, Buffer.alloc(3)) }))],
    ['an extension twice', helloWith(alpn('weft/1'), alpn('weft/1'))],
    ['an extension that exceeds them', exceeding],
    ['more in its record', record(Buffer.concat([message, Buffer.from('\r\n\r\nGET / HTTP/1.1\r\n')]))],
    ['a record that goes on', record(Buffer.concat([message, ciphers])).subarray(0, -2)],
  ])('is none: %s', (_name, hello) => {
    expect(readClientHello(hello)).toBe('tls');
  });

  it('is no TLS where other records are between its own', () => {
    const [first, second] = [record(message.subarray(0, 20)), record(message.subarray(20))];
    expect(readClientHello(Buffer.concat([first, second]))).toMatchObject(nothing);
    for (const between of ['\x17\x03\x03\0\x01x', '\x16\x02\x03\0\x01x', '\x16\x03\x05\0\x01x', 'GET'])
      expect(readClientHello(Buffer.concat([first, Buffer.from(between, 'latin1'), second]))).toBe('tcp');
  });

  it('offers nothing where a protocol has no name', () => {
    expect(readClientHello(helloWith(alpn('weft/1', '')))).toMatchObject(nothing);
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

describe('a ClientHello that comes byte by byte', () => {
  /** How often it is looked at until it is known, never before it makes sense; and with how many bytes it is known. */
  function looks(bytes: Buffer): { count: number; knownAt: number } {
    for (let count = 1, length = 1; ; count++) {
      const seen = bytes.subarray(0, length);
      if (readClientHello(seen) !== 'more') return { count, knownAt: length };
      length = bytesToAskAgain(seen);
    }
  }

  it('is looked at only a few times, and known as soon as it is there', () => {
    const hello = helloWith([21, Buffer.alloc(5_000)]);
    for (const [bytes, most] of [
      [hello, 12],
      [inRecords(hello, 400), 12 + 5 * bound.helloRecords],
    ] as const) {
      const { count, knownAt } = looks(bytes);
      expect(knownAt).toBe(bytes.length);
      expect(count).toBeLessThan(most);
    }
  });

  it('is asked for soon enough whatever the bytes are', () => {
    const good = inRecords(helloWith(serverName('cart.example'), alpn('h2')), 30);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 2 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        for (let length = 1; length < bytes.length; length++) {
          const seen = bytes.subarray(0, length);
          if (readClientHello(seen) !== 'more') return;
          const again = bytesToAskAgain(seen);
          expect(again).toBeGreaterThan(length);
          // before that it cannot be whole
          expect(typeof readClientHello(bytes.subarray(0, again - 1))).toBe('string');
        }
      }),
    );
  });
});

it('a record starts by its type and version, as far as they are there', () => {
  for (const bytes of [[], [20], [23], [22, 3], [21, 3, 9]])
    expect(startsAsRecord(Buffer.from(bytes))).toBe(true);
  for (const bytes of [[19], [24], [13, 10], [22, 2], [23, 13]])
    expect(startsAsRecord(Buffer.from(bytes))).toBe(false);
});
