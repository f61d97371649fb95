/**
 * Judges field sections (RFC 9113, 8.2 and 8.3; RFC 8441, 4). What is malformed is refused, never repaired: a repaired
 * message is read differently by whoever comes next.
 */
import { HOST, TARGET, TOKEN } from '../http1/characters.ts';
import { among, isValue, isValueOf, kind, lengthOf, ruleOf } from './fieldRules.ts';

const NONE: readonly string[] = [];

/** A valid head. Its regular fields are a flat list of names and values, in order, names in lower case. */
export class Http2Head {
  fields: string[] = [];
  method = '';
  /** '' for CONNECT without `protocol`. */
  scheme = '';
  /** Of `:authority`, else of Host, which stays among the fields as well; '' where there is neither. */
  authority = '';
  /** Path and query; '' for CONNECT without `protocol`. */
  path = '';
  /** Of extended CONNECT, such as `websocket`; else ''. */
  protocol = '';
  /** Of responses; else 0. */
  status = 0;
  /** -1: none. */
  contentLength = -1;
  /** Names that came as never to be indexed: who passes them on must say so too (RFC 7541, 7.1.3). */
  neverIndexed: readonly string[] = NONE;
  private hosts = 0;
  private host = '';

  /** `:authority` was there, perhaps empty. */
  private named = false;

  /** Takes one pseudo-field of a request; '' or what is wrong. */
  private pseudo(name: string, value: string): string {
    switch (name) {
      case ':method':
        if (this.method !== '' || value === '' || !among(TOKEN, value)) return 'invalid :method';
        this.method = value;
        return '';
      case ':path':
        if (this.path !== '' || value === '' || !among(TARGET, value)) return 'invalid :path';
        this.path = value;
        return '';
      case ':scheme':
        if (this.scheme !== '' || !isScheme(value)) return 'invalid :scheme';
        this.scheme = value;
        return '';
      case ':authority':
        if (this.named || !isKnownHost(value)) return 'invalid :authority';
        this.named = true;
        this.authority = value;
        return '';
      case ':protocol':
        if (this.protocol !== '' || value === '' || !among(TOKEN, value)) return 'invalid :protocol';
        this.protocol = value;
        return '';
      default:
        return 'unknown pseudo-field';
    }
  }

  /** Takes one regular field; '' or what is wrong. */
  private regular(name: string, value: string): string {
    const rule = ruleOf(name);
    const what = rule.kind;
    if (!isValueOf(rule, value)) return 'invalid field value';
    if (what === kind.ordinary) return '';
    switch (what) {
      case kind.te:
        return value === 'trailers' ? '' : 'te is not trailers';
      case kind.contentLength:
        return this.takeLength(value);
      case kind.host:
        this.hosts++;
        this.host = value;
        return '';
      case kind.forbidden:
        return 'field of HTTP/1.x connections';
      default:
        return name.charCodeAt(0) === COLON ? 'pseudo-field after regular fields' : 'invalid field name';
    }
  }

  private takeLength(value: string): string {
    const length = lengthOf(value);
    if (this.contentLength >= 0 || length < 0) return 'invalid content-length';
    this.contentLength = length;
    return '';
  }

  private takeFields(list: string[], from: number): string {
    for (let at = from; at < list.length; at += 2) {
      const problem = this.regular(list[at]!, list[at + 1]!);
      if (problem !== '') return problem;
    }
    dropFirst(list, from);
    this.fields = list;
    return '';
  }

  /** A request out of a flat list with its pseudo-fields; '' or what is wrong. */
  takeRequest(list: string[]): string {
    let at = 0;
    for (; at < list.length && list[at]!.charCodeAt(0) === COLON; at += 2) {
      const problem = this.pseudo(list[at]!, list[at + 1]!);
      if (problem !== '') return problem;
    }
    return this.takeFields(list, at) || this.concludeRequest();
  }

