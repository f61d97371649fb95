import { ResponseHead } from '../../proxy/wire/http1/response.ts';
import type { Target } from '../engine/target.ts';
import { holds } from './check.ts';
import { checkHead } from './heads.ts';

const describe = (head: ResponseHead) => [
  head.status,
  head.version,
  head.interim,
  head.persists,
  head.contentLength,
  head.chunked,
  head.upgradeTo,
  head.reason,
  head.unprocessed,
  head.keepAliveSeconds,
  head.length,
  head.cuts.kinds.slice(0, head.cuts.count),
  head.cuts.starts.slice(0, head.cuts.count),
  head.cuts.ends.slice(0, head.cuts.count),
];

/** Of a response without a body, what announces one is not passed on. */
function framing({ status, contentLength, chunked }: ResponseHead): readonly [number, boolean] {
  const bodiless = status < 200 || status === 204;
  return bodiless && (chunked || contentLength > 0) ? [-1, false] : [contentLength, chunked];
}

/** The head of a response: the first byte of the input says how it is split. */
export const target: Target = {
  name: 'http1-response',
  maxBytes: 70_000,
  seeds: [
    '\0HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    '\x03HTTP/1.1 204\r\nConnection: x-a, close\r\nX-A: 1\r\n\r\n',
    '\x05HTTP/1.0 404 \r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=3\r\n\r\n',
    '\x07HTTP/1.1 503 Gr\xfc\xdfe\r\nx-weft-reason: DRAINING\r\nx-weft-unprocessed: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    '\x09HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    '\x0aHTTP/1.1 100 Continue\r\n\r\n',
  ],
  dictionary: [
    '\r\n', '\r\n\r\n', 'HTTP/1.1 ', 'HTTP/1.0 ', '100', '101', '204', '304', 'Content-Length: ', 'Transfer-Encoding: ',
    'chunked', 'gzip, ', 'Connection: ', 'keep-alive', 'close', 'upgrade', 'Upgrade: ', 'Keep-Alive: timeout=', 'Host: ',
    'Proxy-Connection: ', 'X-Weft-', 'x_weft_source: ', 'x-weft-reason: ', 'x-weft-unprocessed: ', 'Expect: ',
  ], // prettier-ignore
  run(data) {
    const head = checkHead(data, {
      make: () => new ResponseHead(),
      describe,
      framing,
      startLine: /^HTTP\/1\.[01] [1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?$/,
    });
    if (head) holds(head.status >= 100 && head.status <= 599, `status ${head.status}`);
  },
};
