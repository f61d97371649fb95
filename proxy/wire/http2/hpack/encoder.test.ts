import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder, sizeBound } from './encoder.ts';
import { decode, encode, hex } from './testing/blocks.ts';

/** Blocks of the same connection, one for each list. */
function blocks(lists: readonly (readonly string[])[], encoder = new HpackEncoder()): Buffer[] {
  return lists.map((fields) => Buffer.from(encode(encoder, fields)));
}

describe('what repeats', () => {
  it('costs a byte a field from the second time on', () => {
    const fields = [':status', '200', 'content-type', 'text/html', 'server', 'nginx', 'x-own', 'value'];
    const [first, second] = blocks([fields, fields]);
    expect(first!.length).toBeGreaterThan(20);
    expect(second).toHaveLength(4);
  });

  it('is found among several values of a name', () => {
    const lists = ['a', 'b', 'c', 'a', 'b', 'c'].map((value) => ['x-own', value]);
    expect(blocks(lists).map((block) => block.length)).toEqual([9, 3, 3, 1, 1, 1]);
  });

  it('is not taken for still held when it was evicted after it had been used last', () => {
    const encoder = new HpackEncoder({ maxTableSize: 160 }); // four entries of 34 bytes
    const send = (name: string, value: string): number => encode(encoder, [name, value]).at(-1)!;
    encode(encoder, []);
    for (const value of ['a', 'b']) send('n', value);
    expect(send('n', 'a')).toBe(0xbf);
    for (const value of ['1', '2', '3']) send('m', value);
    expect(send('n', 'a')).toBe('a'.charCodeAt(0));
    expect(send('n', 'a')).toBe(0xbe);
  });

  it('is found in the static table for each of its fields', () => {
    expect(
      encode(new HpackEncoder(), [
        ':status',
        '500',
        ':path',
        '/index.html',
        'accept-encoding',
        'gzip, deflate',
      ]),
    ).toEqual(hex('8e 85 90'));
  });
});

describe('what differs each time', () => {
  it.each([':path', 'date', 'content-length', 'etag', 'last-modified'])(
    '%s: is never put into the table',
    (name) => {
      const encoder = new HpackEncoder();
      for (let round = 0; round < 3; round += 1) {
        const block = encode(encoder, [name, 'same']);
        expect(block[0]! & 0xf0).toBe(0);
        expect(block.length).toBeLessThanOrEqual(7);
      }
    },
  );

  it.each(['x-request-id', 'traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'grpc-timeout'])(
    '%s: has one entry, for its name',
    (name) => {
      const [first, second, third] = blocks([
        [name, '1', 'server', 'a'],
        [name, '2', 'server', 'a'],
        [name, '3', 'server', 'a'],
      ]);
      expect(first!.length).toBeGreaterThan(name.length);
      // index of the name, length, value; one byte for the other field
      expect(second).toEqual(hex('0f30 0132 be'));
      expect(third).toEqual(hex('0f30 0133 be'));
    },
  );

  it('is found out for a name that nobody knows, and taken back when a value comes twice', () => {
    const encoder = new HpackEncoder();
    const first = (value: string): number => encode(encoder, ['x-own', value])[0]!;
    for (let round = 0; round < 8; round += 1) expect(first(`value ${round}`) & 0xc0).toBe(0x40);
    for (let round = 8; round < 99; round += 1) expect(first(`value ${round}`) & 0xf0).toBe(0);
    expect(first('value 3') & 0x80).toBe(0x80); // still there
    for (let round = 0; round < 20; round += 1) first(`other ${round}`);
    expect(first('settled') & 0xf0).toBe(0);
    expect(first('settled') & 0xc0).toBe(0x40);
    expect(first('settled') & 0x80).toBe(0x80);
  });
});

describe('what is secret', () => {
  it.each([
    ['authorization', 'Bearer a.very.long.token.that.nobody.can.guess'],
    ['proxy-authorization', 'Basic x'],
    ['set-cookie', 'session=0123456789012345678901234567890'],
    ['cookie', 'a=1'],
  ])('%s: is a never-indexed literal each time', (name, value) => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 65_536 });
    for (let round = 0; round < 3; round += 1) {
      const block = encode(encoder, [name, value]);
      expect(block[0]! & 0xf0).toBe(0x10);
      expect(decode(decoder, block)).toEqual([name, value]);
      expect(decoder.neverIndexed).toEqual([name]);
    }
  });

  it('stays so when it came so, even if the value is in the table', () => {
    const encoder = new HpackEncoder();
    encode(encoder, ['x-own', 'value']);
    encoder.neverIndexed = ['x-own'];
    expect(encode(encoder, ['x-own', 'value', 'server', 'a'])[0]! & 0xf0).toBe(0x10);
    encoder.neverIndexed = [];
    expect(encode(encoder, ['x-own', 'value'])).toEqual(hex('bf'));
  });

  it('is everything where more names came so than anybody has secrets', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 65_536 });
    encoder.neverIndexed = Array.from({ length: 1500 }, (_, index) => `x-${index}`);
    const fields = ['server', 'a', 'x-7', 'b', ':method', 'GET'];
    expect(decode(decoder, encode(encoder, fields))).toEqual(fields);
    expect(decoder.neverIndexed).toEqual(['server', 'x-7', ':method']);
  });

  it('is not a long cookie: it repeats, and cannot be guessed', () => {
    const encoder = new HpackEncoder();
    const fields = ['cookie', 'session=0123456789012345678901234567890'];
    encode(encoder, fields);
    expect(encode(encoder, fields)).toHaveLength(1);
  });
});

