import { describe, expect, it } from 'vitest';
import { isValueOf, kind, ruleOf } from './fieldRules.ts';
import { Http2Head, trailersProblem } from './head.ts';

const GET = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'a'];
const judge = (...list: string[]): string => new Http2Head().takeRequest(list);

describe('what was found valid before', () => {
  it.each(['accept', 'x-of-its-own', 'te', 'content-length', 'host'])(
    'makes no other value of %s valid',
    (name) => {
      const valid = { te: 'trailers', 'content-length': '5', host: 'a' }[name] ?? 'valid';
      for (const invalid of [`${valid}\0`, `${valid}\r\nx: y`, ` ${valid}`, `${valid}\t`, `${valid}\x7f`]) {
        expect(judge(...GET, name, valid)).toBe('');
        expect(judge(...GET, name, invalid)).toBe('invalid field value');
        // nor does the invalid one count the next time
        expect(judge(...GET, name, invalid)).toBe('invalid field value');
        expect(judge(...GET, name, valid)).toBe('');
      }
    },
  );

  it('makes no value of another field valid', () => {
    expect(judge(...GET, 'x-one', 'trailers, deflate')).toBe('');
    expect(judge(...GET, 'te', 'trailers, deflate')).toBe('te is not trailers');
    expect(judge(...GET, 'te', 'trailers, deflate')).toBe('te is not trailers');
    expect(judge(...GET, 'content-length', '1, 1')).toBe('invalid content-length');
    expect(judge(...GET, 'content-length', '1, 1')).toBe('invalid content-length');
  });

  it('makes no forbidden field pass', () => {
    for (let time = 0; time < 2; time++) {
      expect(judge(...GET, 'connection', 'close')).toBe('field of HTTP/1.x connections');
      expect(judge(...GET, 'Accept', 'close')).toBe('invalid field name');
      expect(trailersProblem(['connection', 'close'])).toBe('invalid trailer');
    }
  });

  it('makes no other host valid, nor that of another place', () => {
    const to = (authority: string, ...fields: string[]) =>
      judge(...GET.slice(0, 6), ':authority', authority, ...fields);
    for (const invalid of ['good.shop:80@evil', 'good.shop:80:80', 'good.shop /', 'u@good.shop:80', '[::1']) {
      expect(to('good.shop:80')).toBe('');
      expect(to(invalid)).toBe('invalid :authority');
      expect(to(invalid)).toBe('invalid :authority');
    }
    expect(to('good.shop:80', 'host', 'evil')).toBe(':authority and host differ');
    expect(judge(':method', 'CONNECT', ':authority', 'good.shop')).toBe('CONNECT needs host and port');
  });
});

describe('remembered is', () => {
  it('the last value of a field', () => {
    const rule = ruleOf('x-remembered');
    expect(ruleOf('x-remembered')).toBe(rule);
    for (const value of ['one', 'two', '']) {
      expect(isValueOf(rule, value)).toBe(true);
      expect(rule.lastValid).toBe(value);
    }
    expect(isValueOf(rule, 'three\n')).toBe(false);
    expect(rule.lastValid).toBe('');
  });

  it.each([
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
    'x-auth-token',
    'x-csrf-token',
    'x-forwarded-client-cert',
  ])('no value of %s', (name) => {
    expect(judge(...GET, name, 'secret')).toBe('');
    expect(isValueOf(ruleOf(name), 'secret')).toBe(true);
    expect(ruleOf(name).lastValid).toBe('');
    expect(judge(...GET, name, 'secret\n')).toBe('invalid field value');
  });

  it('no long value, and no long name', () => {
    const rule = ruleOf('x-long-values');
    expect(isValueOf(rule, 'v'.repeat(129))).toBe(true);
    expect(rule.lastValid).toBe('');
    const name = `x-${'n'.repeat(70)}`;
    expect(ruleOf(name)).not.toBe(ruleOf(name));
    expect(ruleOf(name).kind).toBe(kind.ordinary);
  });

  it('no invalid name', () => {
    for (const name of ['X-Upper', '', 'a b', 'a:', ':path'])
      expect([ruleOf(name).kind, ruleOf(name) === ruleOf(name)]).toEqual([kind.invalid, false]);
  });

  it('no more than so many names, and those beyond are judged as well', () => {
    const names = Array.from({ length: 3000 }, (_, index) => `x-invented-${index}`);
    for (const name of names) expect(judge(...GET, name, 'a')).toBe('');
    expect(names.filter((name) => ruleOf(name) === ruleOf(name)).length).toBeLessThanOrEqual(1024);
    expect(ruleOf('accept')).toBe(ruleOf('accept'));
    for (const name of [names[0]!, names[2999]!]) {
      expect(judge(...GET, name, 'a\n')).toBe('invalid field value');
      expect(judge(...GET, name, 'a')).toBe('');
    }
    expect(judge(...GET, 'connection', 'close')).toBe('field of HTTP/1.x connections');
    expect(judge(...GET, 'x-Upper', 'a')).toBe('invalid field name');
  });
});

describe('a list of fields', () => {
  it('loses its pseudo-fields and nothing else', () => {
    for (let count = 0; count < 6; count++) {
      const fields = Array.from({ length: count }, (_, index) => [`x-${index}`, `v${index}`]).flat();
      const request = new Http2Head();
      expect(request.takeRequest([...GET, ...fields])).toBe('');
      expect(request.fields).toEqual(fields);
      const response = new Http2Head();
      expect(response.takeResponse([':status', '204', ...fields])).toBe('');
      expect(response.fields).toEqual(fields);
      const bare = new Http2Head();
      expect(bare.takeRequest([':method', 'CONNECT', ':authority', 'a:1', ...fields])).toBe('');
      expect(bare.fields).toEqual(fields);
    }
  });
});
