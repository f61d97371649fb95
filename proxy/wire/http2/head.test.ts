import { describe, expect, it } from 'vitest';
import { Http2Head, trailersProblem } from './head.ts';
import { GET } from './testing/rawPeer.ts';

const with_ = (name: string, value: string): string[] =>
  GET.flatMap((text, index) => (index % 2 === 0 ? [text, text === name ? value : GET[index + 1]!] : []));
const without = (name: string): string[] => GET.filter((_, index) => GET[index - (index % 2)] !== name);
const connect = (...fields: string[]): string[] => [':method', 'CONNECT', ...fields];

const refused: [name: string, list: string[], problem: string][] = [
  ['no method', without(':method'), 'no :method'],
  ['no scheme', without(':scheme'), 'no :scheme'],
  ['no path', without(':path'), 'no :path'],
  ['an empty path', with_(':path', ''), 'invalid :path'],
  ['a path without a slash', with_(':path', 'a'), 'invalid :path'],
  ['* for GET', with_(':path', '*'), 'invalid :path'],
  ['a path with a fragment', with_(':path', '/#'), 'invalid :path'],
  ['a path with a space', with_(':path', '/ HTTP/1.1'), 'invalid :path'],
  ['a path with a line end', with_(':path', '/\r\n'), 'invalid :path'],
  ['a path beyond ASCII', with_(':path', '/\xe4'), 'invalid :path'],
  ['a method that is no token', with_(':method', 'G T'), 'invalid :method'],
  ['an empty method', with_(':method', ''), 'invalid :method'],
  ['a scheme that is none', with_(':scheme', 'ht tp'), 'invalid :scheme'],
  ['an empty scheme', with_(':scheme', ''), 'invalid :scheme'],
  ['two methods', [':method', 'GET', ...GET], 'invalid :method'],
  ['two schemes', [':scheme', 'http', ...GET], 'invalid :scheme'],
  ['two paths', [':path', '/', ...GET], 'invalid :path'],
  ['two authorities', [':authority', '', ...GET], 'invalid :authority'],
  ['an authority with userinfo', with_(':authority', 'user@a'), 'invalid :authority'],
  ['an authority with a path', with_(':authority', 'a/b'), 'invalid :authority'],
  ['an authority with two ports', with_(':authority', 'a:1:2'), 'invalid :authority'],
  ['an authority that does not close its bracket', with_(':authority', '[::1'), 'invalid :authority'],
  ['an authority with text after its bracket', with_(':authority', '[::1]a'), 'invalid :authority'],
  ['an unknown pseudo-field', [':unknown', 'a', ...GET], 'unknown pseudo-field'],
  ['a pseudo-field of responses', [':status', '200', ...GET], 'unknown pseudo-field'],
  ['a pseudo-field after others', [...GET, 'a', 'b', ':path', '/'], 'pseudo-field after regular fields'],
  ['an upper-case name', [...GET, 'Accept', 'a'], 'invalid field name'],
  ['an empty name', [...GET, '', 'a'], 'invalid field name'],
  ['a name with a space', [...GET, 'a ', 'b'], 'invalid field name'],
  ['a name with a colon', [...GET, 'a:', 'b'], 'invalid field name'],
  ['a name with a line end', [...GET, 'a\r\nb', 'c'], 'invalid field name'],
  ['a name beyond ASCII', [...GET, '\xe4', 'c'], 'invalid field name'],
  ['a value with a line end', [...GET, 'a', 'b\r\nc: d'], 'invalid field value'],
  ['a value with a null', [...GET, 'a', 'b\0'], 'invalid field value'],
  ['a value with DEL', [...GET, 'a', 'b\x7f'], 'invalid field value'],
  ['a value that begins with a space', [...GET, 'a', ' b'], 'invalid field value'],
  ['a value that ends with a tab', [...GET, 'a', 'b\t'], 'invalid field value'],
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'].map(
    (name): [string, string[], string] => [name, [...GET, name, 'a'], 'field of HTTP/1.x connections'],
  ),
  ['te other than trailers', [...GET, 'te', 'trailers, deflate'], 'te is not trailers'],
  ['a content-length that is none', [...GET, 'content-length', '1, 1'], 'invalid content-length'],
  ['a negative content-length', [...GET, 'content-length', '-1'], 'invalid content-length'],
  ['an empty content-length', [...GET, 'content-length', ''], 'invalid content-length'],
  ['a content-length beyond counting', [...GET, 'content-length', '9'.repeat(16)], 'invalid content-length'],
  ['two content-lengths', [...GET, 'content-length', '1', 'content-length', '1'], 'invalid content-length'],
  ['a host that differs', [...GET, 'host', 'b'], ':authority and host differ'],
  [
    'a host beside an empty authority',
    [...with_(':authority', ''), 'host', 'b'],
    ':authority and host differ',
  ],
  ['two hosts', [...GET, 'host', 'a', 'host', 'a'], 'more than one host'],
  ['an invalid host', [...without(':authority'), 'host', 'a@b'], 'invalid host'],
  [':protocol without CONNECT', [':protocol', 'websocket', ...GET], ':protocol is for CONNECT'],
  ['CONNECT without authority', connect(), 'CONNECT without :authority'],
  ['CONNECT without a port', connect(':authority', 'a'), 'CONNECT needs host and port'],
  ['CONNECT with a path', connect(':authority', 'a:1', ':path', '/'), 'CONNECT with :scheme or :path'],
  ['CONNECT with a scheme', connect(':authority', 'a:1', ':scheme', 'http'), 'CONNECT with :scheme or :path'],
  [
    'extended CONNECT without a path',
    connect(':protocol', 'a', ':scheme', 'http', ':authority', 'a'),
    'no :path',
  ],
  [
    'extended CONNECT without a scheme',
    connect(':protocol', 'a', ':path', '/', ':authority', 'a'),
    'no :scheme',
  ],
  [
    'extended CONNECT without authority',
    connect(':protocol', 'a', ':path', '/', ':scheme', 'http'),
    'CONNECT without :authority',
  ],
  ['extended CONNECT with an invalid protocol', connect(':protocol', 'a b'), 'invalid :protocol'],
];

