import { fuzzHpack } from '../../proxy/wire/http2/hpack/testing/fuzz.ts';
import type { Target } from '../engine/target.ts';

/** Header blocks of one HTTP/2 connection; fuzzHpack says how it reads its input. */
export const target: Target = {
  name: 'hpack',
  maxBytes: 4096,
  seeds: [
    // RFC 7541, C.4.1: a request with Huffman codes
    Buffer.from('031011828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex'),
    // RFC 7541, C.2.1 and C.2.3: a literal that is indexed, one that never is
    Buffer.from(
      '03101a400a637573746f6d2d6b65790d637573746f6d2d686561646572111008706173737764067365637265',
      'hex',
    ),
    // a change of the table size, then an entry that is used again
    Buffer.from('0310820120821088', 'hex'),
  ],
  dictionary: [
    '\x82',
    '\x40',
    '\x10',
    '\x20',
    '\x3f\xe1\x1f',
    '\xff\xff\xff\xff\x0f',
    '\xbe',
    '\x8c\xf1\xe3\xc2\xe5',
    ':path',
    'cookie',
  ],
  run: (data) => fuzzHpack(data),
};
