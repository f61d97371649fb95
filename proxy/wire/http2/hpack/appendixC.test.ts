/** The examples of RFC 7541 appendix C, by section. */
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { decode, encode, hex, huffman } from './testing/blocks.ts';

const options = { maxTableSize: 4096, maxListBytes: 65_536 };

const requests = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
  [
    [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ].flat(),
  [
    [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ].flat(),
];
const rawRequests = [
  '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
  '8286 84be 5808 6e6f 2d63 6163 6865',
  '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
];
const codedRequests = [
  '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
  '8286 84be 5886 a8eb 1064 9cbf',
  '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
];

const [date21, date22] = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const location = ['location', 'https://www.example.com'];
const cookie = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];
const responses = [
  [':status', '302', 'cache-control', 'private', 'date', date21, ...location],
  [':status', '307', 'cache-control', 'private', 'date', date21, ...location],
  [
    [':status', '200', 'cache-control', 'private', 'date', date22, ...location],
    ['content-encoding', 'gzip', ...cookie],
  ].flat(),
];
/** The table after each response, the newest entry first. */
const tables = [
  [...location, 'date', date21, 'cache-control', 'private', ':status', '302'],
  [':status', '307', ...location, 'date', date21, 'cache-control', 'private'],
  [...cookie, 'content-encoding', 'gzip', 'date', date22],
];
const rawResponses = [
  '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133' +
    '2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
  '4803 3330 37c1 c0bf',
  '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d' +
    '54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049' +
    '5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
];
const codedResponses = [
  '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6' +
    '2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
  '4883 640e ffc1 c0bf',
  '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab' +
    '77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f' +
    '9587 3160 65c0 03ed 4ee5 b106 3d50 07',
];

describe('RFC 7541 appendix C, decoded', () => {
  it.each([
    [
      'C.2.1',
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      'custom-key',
      'custom-header',
    ],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', ':path', '/sample/path'],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password', 'secret'],
    ['C.2.4', '82', ':method', 'GET'],
  ])('%s', (section, block, ...field) => {
    const decoder = new HpackDecoder(options);
    expect(decode(decoder, block)).toEqual(field);
    expect(decoder.neverIndexed).toEqual(section === 'C.2.3' ? ['password'] : []);
    // only C.2.1 leaves an entry behind
    expect(decode(decoder, 'be')).toEqual(section === 'C.2.1' ? field : 'compression');
  });

  it.each([
    ['C.3', rawRequests],
    ['C.4', codedRequests],
  ])('%s', (_section, blocks) => {
    const decoder = new HpackDecoder(options);
    expect(blocks.map((block) => decode(decoder, block))).toEqual(requests);
    expect(decode(decoder, 'bebf c0')).toEqual([
      'custom-key',
      'custom-value',
      'cache-control',
      'no-cache',
      ':authority',
      'www.example.com',
    ]);
    expect(decode(decoder, 'c1')).toBe('compression');
  });

  it.each([
    ['C.5', rawResponses],
    ['C.6', codedResponses],
  ])('%s, with a table of 256 bytes', (_section, blocks) => {
    const decoder = new HpackDecoder(options);
    expect(decode(decoder, '3fe1 01')).toEqual([]);
    for (const [index, block] of blocks.entries()) {
      expect(decode(decoder, block)).toEqual(responses[index]);
      const table = tables[index]!;
      const indexes = Buffer.from(table.slice(table.length / 2).map((_, entry) => 0xbe + entry));
      expect(decode(decoder, indexes)).toEqual(table);
    }
    expect(decode(decoder, 'c1')).toBe('compression');
  });
});

describe('RFC 7541 appendix C, encoded', () => {
  it('C.2.1 to C.2.4', () => {
    expect(encode(new HpackEncoder(), ['custom-key', 'custom-header'])).toEqual(
      hex('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'),
    );
    expect(encode(new HpackEncoder(), [':path', '/sample/path'])).toEqual(
      hex('040c 2f73 616d 706c 652f 7061 7468'),
    );
    const encoder = new HpackEncoder();
    encoder.neverIndexed = ['password'];
    expect(encode(encoder, ['password', 'secret'])).toEqual(
      hex('1008 7061 7373 776f 7264 0673 6563 7265 74'),
    );
    expect(encode(new HpackEncoder(), [':method', 'GET'])).toEqual(hex('82'));
  });

  it('C.3', () => {
    const encoder = new HpackEncoder();
    expect(requests.map((fields) => encode(encoder, fields))).toEqual(rawRequests.map(hex));
  });

  it('C.4 and C.6, the strings alone', () => {
    expect(huffman('www.example.com')).toEqual(hex('f1e3 c2e5 f23a 6ba0 ab90 f4ff'));
    expect(huffman('Mon, 21 Oct 2013 20:13:21 GMT')).toEqual(
      hex('d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'),
    );
  });
});
