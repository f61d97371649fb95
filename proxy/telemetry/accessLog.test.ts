import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { end, key, telemetry } from './testing/read.ts';

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

  it('says by which version and wire, and how a gRPC call ended', () => {
    const { made, parsed } = telemetry();
    made
      .series(key())
      .exchange(end({ grpcStatus: 5 }), { protocol: 'HTTP/2', wire: 'weft/1', method: 'POST' });
    expect(parsed()[0]).toMatchObject({ protocol: 'HTTP/2', wire: 'weft/1', status: 200, grpcStatus: 5 });
  });

  it('says which host a TLS connection that passed through was for', () => {
    const { made, parsed } = telemetry();
    const ended = { durationMs: 1, sentBytes: 1, receivedBytes: 2, flag: undefined };
    made.series(key({ protocol: 'tcp' })).connection(ended, { serverName: 'a.example', wire: 'weft-tcp/1' });
    expect(parsed()[0]).toMatchObject({ protocol: 'tcp', wire: 'weft-tcp/1', serverName: 'a.example' });
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

  it.each([
    [0, false],
    [5, false],
    [7, false],
    [2, true],
    [4, true],
    [12, true],
    [13, true],
    [14, true],
    [15, true],
    [99, true],
  ])('takes gRPC status %i for an error: %s', (grpcStatus, expected) => {
    const { made, lines } = telemetry();
    made.setAccessLog('Errors');
    made.series(key()).exchange(end({ grpcStatus }), {});
    expect(lines.length === 1).toBe(expected);
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
