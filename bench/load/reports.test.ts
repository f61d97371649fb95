import { expect, test } from 'vitest';
import { sumOf } from '../peers/weft.ts';
import { parseStreams } from './grpcStreams.ts';
import { parseH2load } from './h2load.ts';
import { grpcFrame } from './nghttpd.ts';
import { parseWrk } from './wrk.ts';

test('a report of wrk, with errors', () => {
  const report = `Running 1s test @ http://127.0.0.1:1/
  Latency Distribution
     50%  612.00us
     75%  714.00us
     90%    1.21ms
     99%    2.05s
  45102 requests in 1.10s, 10.97MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  41003.58
Transfer/sec:      9.97MB
`;
  expect(parseWrk(report)).toEqual({
    requests: 45_102,
    requestsPerSecond: 41_003.58,
    p50Ms: 0.612,
    p99Ms: 2050,
    errors: 15,
  });
});

const H2LOAD = `finished in 1.00s, 73476.00 req/s, 9.54MB/s
requests: 73476 total, 73540 started, 73476 done, 73470 succeeded, 6 failed, 0 errored, 0 timeout
status codes: 73470 2xx, 0 3xx, 6 4xx, 0 5xx
traffic: 9.54MB (10004160) total, 71.76KB (73484) headers (space savings 98.44%), 7.01MB (7347600) data
                     min         max         mean         sd        +/- sd
time for request:      101us     12.94ms       821us       379us    89.02%
time for connect:      112us       315us       201us        88us    50.00%
`;

test('a report of h2load: what was refused is an error, once', () => {
  expect(parseH2load(H2LOAD)).toEqual({
    requests: 73_470,
    requestsPerSecond: 73_476,
    p50Ms: expect.closeTo(0.821, 6),
    p99Ms: Number.NaN,
    errors: 6,
  });
});

test('what is no report of h2load is not taken for one', () => {
  expect(() => parseH2load('could not connect')).toThrow('not a report of h2load: could not connect');
});

test('a report of the gRPC streams counts messages', () => {
  const report = '{"messages":500,"seconds":2,"p50Ms":0.5,"p99Ms":1.5,"errors":1}\n';
  expect(parseStreams(report)).toEqual({
    requests: 500,
    requestsPerSecond: 250,
    p50Ms: 0.5,
    p99Ms: 1.5,
    errors: 1,
  });
});

test('a gRPC message: not compressed, its length, its bytes', () => {
  expect([...grpcFrame(258).subarray(0, 6)]).toEqual([0, 0, 0, 1, 2, 1]);
  expect(grpcFrame(258).length).toBe(263);
});

test('a counter is summed over its series, and no other is', () => {
  const exposition = `# HELP weft_requests_total x
weft_requests_total{direction="inbound",status="200"} 12
weft_requests_total{direction="inbound",status="{x} 7"} 3
weft_requests_totally 100
`;
  expect(sumOf(exposition, 'weft_requests_total')).toBe(15);
  expect(sumOf(exposition, 'weft_tcp_connections_total')).toBe(0);
});
