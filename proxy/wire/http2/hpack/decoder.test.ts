import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { decode, hex, huffman } from './testing/blocks.ts';

function make(options: Partial<{ maxTableSize: number; maxListBytes: number }> = {}): HpackDecoder {
  return new HpackDecoder({ maxTableSize: 4096, maxListBytes: 65_536, ...options });
}

/** A literal field that goes into the table. */
function indexed(name: string, value: string): Buffer {
  return Buffer.concat([hex('40'), text(name), text(value)]);
}

function text(content: string): Buffer {
  const size = content.length;
  const length = size < 127 ? [size] : [127, ((size - 127) & 0x7f) | 0x80, (size - 127) >> 7];
  return Buffer.concat([Buffer.from(length), Buffer.from(content, 'latin1')]);
}

describe('a block that breaks the rules', () => {
  it.each([
    ['index zero', '80'],
    ['an index past the static table, with nothing in the dynamic one', 'be'],
    ['an index far out of range', 'ffffffff07'],
    ['an index over 2^31', 'ffffffffff7f'],
    ['an index that is cut off', 'ff'],
    ['a name index out of range, indexed', '7e0161'],
    ['a name index out of range, not indexed', '0f2f0161'],
    ['a name index out of range, never indexed', '1f2f0161'],
    ['a name index that is cut off', '7f80'],
    ['a literal without a name', '40'],
    ['a literal without a value', '400161'],
    ['a name that is cut off', '40036161'],
    ['a value that is cut off', '400161036161'],
    ['a length that is cut off', '4001617f80'],
    ['a length over 2^31', '4001617fffffffff7f'],
    ['a coded value with a byte of padding', '40016181ff'],
    ['a coded name with the end of string', '4084ffffffff0161'],
    ['a size update above what we announced', '3fe21f'],
    ['a size update after a field', '8220'],
    ['a size update that is cut off', '3f'],
  ])('%s: is a compression error, for good', (_what, block) => {
    const decoder = make();
    expect(decode(decoder, block)).toBe('compression');
    expect(decode(decoder, '82')).toBe('compression');
  });
});

describe('a block that keeps them', () => {
  it('may be empty, or have empty names and values', () => {
    expect(decode(make(), '')).toEqual([]);
    expect(decode(make(), '400000')).toEqual(['', '']);
    expect(decode(make(), '008080')).toEqual(['', '']);
  });

  it('gives bytes above 127 as Latin-1, and names as they were sent', () => {
    expect(decode(make(), indexed('X-Name', 'caf\u00E9\u0000\u00FF'))).toEqual([
      'X-Name',
      'caf\u00E9\u0000\u00FF',
    ]);
  });

  it('says which names came never-indexed, of this block alone', () => {
    const decoder = make();
    expect(decode(decoder, '1001610162 0001630164 1f08 0165')).toEqual([
      'a',
      'b',
      'c',
      'd',
      'authorization',
      'e',
    ]);
    expect(decoder.neverIndexed).toEqual(['a', 'authorization']);
    expect(decode(decoder, '82')).toEqual([':method', 'GET']);
    expect(decoder.neverIndexed).toEqual([]);
  });
});

describe('the dynamic table', () => {
  it('drops the oldest entries, and only as many as it must', () => {
    const decoder = make();
    expect(decode(decoder, '3f49')).toEqual([]); // 104 bytes: three entries of 34
    decode(decoder, Buffer.concat([indexed('a', '1'), indexed('b', '2'), indexed('c', '3')]));
    expect(decode(decoder, 'bebfc0')).toEqual(['c', '3', 'b', '2', 'a', '1']);
    decode(decoder, indexed('d', '4'));
    expect(decode(decoder, 'bebfc0')).toEqual(['d', '4', 'c', '3', 'b', '2']);
    expect(decode(decoder, 'c1')).toBe('compression');
  });

  it('takes the name of an entry that goes to make room, RFC 7541 4.4', () => {
    const decoder = make();
    decode(decoder, '3f03'); // 34 bytes: one entry
    decode(decoder, indexed('a', '1'));
    expect(decode(decoder, '7e0132')).toEqual(['a', '2']);
    expect(decode(decoder, 'be')).toEqual(['a', '2']);
  });

  it('is emptied by an entry bigger than itself', () => {
    const decoder = make();
    decode(decoder, '3f09');
    decode(decoder, indexed('a', '1'));
    expect(decode(decoder, indexed('a', '12345678'))).toEqual(['a', '12345678']);
    expect(decode(decoder, 'be')).toBe('compression');
  });

  it('holds an entry that fills it exactly', () => {
    const decoder = make();
    const value = 'v'.repeat(4096 - 33);
    decode(decoder, indexed('n', value));
    expect(decode(decoder, 'be')).toEqual(['n', value]);
  });

  it('keeps as many entries as its size allows, over many rounds', () => {
    const decoder = make();
    for (let round = 0; round < 1000; round += 1) decode(decoder, indexed('', ''));
    expect(decode(decoder, Buffer.from([0xff, 61 + 128 - 127]))).toEqual(['', '']);
    expect(decode(decoder, Buffer.from([0xff, 62 + 128 - 127]))).toBe('compression');
  });
});

