import { sniff, type Sniffed } from '../../proxy/wire/sniff.ts';
import type { Target } from '../engine/target.ts';
import { holds } from './check.ts';
import { clientHello } from './clientHello.ts';

const FINAL: ReadonlySet<string> = new Set(['http', 'http2', 'weft', 'bytes']);
/** What is no TLS after all, and TLS that is none of ours, are both carried as bytes. */
const meaning = (seen: Sniffed): string => (seen === 'tls' || seen === 'tcp' ? 'bytes' : seen);

/** The first bytes of a connection: what was decided stays decided, whatever comes after. */
export const target: Target = {
  name: 'sniff',
  maxBytes: 4096,
  seeds: [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'EHLO a\r\n',
    '\r\nget / HTTP/1.1\n',
    'POST /abc',
    clientHello({ protocols: ['weft-tcp/1'] }),
    clientHello({ protocols: ['h2', 'http/1.1'], serverName: 'cart.shop' }),
    clientHello({ protocols: ['weft/1', 'weft-tcp/1'], recordBytes: 20 }),
    clientHello({}),
  ],
  dictionary: [
    'GET ', ' HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01', '\x16\x03\x03', '\x01\x00', '\x00\x10',
    'weft-tcp/1', 'weft/1', '\x0aweft-tcp/1', '\r\n',
  ], // prettier-ignore
  run(data) {
    let decided: string | undefined;
    const step = Math.max(1, data.length >> 6);
    for (let length = 0; length <= data.length; length += length < 96 ? 1 : step) {
      const seen = meaning(sniff(data.subarray(0, length)));
      if (decided !== undefined) holds(seen === decided, `${decided} became ${seen} at byte ${length}`);
      if (FINAL.has(seen)) decided = seen;
    }
    if (decided === 'weft') holds(data.includes('weft'), 'weft without its name');
    if (decided === 'http') holds(/^[\r\n]*[A-Za-z]/.test(data.toString('latin1')), 'http without a method');
  },
};
