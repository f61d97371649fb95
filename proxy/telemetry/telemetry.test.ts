import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeftError } from '../../core/errors/index.ts';
import { quote } from './json.ts';
import { createLog } from './log.ts';
import { processFamilies } from './process.ts';
import { end, key, sink, telemetry, valueOf } from './testing/read.ts';

describe('metrics', () => {
  it('count exchanges with their outcome, duration and bytes', () => {
    const { made } = telemetry();
    const series = made.series(key());
    series.exchange(end(), {});
    series.exchange(end({ durationMs: 40_000 }), {});
    made.series(key()).exchange(end({ status: 403, flag: 'AUTHORIZATION_DENIED' }), {});
    const labels =
      'direction="inbound",source="spiffe://cluster.local/ns/shop/sa/cart",destination="spiffe://cluster.local/ns/shop/sa/payment",service="8080",protocol="http",security="mtls"';
    const text = made.expose();
    expect(valueOf(text, `weft_requests_total{${labels},status="200",response_flag="",grpc_status=""}`)).toBe(
      2,
    );
    expect(
      valueOf(
        text,
        `weft_requests_total{${labels},status="403",response_flag="AUTHORIZATION_DENIED",grpc_status=""}`,
      ),
    ).toBe(1);
    expect(valueOf(text, `weft_request_duration_seconds_bucket{${labels},le="0.005"}`)).toBe(2);
    expect(valueOf(text, `weft_request_duration_seconds_bucket{${labels},le="+Inf"}`)).toBe(3);
    expect(valueOf(text, `weft_request_duration_seconds_count{${labels}}`)).toBe(3);
    expect(valueOf(text, `weft_bytes_total{${labels},flow="received"}`)).toBe(60);
  });

  it('are well formed: each sample has its family, and labels are escaped', () => {
    const { made } = telemetry();
    made.series(key({ source: 'a"b\\c\nd' })).exchange(end(), {});
    made
      .series(key({ protocol: 'tcp' }))
      .connection({ durationMs: 1, sentBytes: 1, receivedBytes: 2, flag: 'UPSTREAM_RESET' }, {});
    made.handshakeFailed('inbound', 'TLS_HANDSHAKE_FAILED');
    made.retry('shop/cart:80', 'DRAINING');
    for (const family of processFamilies()) made.register(family);
    const families = new Set<string>();
    const malformed = made
      .expose()
      .trimEnd()
      .split('\n')
      .filter((line) => {
        const declared = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line)?.[1];
        if (declared) families.add(declared);
        if (line.startsWith('# ')) return false;
        const sample = /^(\w+?)(_bucket|_sum|_count)?(\{(\w+="([^"\\]|\\["\\n])*",?)+\})? [-+0-9.e]+$/.exec(
          line,
        );
        return !sample || !families.has(sample[1]!);
      });
    expect(malformed).toEqual([]);
    expect(families).toContain('weft_build_info');
    expect(made.expose()).toContain('source="a\\"b\\\\c\\nd"');
  });

  it('stay bounded: past the limit all new series are one, and that is counted', () => {
    const { made, parsed } = telemetry(3);
    for (let i = 0; i < 10; i++) made.series(key({ service: `host${i}:443` })).exchange(end(), {});
    const text = made.expose();
    expect(text.match(/^weft_requests_total\{/gm)).toHaveLength(4);
    expect(valueOf(text, 'weft_requests_total{direction="other"')).toBe(7);
    expect(valueOf(text, 'weft_metric_series_overflow_total')).toBe(7);
    expect(parsed()[9]).toMatchObject({ service: 'host9:443' });
    const series = made.series(key({ service: 'host0:443' }));
    for (let status = 200; status < 599; status++) series.exchange(end({ status }), {});
    expect(made.expose().match(/^weft_requests_total\{.*host0/gm)!.length).toBeLessThanOrEqual(65);
    for (let i = 0; i < 2000; i++) made.verdict({ action: 'Deny', policy: 'a/b', rule: `r${i}` });
    expect(made.expose().match(/^weft_policy_verdicts_total\{/gm)).toHaveLength(1001);
  });

  it('count verdicts by rule, and what Shadow and Audit say', () => {
    const { made } = telemetry();
    const verdict = { action: 'Allow', policy: 'shop/p', rule: 'cart', shadow: 'Deny' } as const;
    made.verdict(verdict);
    made.verdict(verdict);
    made.verdict({ action: 'Deny', policy: '', rule: 'default', audited: ['shop/p/watch'] });
    const text = made.expose();
    const name = 'weft_policy_verdicts_total';
    expect(valueOf(text, `${name}{action="Allow",policy="shop/p",rule="cart",shadow="Deny"}`)).toBe(2);
    expect(valueOf(text, `${name}{action="Deny",policy="",rule="default",shadow=""}`)).toBe(1);
    expect(valueOf(text, `${name}{action="Audit",policy="shop/p",rule="watch",shadow=""}`)).toBe(1);
  });

  it('count gRPC calls by their status, which HTTP says is 200', () => {
    const { made } = telemetry();
    const series = made.series(key());
    for (const grpcStatus of [0, 14, 14, 17, -1, 1.5, Number.NaN]) series.exchange(end({ grpcStatus }), {});
    const counts = made
      .expose()
      .split('\n')
      .flatMap((line) => /^weft_requests_total.*status="200",.*grpc_status="(\w+)"} (\d+)$/.exec(line) ?? []);
    expect(counts.filter((_, i) => i % 3 !== 0)).toEqual(['0', '1', '14', '2', 'other', '4']);
  });

  it('stay bounded whatever gRPC statuses a server makes up', () => {
    const { made } = telemetry();
    const series = made.series(key());
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.double()), fc.integer({ min: 200, max: 599 }), (code, status) => {
        series.exchange(end({ status, grpcStatus: code }), {});
      }),
      { numRuns: 1000 },
    );
    const text = made.expose();
    expect(text.match(/^weft_requests_total\{/gm)!.length).toBeLessThanOrEqual(65);
    expect(text).toMatch(
      /^weft_requests_total\{.*status="other",response_flag="other",grpc_status="other"} \d+$/m,
    );
  });

  it('say what is held now, and which bounds were reached', () => {
    const { made } = telemetry();
    const { inbound, outbound } = made.load;
    inbound.acceptedStreams += 2;
    outbound.openedStreams += 1;
    outbound.pending += 3;
    inbound.bufferedBytes += 4096;
    inbound.bufferedBytes -= 96;
    inbound.heldBytes += 7;
    made.boundReached('streams');
    made.boundReached('streams');
    const text = made.expose();
    expect(valueOf(text, 'weft_streams_open{direction="inbound",role="server"}')).toBe(2);
    expect(valueOf(text, 'weft_streams_open{direction="inbound",role="client"}')).toBe(0);
    expect(valueOf(text, 'weft_streams_open{direction="outbound",role="client"}')).toBe(1);
    expect(valueOf(text, 'weft_requests_pending{direction="outbound"}')).toBe(3);
    expect(valueOf(text, 'weft_buffered_bytes{direction="inbound",state="sending"}')).toBe(4000);
    expect(valueOf(text, 'weft_buffered_bytes{direction="inbound",state="held"}')).toBe(7);
    expect(valueOf(text, 'weft_bounds_reached_total{bound="streams"}')).toBe(2);
  });

  it('count errors of HTTP/2 by name, and all that have none together', () => {
    const { made } = telemetry();
    made.http2Error('inbound', 11, 'proxy');
    made.http2Error('outbound', 8, 'peer');
    for (let code = 14; code < 2000; code++) made.http2Error('inbound', code, 'peer');
    const text = made.expose();
    const name = 'weft_http2_errors_total';
    expect(valueOf(text, `${name}{direction="inbound",by="proxy",code="ENHANCE_YOUR_CALM"}`)).toBe(1);
    expect(valueOf(text, `${name}{direction="outbound",by="peer",code="CANCEL"}`)).toBe(1);
    expect(valueOf(text, `${name}{direction="inbound",by="peer",code="other"}`)).toBe(1986);
    expect(text.match(/^weft_http2_errors_total\{/gm)).toHaveLength(3);
  });

  it('follow connections', () => {
    const { made } = telemetry();
    made.connectionOpened('inbound', 'plain');
    made.connectionOpened('inbound', 'plain');
    made.connectionClosed('inbound', 'plain');
    const text = made.expose();
    expect(valueOf(text, 'weft_connections_open{direction="inbound",security="plain"}')).toBe(1);
    expect(valueOf(text, 'weft_connections_total{direction="inbound",security="plain"}')).toBe(2);
  });
});

describe('the diagnostic log', () => {
  it('writes JSON of its level and above, errors with their code', () => {
    const { lines, writer } = sink();
    const log = createLog(writer, 'Info');
    log.debug({}, 'unseen');
    log.info({}, 'hello');
    log.warn({ error: new WeftError('IDENTITY_INVALID', 'bad "key"', { field: 'tls.key' }) }, 'x');
    log.setLevel('Debug');
    log.debug({ a: 1 }, 'seen');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'Info', message: 'hello' },
      { level: 'Warn', error: { code: 'IDENTITY_INVALID', field: 'tls.key', message: 'bad "key"' } },
      { level: 'Debug', message: 'seen', a: 1 },
    ]);
  });
});

describe('texts', () => {
  it('quote as JSON does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(quote(text))).toBe(text);
      }),
    );
  });
});
