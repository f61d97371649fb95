import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeftError } from '../../core/errors/index.ts';
import { createTelemetry } from './index.ts';
import { quote, timestamp } from './json.ts';
import { createLog } from './log.ts';
import { processFamilies } from './process.ts';
import type { ExchangeEnd, SeriesKey } from './types.ts';

const key = (change: Partial<SeriesKey> = {}): SeriesKey => ({
  direction: 'inbound',
  source: 'spiffe://cluster.local/ns/shop/sa/cart',
  destination: 'spiffe://cluster.local/ns/shop/sa/payment',
  service: '8080',
  protocol: 'http',
  security: 'mtls',
  ...change,
});

const end = (change: Partial<ExchangeEnd> = {}): ExchangeEnd => ({
  status: 200,
  durationMs: 3.14159,
  requestBytes: 10,
  responseBytes: 20,
  flag: undefined,
  attempts: 1,
  ...change,
});

function sink() {
  const lines: string[] = [];
  return {
    lines,
    writer: { write: (line: string) => void lines.push(line), dropped: 0, end: async () => {} },
  };
}

function telemetry(seriesLimit?: number) {
  const { lines, writer } = sink();
  const made = createTelemetry({ accessLog: writer, ...(seriesLimit !== undefined && { seriesLimit }) });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { made, parsed, lines };
}

const valueOf = (text: string, start: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1),
  );

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
    expect(valueOf(text, `weft_requests_total{${labels},status="200",response_flag=""}`)).toBe(2);
    expect(
      valueOf(text, `weft_requests_total{${labels},status="403",response_flag="AUTHORIZATION_DENIED"}`),
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

describe('the access log', () => {
  it('says who called whom, with which outcome and by which rule', () => {
    const { made, parsed } = telemetry();
    made.series(key()).exchange(end({ status: 403, flag: 'AUTHORIZATION_DENIED' }), {
      method: 'POST',
      path: '/charge?card=4111',
      host: 'payment',
      peer: '10.0.0.1:4000',
      upstream: '10.0.0.2:8080',
      requestId: 'r-1',
      traceparent: '00-a-b-01',
      verdict: { action: 'Deny', policy: 'shop/payment', rule: 'default' },
    });
    const [line] = parsed();
    expect(line).toEqual({
      ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      direction: 'inbound',
      source: 'spiffe://cluster.local/ns/shop/sa/cart',
      destination: 'spiffe://cluster.local/ns/shop/sa/payment',
      service: '8080',
      protocol: 'http',
      security: 'mtls',
      method: 'POST',
      path: '/charge',
      host: 'payment',
      status: 403,
      flag: 'AUTHORIZATION_DENIED',
      durationMs: 3.142,
      sentBytes: 10,
      receivedBytes: 20,
      attempts: 1,
      peer: '10.0.0.1:4000',
      upstream: '10.0.0.2:8080',
      requestId: 'r-1',
      traceparent: '00-a-b-01',
      verdict: 'Deny',
      policy: 'shop/payment',
      rule: 'default',
    });
  });

  it('is one line of JSON whatever a client sends', () => {
    const { made, lines, parsed } = telemetry();
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (method, path) => {
        lines.length = 0;
        made.series(key({ source: path })).exchange(end(), { method, path, host: path, requestId: method });
        expect(lines[0]).not.toContain('\n');
        expect(parsed()[0]).toMatchObject({ method: method.slice(0, 256) });
      }),
    );
  });

  it('keeps lines short', () => {
    const { made, lines } = telemetry();
    made.series(key()).exchange(end(), { path: '/'.repeat(100_000), host: 'h'.repeat(100_000) });
    expect(lines[0]!.length).toBeLessThan(2000);
  });

  it('writes all, errors or nothing', () => {
    const { made, parsed } = telemetry();
    const series = made.series(key());
    made.setAccessLog('Errors');
    series.exchange(end(), {});
    series.exchange(end({ status: 500 }), {});
    series.connection({ durationMs: 1, sentBytes: 0, receivedBytes: 0, flag: undefined }, {});
    series.connection({ durationMs: 1, sentBytes: 0, receivedBytes: 0, flag: 'MTLS_REQUIRED' }, {});
    series.exchange(end(), { verdict: { action: 'Allow', policy: '', rule: 'default', shadow: 'Deny' } });
    made.setAccessLog('Off');
    series.exchange(end({ status: 500 }), {});
    expect(parsed().map(({ status, flag, shadow }) => status ?? flag ?? shadow)).toEqual([
      500,
      'MTLS_REQUIRED',
      200,
    ]);
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

  it('tell the time', () => {
    expect(timestamp(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(timestamp(1)).toBe('1970-01-01T00:00:00.001Z');
  });
});