describe('a size update', () => {
  it('of zero empties the table, and a second one opens it again', () => {
    const decoder = make();
    decode(decoder, indexed('a', '1'));
    expect(decode(decoder, Buffer.concat([hex('203fe11f'), indexed('b', '2'), hex('be')]))).toEqual([
      'b',
      '2',
      'b',
      '2',
    ]);
    expect(decode(decoder, 'bf')).toBe('compression');
  });

  it('may go up to what we announced, once that is more than the initial size', () => {
    const decoder = make({ maxTableSize: 8192 });
    expect(decode(decoder, '3fe13f')).toEqual([]);
    decode(decoder, indexed('a', 'v'.repeat(5000)));
    expect(decode(decoder, 'be')).toEqual(['a', 'v'.repeat(5000)]);
    expect(decode(decoder, '3fe23f')).toBe('compression');
  });

  it('is due once the peer has acknowledged less than it uses', () => {
    for (const [block, outcome] of [
      ['82', 'compression'],
      ['', 'compression'],
      ['3f46 82', 'compression'], // 101
      ['3f45 82', [':method', 'GET']], // 100
      ['20 82', [':method', 'GET']],
    ] as const) {
      const decoder = make();
      decoder.setMaxTableSize(100);
      expect(decode(decoder, block)).toEqual(outcome);
    }
  });

  it('must pass through the smallest of several changes', () => {
    const changed = (): HpackDecoder => {
      const decoder = make();
      for (const size of [100, 0, 2000]) decoder.setMaxTableSize(size);
      return decoder;
    };
    expect(decode(changed(), '203f45 82')).toEqual([':method', 'GET']);
    expect(decode(changed(), '3f45 82')).toBe('compression');
    expect(decode(changed(), '20 3fe11f 82')).toBe('compression'); // 4096, but 2000 is announced
  });

  it('is not due where the peer already uses less, or may use more', () => {
    const decoder = make();
    decode(decoder, '3f45');
    decoder.setMaxTableSize(100);
    expect(decode(decoder, '82')).toEqual([':method', 'GET']);
    decoder.setMaxTableSize(4096);
    expect(decode(decoder, '82')).toEqual([':method', 'GET']);
    // 101 in force since the next update
    expect(decode(decoder, '3f46 82')).toEqual([':method', 'GET']);
  });
});

describe('a list over the bound', () => {
  const field = 'a'.length + '1'.length + 32;

  it('is one byte over it, not at it', () => {
    const block = Buffer.concat([indexed('a', '1'), indexed('a', '1')]);
    const within = make({ maxListBytes: 2 * field });
    expect(decode(within, block)).toEqual(['a', '1', 'a', '1']);
    expect(within.listBytes).toBe(2 * field);
    const over = make({ maxListBytes: 2 * field - 1 });
    expect(decode(over, block)).toBe('large');
    expect(over.listBytes).toBe(2 * field);
  });

  it('leaves what is within it, once', () => {
    const decoder = make({ maxListBytes: field });
    decode(decoder, Buffer.concat([indexed('a', '1'), indexed('b', '2'), indexed('c', '3')]));
    expect(decoder.takeBeginning()).toEqual(['a', '1']);
    expect(decoder.takeBeginning()).toEqual([]);
  });

  it('leaves the table as the peer knows it', () => {
    const decoder = make({ maxListBytes: 5 * field });
    const longer = Buffer.concat([hex('40'), text('n'), hex('9f'), huffman('x'.repeat(35)).subarray(0, 31)]);
    expect(huffman('x'.repeat(35))).toHaveLength(31);
    const dropped = Buffer.concat([hex('00'), text('z'), text('y'.repeat(500))]);
    expect(decode(decoder, Buffer.concat([dropped, indexed('b', '2'), longer]))).toBe('large');
    expect(decode(decoder, 'be')).toEqual(['n', 'x'.repeat(35)]);
    expect(decode(decoder, 'bf')).toEqual(['b', '2']);
  });

  it('empties the table where an entry is bigger than both', () => {
    for (const coded of [false, true]) {
      const decoder = make({ maxListBytes: 200 });
      decode(decoder, indexed('b', '2'));
      const bytes = huffman('0'.repeat(5000));
      expect(bytes).toHaveLength(3125);
      const value = coded ? Buffer.concat([hex('ffb617'), bytes]) : text('0'.repeat(5000));
      expect(decode(decoder, Buffer.concat([hex('400161'), value, indexed('c', '3')]))).toBe('large');
      expect(decoder.listBytes).toBeGreaterThan(200);
      expect(decode(decoder, 'be')).toEqual(['c', '3']);
      expect(decode(decoder, 'bf')).toBe('compression');
    }
  });

  it('still gives a compression error where one comes after it', () => {
    expect(decode(make({ maxListBytes: 10 }), '82 80')).toBe('compression');
    expect(decode(make({ maxListBytes: 10 }), '82 04 81ff')).toBe('compression');
  });

  it('costs no memory, however often an entry is referred to', () => {
    const decoder = make({ maxListBytes: 16_384 });
    decode(decoder, indexed('n', 'v'.repeat(4096 - 33)));
    const bomb = Buffer.alloc(200_000, 0xbe);
    const growths = Array.from({ length: 5 }, () => {
      const before = process.memoryUsage().heapUsed;
      expect(decoder.decode(bomb, 0, bomb.length)).toBe('large');
      return process.memoryUsage().heapUsed - before;
    });
    // the list alone would have 400 000 elements of eight bytes; now and then something else happens meanwhile
    expect(growths.toSorted((one, other) => one - other)[2]).toBeLessThan(1_000_000);
    expect(decoder.listBytes).toBe(200_000 * 4096);
    expect(decode(decoder, 'be')).toEqual(['n', 'v'.repeat(4096 - 33)]);
  });
});

describe('the size of a list', () => {
  it('is above the bound exactly where the list is', () => {
    const decoder = make({ maxListBytes: 100 });
    for (const length of [66, 67, 68, 69, 99, 100, 5000]) {
      const result = decode(decoder, Buffer.concat([hex('00'), text('n'), text('v'.repeat(length))]));
      expect(result).toEqual(length === 66 || length === 67 ? ['n', 'v'.repeat(length)] : 'large');
      expect(decoder.listBytes > 100).toBe(result === 'large');
    }
  });
});
