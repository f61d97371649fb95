import { fuzzHttp2 } from '../../proxy/wire/http2/testing/fuzz.ts';
import type { Target } from '../engine/target.ts';

/** What a peer may send over one HTTP/2 connection; fuzzHttp2 says how it reads its input. */
export const target: Target = {
  name: 'http2',
  maxBytes: 4096,
  slowMs: 400,
  seeds: [
    '\0',
    '\x01\0\0\0\0\0\0\0\0\0\0\0',
    Buffer.from(Array.from({ length: 128 }, (_, index) => (index * 37) & 0xff)),
    Buffer.from(Array.from({ length: 256 }, (_, index) => index)),
  ],
  dictionary: [
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0', '\0\0\0\x04\x01\0\0\0\0', '\0\0\x04\x08\0\0\0\0\0', '\0\0\x08\x06\0\0\0\0\0',
    '\0\0\x04\x03\0\0\0\0\x01', '\0\0\x01\x01\x05\0\0\0\x01\x82', '\0\0\0\0\x01\0\0\0\x01', '\0\0\x08\x07\0\0\0\0\0', '\x7f\xff\xff\xff', '\x80\0\0\0',
  ], // prettier-ignore
  run: (data) => fuzzHttp2(data),
};