describe('a request is refused for', () => {
  it.each(refused)('%s', (_name, list, problem) => {
    expect(new Http2Head().takeRequest(list)).toBe(problem);
  });
});

describe('a request', () => {
  const take = (list: string[]): Http2Head => {
    const head = new Http2Head();
    expect(head.takeRequest(list)).toBe('');
    return head;
  };

  it('keeps its fields in order, doubles too', () => {
    const fields = [
      'cookie',
      'a',
      'accept',
      '',
      'cookie',
      'b',
      'te',
      'trailers',
      'content-length',
      '007',
      'x',
      '\xff\t"',
    ];
    const head = take([...GET, ...fields]);
    expect(head).toMatchObject({
      method: 'GET',
      scheme: 'http',
      path: '/',
      authority: 'a',
      status: 0,
      contentLength: 7,
    });
    expect(head.fields).toEqual(fields);
  });

  it('names its host in :authority, or else in host', () => {
    expect(take([...GET, 'host', 'A']).authority).toBe('a');
    expect(take([...without(':authority'), 'host', 'b:1']).authority).toBe('b:1');
    expect(take(without(':authority')).authority).toBe('');
    expect(take(with_(':authority', '[::1]:80')).authority).toBe('[::1]:80');
  });

  it('may be OPTIONS *', () => {
    expect(take([':method', 'OPTIONS', ...with_(':path', '*').slice(2)]).path).toBe('*');
  });

  it('may be CONNECT, plain or extended', () => {
    expect(take(connect(':authority', '[::1]:443'))).toMatchObject({
      authority: '[::1]:443',
      protocol: '',
      path: '',
    });
    const head = take(
      connect(':protocol', 'websocket', ':scheme', 'https', ':path', '/chat', ':authority', 'a'),
    );
    expect(head).toMatchObject({ protocol: 'websocket', path: '/chat', scheme: 'https' });
  });
});

describe('a response', () => {
  it.each([
    [[], 'no :status'],
    [['a', 'b'], 'no :status'],
    [[':status', '099'], 'invalid :status'],
    [[':status', '600'], 'invalid :status'],
    [[':status', '101'], 'invalid :status'],
    [[':status', '20'], 'invalid :status'],
    [[':status', '200 OK'], 'invalid :status'],
    [[':status', '200', ':status', '200'], 'pseudo-field after regular fields'],
    [[':status', '200', 'connection', 'close'], 'field of HTTP/1.x connections'],
  ])('of %j is refused', (list, problem) => {
    expect(new Http2Head().takeResponse(list)).toBe(problem);
  });

  it('has a status and fields', () => {
    const head = new Http2Head();
    expect(head.takeResponse([':status', '299', 'set-cookie', 'a', 'set-cookie', 'b'])).toBe('');
    expect(head).toMatchObject({ status: 299, fields: ['set-cookie', 'a', 'set-cookie', 'b'] });
  });
});

describe('trailers', () => {
  it.each([
    [['grpc-status', '0'], ''],
    [[':path', '/'], 'invalid trailer'],
    [['A', 'b'], 'invalid trailer'],
    [['connection', 'close'], 'invalid trailer'],
    [['a', 'b\n'], 'invalid trailer value'],
  ])('%j', (list, problem) => {
    expect(trailersProblem(list)).toBe(problem);
  });
});