describe('the table size', () => {
  const fields = ['x-own', 'value'];

  it('is announced when the peer lowers it, with the smallest on the way', () => {
    const encoder = new HpackEncoder();
    encode(encoder, fields);
    for (const size of [100, 0, 2000, 200]) encoder.setPeerTableSize(size);
    expect(encode(encoder, []).toString('hex')).toBe('203fa901');
    expect(encode(encoder, [])).toHaveLength(0);
    encoder.setPeerTableSize(300);
    expect(encode(encoder, []).toString('hex')).toBe('3f8d02');
  });

  it('is announced also where it was lowered and raised again, since the entries are gone', () => {
    const encoder = new HpackEncoder();
    encode(encoder, fields);
    encoder.setPeerTableSize(0);
    encoder.setPeerTableSize(4096);
    expect(encode(encoder, fields).subarray(0, 5).toString('hex')).toBe('203fe11f40');
    expect(encode(encoder, fields)).toEqual(hex('be'));
  });

  it('is never more than our own cap, which is announced if it is less than the initial size', () => {
    expect(encode(new HpackEncoder({ maxTableSize: 256 }), []).toString('hex')).toBe('3fe101');
    const encoder = new HpackEncoder({ maxTableSize: 4096 });
    encoder.setPeerTableSize(1_000_000);
    expect(encode(encoder, [])).toHaveLength(0);
    const larger = new HpackEncoder({ maxTableSize: 8192 });
    expect(encode(larger, [])).toHaveLength(0);
    larger.setPeerTableSize(1_000_000);
    expect(encode(larger, []).toString('hex')).toBe('3fe13f');
  });

  it('may be nothing at all', () => {
    const encoder = new HpackEncoder();
    encoder.setPeerTableSize(0);
    const [first, second] = blocks([fields, fields], encoder);
    expect(first!.subarray(1)).toEqual(second);
    expect(second![0]).toBe(0);
  });
});

describe('a buffer that is too small', () => {
  it('gives -1 and leaves everything as it was', () => {
    const fields = ['x-own', 'value', 'server', 'a'];
    const encoder = new HpackEncoder();
    encoder.setPeerTableSize(100);
    for (let size = 0; size < sizeBound(fields) + 3; size += 1) {
      expect(encoder.encode(fields, Buffer.alloc(size), 3)).toBe(-1);
    }
    const out = Buffer.alloc(sizeBound(fields) + 3);
    const end = encoder.encode(fields, out, 3);
    const other = new HpackEncoder();
    other.setPeerTableSize(100);
    expect(out.subarray(3, end)).toEqual(encode(other, fields));
  });
});

describe('memory', () => {
  it('is bounded whatever names and values come', () => {
    const encoder = new HpackEncoder();
    for (let round = 0; round < 20_000; round += 1) {
      encode(encoder, [`x-name-${round}`, `${round}`, 'x-b3-spanid', `${round}`, 'user-agent', `${round}`]);
    }
    const { names, table } = encoder as unknown as {
      names: Map<string, { numbers: Map<string, number> }>;
      table: { size: number; count: number };
    };
    expect(table.size).toBeLessThanOrEqual(4096);
    expect(table.count).toBeLessThanOrEqual(128);
    expect(names.size).toBeLessThanOrEqual(129);
    const values = [...names.values()].reduce((sum, { numbers }) => sum + numbers.size, 0);
    expect(values).toBe(table.count);
  });
});
