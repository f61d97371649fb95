/** Lines of the access log, byte by byte. */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { AccessLog, linePrefix } from './accessLog.ts';
import { expectedConnection, expectedExchange } from './testing/expectedLine.ts';
import { end as ended, key, sink } from './testing/read.ts';
import type { ExchangeEnd, LogFields, Verdict } from './types.ts';

const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 });
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('GET', 'POST', '', 'shop:8080', '10.0.0.1:4000', '/a?b', '/ü?"') },
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  units.map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('x'.repeat(5000), '\u0001'.repeat(5000), `${'é'.repeat(255)}😀`, '"'.repeat(300)),
);
const number = fc.oneof(
  fc.nat({ max: 100_000 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, -1, 2 ** 31, 1e300, Number.POSITIVE_INFINITY),
);
const verdicts: readonly Verdict[] = [
  { action: 'Allow', policy: 'shop/p', rule: 'r' },
  { action: 'Deny', policy: '', rule: 'default', shadow: 'Allow' },
  { action: 'Allow', policy: 'shop/"ü"', rule: 'r', audited: ['shop/p/watch', 'shop/q/"\ud800'] },
];
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const flag = optional(fc.constantFrom('AUTHORIZATION_DENIED' as const, 'UPSTREAM_RESET' as const));

const fields: fc.Arbitrary<LogFields> = fc.record({
  protocol: optional(fc.constantFrom('HTTP/1.1', 'HTTP/2')),
  wire: optional(fc.constantFrom('weft/1' as const, 'weft-tcp/1' as const)),
  serverName: optional(text),
  method: optional(text),
  path: optional(text),
  host: optional(text),
  peer: optional(text),
  upstream: optional(text),
  requestId: optional(text),
  traceparent: optional(text),
  verdict: optional(fc.constantFrom(...verdicts)),
  detail: optional(text),
});
const ends: fc.Arbitrary<ExchangeEnd> = fc.record({
  status: number,
  durationMs: fc.oneof(fc.double({ min: 0, max: 10_000 }), number),
  requestBytes: number,
  responseBytes: number,
  flag,
  attempts: number,
  grpcStatus: optional(number),
});
const keys = fc.record({ source: text, service: text }).map(key);

describe('lines of the access log', () => {
  it('are what JSON.stringify makes of their fields, whatever these are and whichever went before', () => {
    const line = fc.record({ log: fields, end: ends, first: fc.boolean(), exchange: fc.boolean() });
    fc.assert(
      fc.property(fc.tuple(keys, keys), fc.array(line, { maxLength: 12 }), (two, written) => {
        const { lines, writer } = sink();
        const log = new AccessLog(writer);
        const prefixes = two.map(linePrefix);
        const expected = written.map((one) => {
          const of = one.first ? 0 : 1;
          if (one.exchange) {
            log.exchange(prefixes[of]!, one.end, one.log);
            return expectedExchange(two[of]!, one.end, one.log);
          }
          const { durationMs, requestBytes: sentBytes, responseBytes: receivedBytes, flag } = one.end;
          const end = { durationMs, sentBytes, receivedBytes, flag };
          log.connection(prefixes[of]!, end, one.log);
          return expectedConnection(two[of]!, end, one.log);
        });
        const withoutTime = lines.map((line) => line.replace(/^\{"ts":"[-\dT:.]{23}Z",/, '{'));
        expect(withoutTime).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('fit into their bound where every text is as long as it may be', () => {
    const { lines, writer } = sink();
    const long = '\u0001'.repeat(5000);
    const log = { method: long, path: long, host: long, peer: long, upstream: long, requestId: long };
    const all = { ...log, serverName: long, traceparent: long, detail: long, verdict: verdicts[2] };
    const most = Number.MAX_VALUE;
    const end = { status: most, durationMs: -1 / 3, requestBytes: most, responseBytes: most, attempts: most };
    const prefix = linePrefix(key());
    const access = new AccessLog(writer);
    for (let i = 0; i < 3; i++)
      access.exchange(prefix, { ...end, flag: 'UPSTREAM_RESET', grpcStatus: most }, all);
    expect(lines.map((line) => (JSON.parse(line) as { detail: string }).detail.length)).toEqual([
      1024, 1024, 1024,
    ]);
  });

  it('tell the time of their end', () => {
    vi.useFakeTimers();
    try {
      const { lines, writer } = sink();
      const log = new AccessLog(writer);
      const times = [0, 1, 999, 1000, 1_763_748_316_023, 1_763_748_316_123, 1_763_748_315_999];
      for (const time of times) {
        vi.setSystemTime(time);
        log.exchange(linePrefix(key()), ended(), {});
      }
      expect(lines.map((line) => (JSON.parse(line) as { ts: string }).ts)).toEqual(
        times.map((time) => new Date(time).toISOString()),
      );
    } finally {
      vi.useRealTimers();
    }
  });
});
