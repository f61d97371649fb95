import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codes, grpcMessage, grpcStatusOf, type Code } from './index.ts';

describe('the gRPC status of a refusal', () => {
  const all = Object.keys(codes) as Code[];
  const reasons = all.slice(0, all.indexOf('CLIENT_CLOSED') + 1);

  it.each(all)('%s has one, and never OK', (code) => {
    const status = grpcStatusOf(code);
    expect(status).toBeGreaterThanOrEqual(1);
    expect(status).toBeLessThanOrEqual(16);
  });

  it('says something of every reason that a proxy gives', () => {
    expect(reasons.filter((code) => grpcStatusOf(code) === 2)).toEqual([]);
  });

  it.each<[number, Code[]]>([
    [1, ['CLIENT_CLOSED']],
    [4, ['REQUEST_TIMEOUT', 'UPSTREAM_TIMEOUT']],
    [7, ['AUTHORIZATION_DENIED', 'SERVICE_HIDDEN']],
    [8, ['HEADERS_TOO_LARGE', 'OVERLOADED']],
    [12, ['UNKNOWN_DESTINATION']],
    [13, ['BAD_REQUEST', 'UPSTREAM_PROTOCOL_ERROR', 'LOOP_DETECTED']],
    [16, ['MTLS_REQUIRED']],
  ])('%i is that of %j', (status, expected) => {
    expect(reasons.filter((code) => grpcStatusOf(code) === status)).toEqual(expected);
  });

  it('is UNAVAILABLE, which clients try again, for all that was not processed', () => {
    const unavailable: Code[] = [
      'UPSTREAM_CONNECT_FAILED',
      'UPSTREAM_CONNECT_TIMEOUT',
      'UPSTREAM_RESET',
      'APPLICATION_UNAVAILABLE',
      'NO_ENDPOINT',
      'ENDPOINT_UNPROTECTED',
      'PEER_IDENTITY_MISMATCH',
      'TLS_HANDSHAKE_FAILED',
      'DRAINING',
      'NOT_CONFIGURED',
      'OUTBOUND_NOT_REGISTERED',
    ];
    expect(reasons.filter((code) => grpcStatusOf(code) === 14)).toEqual(unavailable);
  });
});

describe('the gRPC message of a refusal', () => {
  it.each([
    ['a policy does not allow this caller', 'a policy does not allow this caller'],
    ['100% of `x`', '100%25 of `x`'],
    ['two\r\nlines', 'two%0D%0Alines'],
    ['ä€😀', '%C3%A4%E2%82%AC%F0%9F%98%80'],
    ['\u007f\u0000', '%7F%00'],
    ['lone \ud800', 'lone %EF%BF%BD'],
  ])('%j is %s', (text, expected) => {
    expect(grpcMessage(text)).toBe(expected);
  });

  it('is always a header value, and says the same when it is decoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const message = grpcMessage(text);
        expect(message).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeURIComponent(message)).toBe(text.toWellFormed());
      }),
    );
  });
});
