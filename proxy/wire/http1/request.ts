import type { Request } from '../exchange/message.ts';
import { COLON, CR, HOST, LF, SPACE, TARGET, TOKEN } from './characters.ts';
import { Head } from './head.ts';
import { limit } from './limits.ts';

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE'].map(
  (name) => ({
    name,
    bytes: Buffer.from(`${name} `, 'latin1'),
  }),
);
/** RFC 9110, 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);
const SLASH = 47;
const ASTERISK = 42;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const VERSION = Buffer.from('HTTP/1.', 'latin1');

/** The head of a request. */
export class RequestHead extends Head implements Request {
  get protocolName(): string {
    return this.version === 10 ? 'HTTP/1.0' : 'HTTP/1.1';
  }
  readonly http2 = false;
  readonly grpc = false;
  method = '';
  private targetStart = 0;
  private targetEnd = 0;
  private pathStart = 0;
  /** Of an absolute target, where HTTP/1.0 has no Host. */
  private targetHost = '';

  /** The request target as it came. */
  get target(): string {
    return this.slice(this.targetStart, this.targetEnd);
  }
  /** Path and query: of an absolute target what follows its authority, '/' where nothing does; '' for CONNECT. */
  get path(): string {
    if (this.method === 'CONNECT') return '';
    return this.pathStart === this.targetEnd ? '/' : this.slice(this.pathStart, this.targetEnd);
  }
  get upgrading(): boolean {
    return this.upgrades && this.mayUpgrade;
  }
  /** RFC 9112, 9.3. */
  get persists(): boolean {
    return this.version === 11 ? !this.close : this.keepAlive && !this.close;
  }
  get idempotent(): boolean {
    return IDEMPOTENT.has(this.method);
  }
  /** Where the request names its host: the Host field, or for CONNECT the target. */
  get authority(): string {
    if (this.method === 'CONNECT') return this.target;
    return this.hosts === 0 ? this.targetHost : this.host;
  }
  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0;
  }
  /**
   * An upgrade that may pass. Not h2c, whose requests would go past authorization, not what only proxies ask of each other, and not with a body, of which
   * nobody could say whether it belongs to the old protocol or the new.
   */
  get mayUpgrade(): boolean {
    return (
      this.upgrades &&
      this.version === 11 &&
      !this.hasBody &&
      /^(?!.*\b(?:h2c?\b|weft-))[a-z]/.test(this.upgradeTo)
    );
  }

  protected startLine(from: number): number {
    const { bytes } = this;
    const end = bytes.length;
    let at = from;
    while (at < end && TOKEN[bytes[at]!] === 1) at++;
    if (at - from > limit.methodBytes) return this.invalid('method is too long');
    if (at === end) return 0;
    if (bytes[at] !== SPACE || at === from) return this.invalid('invalid method');
    this.method = methodAt(bytes, from, at);
    at++;
    const target = at;
    while (at < end && TARGET[bytes[at]!] === 1) at++;
    if (at === end) return 0;
    if (bytes[at] !== SPACE || at === target) return this.invalid('invalid request target');
    if (end < at + 11) return this.couldEndWell(at + 1) ? 0 : this.invalid('invalid version');
    for (let index = 0; index < VERSION.length; index++) {
      if (bytes[at + 1 + index] !== VERSION[index]) return this.invalid('invalid version');
    }
    const minor = bytes[at + 8]! - 0x30;
    if (minor !== 0 && minor !== 1) return this.invalid('unknown version');
    if (bytes[at + 9] !== CR || bytes[at + 10] !== LF)
      return this.invalid('request line does not end in CR LF');
    this.version = minor === 0 ? 10 : 11;
    this.targetHost = '';
    this.targetStart = this.pathStart = target - this.base;
    this.targetEnd = at - this.base;
    return at + 11 - from;
  }

  /** A start line that can no longer become one is refused before the rest of it comes. */
  private couldEndWell(version: number): boolean {
    const end = Math.min(this.bytes.length, version + VERSION.length);
    for (let at = version; at < end; at++) if (this.bytes[at] !== VERSION[at - version]) return false;
    return true;
  }

  protected conclude(): boolean {
    if (this.version === 11 && this.hosts !== 1) {
      return this.refuse(this.hosts === 0 ? 'no Host field' : 'more than one Host field');
    }
    if (this.hosts > 1) return this.refuse('more than one Host field');
    if (!isHost(this.bytes, this.base + this.hostStart, this.base + this.hostEnd))
      return this.refuse('invalid Host');
    if (this.chunked && this.contentLength >= 0)
      return this.refuse('both Content-Length and Transfer-Encoding');
    if (this.chunked && this.version === 10) return this.refuse('Transfer-Encoding in HTTP/1.0');
    if (this.method === 'CONNECT' && this.hasBody) return this.refuse('CONNECT with a body');
    if (this.nominated.length > 0) this.cutNominated();
    return this.targetForm();
  }

  /** RFC 9112, 3.2: origin, absolute, authority and asterisk form, each only where it belongs. */
  private targetForm(): boolean {
    const first = this.bytes[this.base + this.targetStart];
    if (this.method === 'CONNECT') {
      return isAuthority(this.target) || this.refuse('CONNECT needs host and port as its target');
    }
    if (first === SLASH) return true;
    if (first === ASTERISK && this.targetEnd - this.targetStart === 1) {
      return this.method === 'OPTIONS' || this.refuse('target * is for OPTIONS');
    }
    return this.absoluteForm();
  }

  private absoluteForm(): boolean {
    const match = /^https?:\/\/([^/?]+)/i.exec(this.target);
    if (!match) return this.refuse('invalid request target');
    // RFC 9112, 3.2.2 has the target win over Host; two different ones are an attempt to be read in two ways
    if (this.hosts === 1 && match[1]!.toLowerCase() !== this.host.toLowerCase()) {
      return this.refuse('target and Host name different hosts');
    }
    const authority = Buffer.from(match[1]!, 'latin1');
    if (!isHost(authority, 0, authority.length)) return this.refuse('invalid host in the request target');
    this.pathStart = this.targetStart + match[0].length;
    if (this.hosts === 0) this.targetHost = match[1]!;
    return true;
  }

  private invalid(problem: string): -1 {
    this.problem = problem;
    return -1;
  }
}

/** Known methods are shared strings: comparing them costs nothing later. */
function methodAt(bytes: Buffer, start: number, end: number): string {
  for (const method of METHODS) {
    if (method.bytes.length === end - start + 1 && equalAt(bytes, start, method.bytes)) return method.name;
  }
  return bytes.toString('latin1', start, end);
}

function equalAt(bytes: Buffer, start: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}

/** A name or an address in brackets, and a port: with more colons it would be unclear what the host is. */
function isHost(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  if (at < end && bytes[at] === BRACKET_OPEN) {
    do at++;
    while (at < end && HOST[bytes[at]!] === 1);
    if (at === end || bytes[at] !== BRACKET_CLOSE) return false;
    at++;
    if (at < end && bytes[at] !== COLON) return false;
  }
  let colons = 0;
  for (; at < end; at++) {
    if (HOST[bytes[at]!] !== 1 || (bytes[at] === COLON && ++colons > 1)) return false;
  }
  return true;
}

const isAuthority = (target: string) => /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]+):[0-9]{1,5}$/.test(target);