  takeResponse(list: string[]): string {
    if (list[0] !== ':status') return 'no :status';
    const value = list[1]!;
    const status = value.length === 3 ? lengthOf(value) : -1;
    // 101 does not exist in HTTP/2 (8.6)
    if (status < 100 || status > 599 || status === 101) return 'invalid :status';
    this.status = status;
    return this.takeFields(list, 2);
  }

  private concludeRequest(): string {
    if (this.method === '') return 'no :method';
    // 8.3.1: two that differ are an attempt to be read in two ways
    if (this.hosts > 1) return 'more than one host';
    if (this.hosts === 1) {
      if (!isHost(this.host)) return 'invalid host';
      if (!this.named) this.authority = this.host;
      else if (this.host !== this.authority && this.host.toLowerCase() !== this.authority.toLowerCase())
        return ':authority and host differ';
    }
    if (this.method === 'CONNECT') return this.concludeConnect();
    if (this.protocol !== '') return ':protocol is for CONNECT';
    if (this.scheme === '') return 'no :scheme';
    return this.concludePath();
  }

  /** RFC 9113, 8.5 and RFC 8441, 4. */
  private concludeConnect(): string {
    if (!this.named) return 'CONNECT without :authority';
    // bytes follow, and nobody could say whether they are content
    if (this.contentLength > 0) return 'CONNECT with content';
    // requests inside it would go past authorization
    if (/^h2c?$/i.test(this.protocol)) return 'h2c is not for HTTP/2';
    if (this.protocol !== '') {
      if (this.scheme === '') return 'no :scheme';
      return this.concludePath();
    }
    if (this.scheme !== '' || this.path !== '') return 'CONNECT with :scheme or :path';
    return CONNECT_TO.test(this.authority) ? '' : 'CONNECT needs host and port';
  }

  private concludePath(): string {
    if (this.path.charCodeAt(0) === SLASH) return '';
    if (this.path === '*' && this.method === 'OPTIONS') return '';
    return this.path === '' ? 'no :path' : 'invalid :path';
  }
}

/** In the list itself, which is nobody else's. */
function dropFirst(list: string[], count: number): void {
  if (count === 0) return;
  for (let at = count; at < list.length; at++) list[at - count] = list[at]!;
  for (let dropped = 0; dropped < count; dropped++) list.pop();
}

/** '' or what is wrong with trailers: pseudo-fields have no place in them (8.1). */
export function trailersProblem(list: readonly string[]): string {
  for (let at = 0; at < list.length; at += 2) {
    const what = ruleOf(list[at]!).kind;
    // those that have a meaning have none here (RFC 9110, 6.5.1)
    if (what !== kind.ordinary) return 'invalid trailer';
    if (!isValue(list[at + 1]!)) return 'invalid trailer value';
  }
  return '';
}

const COLON = 58;
const SLASH = 47;
const CONNECT_TO = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]+):[0-9]{1,5}$/;

const isScheme = (value: string): boolean =>
  value === 'http' || value === 'https' || /^[A-Za-z][A-Za-z0-9+.-]*$/.test(value);

let lastHost = '';

/** Most requests of a connection, and of many, go to one host. */
function isKnownHost(value: string): boolean {
  if (value === lastHost) return true;
  if (!isHost(value)) return false;
  if (value.length <= 256) lastHost = value;
  return true;
}

/** A name or an address in brackets, and a port. No userinfo, which makes one host look like another (8.3.1). */
function isHost(value: string): boolean {
  let rest = value;
  if (value.charCodeAt(0) === 91) {
    const close = value.indexOf(']');
    if (close < 2 || !among(HOST, value.slice(1, close))) return false;
    rest = value.slice(close + 1);
    if (rest !== '' && rest.charCodeAt(0) !== COLON) return false;
  }
  const colon = rest.indexOf(':');
  return among(HOST, rest) && (colon < 0 || rest.indexOf(':', colon + 1) < 0);
}
