import { RequestHead } from '../../proxy/wire/http1/request.ts';
import type { Target } from '../engine/target.ts';
import { holds, same } from './check.ts';
import { checkHead } from './heads.ts';

const describe = (head: RequestHead) => [
  head.method,
  head.target,
  head.path,
  head.version,
  head.authority,
  head.persists,
  head.contentLength,
  head.chunked,
  head.expectContinue,
  head.upgrades,
  head.mayUpgrade,
  head.requestId,
  head.traceparent,
  head.keepAliveSeconds,
  head.length,
  head.cuts.kinds.slice(0, head.cuts.count),
  head.cuts.starts.slice(0, head.cuts.count),
  head.cuts.ends.slice(0, head.cuts.count),
];

/** The head of a request: the first byte of the input says how it is split. */
export const target: Target = {
  name: 'http1-request',
  maxBytes: 70_000,
  seeds: [
    '\0GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x03POST /a?b HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\n\r\nabc',
    '\x05\r\nPUT /x HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    '\x07PUT /x HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nx-weft-source: a\r\nExpect: 100-continue\r\n\r\n',
    '\x09GET http://a/b HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nKeep-Alive: timeout=5\r\n\r\n',
    '\x0aCONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nProxy-Connection: close\r\nHTTP2-Settings: x\r\n\r\n',
    '\x0bOPTIONS * HTTP/1.1\r\nHost: a\r\nTraceparent: 00-1-2-01\r\nX-Request-Id: 7\r\nx-weft-reason: A\r\n\r\n',
  ],
  dictionary: [
    '\r\n', '\r\n\r\n', 'GET ', 'CONNECT ', ' HTTP/1.1\r\n', ' HTTP/1.0\r\n', 'Host: ', 'Content-Length: ',
    'Transfer-Encoding: ', 'chunked', 'gzip, ', 'identity', 'Connection: ', 'keep-alive', 'close', 'upgrade', 'Upgrade: ',
    'h2c', 'Expect: 100-continue', 'Keep-Alive: timeout=', 'Proxy-Connection: ', 'HTTP2-Settings: ', 'X-Weft-',
    'x_weft_source: ', 'x-weft-reason: ', 'x-weft-unprocessed: ', 'http://', '*', '[::1]', 'x-request-id: ',
  ], // prettier-ignore
  run(data) {
    const head = checkHead(data, {
      make: () => new RequestHead(),
      describe,
      framing: (head) => [head.contentLength, head.chunked],
      startLine: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21\x22\x24-\x7e]+ HTTP\/1\.[01]$/,
    });
    if (head === undefined) return;
    holds(head.hosts === 1 || (head.version === 10 && head.hosts === 0), `${head.hosts} Host fields`);
    holds(head.path === '' || /^[/?*]/.test(head.path), `path ${head.path}`);
    const [, authority] = /^https?:\/\/([^/?]*)/i.exec(head.target) ?? [];
    if (authority !== undefined && head.hosts === 1)
      same(authority.toLowerCase(), head.host.toLowerCase(), 'target and Host');
  },
};
