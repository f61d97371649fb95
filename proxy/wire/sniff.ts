/** Recognizes what a client speaks from its first bytes, however they are split. Looks at bytes only. */
import { bound } from './bounds.ts';

/**
 * more: not known yet. maybe-http: not known yet, but starts as a request line does. weft: TLS that offers our ALPN.
 * tls: any other TLS. http2: its preface. tcp: anything else.
 */
export type Sniffed = 'more' | 'maybe-http' | 'http' | 'http2' | 'weft' | 'tls' | 'tcp';

export const ALPN_TCP = 'weft-tcp/1';
export const ALPN_HTTP2 = 'weft/1';

const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
const ALPN_EXTENSION = 16;
const REQUEST_LINE = /^[A-Z][A-Z_-]{0,31} [^ \r\n]+ HTTP\/1\.[0-9]\r\n$/;
const REQUEST_LINE_START = /^[A-Z][A-Z_-]{0,31} [^ \r\n]/;
const METHOD_START = /^[A-Z][A-Z_-]{0,31}$/;
const HTTP2_PREFACE = 'PRI * HTTP/2.0';

export function sniff(bytes: Buffer): Sniffed {
  if (bytes.length === 0) return 'more';
  if (bytes[0] === HANDSHAKE_RECORD) return sniffTls(bytes);
  if (bytes[0]! < 0x41 || bytes[0]! > 0x5a) return 'tcp';
  const newline = bytes.indexOf(10);
  const line = bytes.toString('latin1', 0, newline < 0 ? Math.min(bytes.length, 8192) : newline + 1);
  if (line.startsWith(HTTP2_PREFACE)) return 'http2';
  if (newline >= 0) return REQUEST_LINE.test(line) ? 'http' : 'tcp';
  // a request line this long is judged, and bounded, by the reader of heads
  if (REQUEST_LINE_START.test(line)) return bytes.length < 8192 ? 'maybe-http' : 'http';
  return METHOD_START.test(line) || /^[A-Z][A-Z_-]{0,31} $/.test(line) ? 'more' : 'tcp';
}

/** RFC 8446, 5.1 and 4.1.2. The ClientHello may be spread over several records. */
function sniffTls(bytes: Buffer): Sniffed {
  if (bytes.length >= 2 && bytes[1] !== 3) return 'tcp';
  if (bytes.length >= 3 && bytes[2]! > 4) return 'tcp';
  const hello = handshakeBytes(bytes);
  if (hello === 'tcp') return 'tcp';
  if (hello.length >= 1 && hello[0] !== CLIENT_HELLO) return 'tls';
  if (hello.length < 4) return 'more';
  const length = hello.readUIntBE(1, 3);
  if (length > bound.sniffBytes) return 'tls';
  if (hello.length < 4 + length) return bytes.length > bound.sniffBytes ? 'tls' : 'more';
  const offered = alpnOf(hello.subarray(4, 4 + length));
  return offered.includes(ALPN_TCP) || offered.includes(ALPN_HTTP2) ? 'weft' : 'tls';
}

/** What the handshake records so far hold, up to the end of the first message: what comes after it changes nothing. */
function handshakeBytes(bytes: Buffer): Buffer | 'tcp' {
  let message: Buffer = bytes.subarray(0, 0);
  let at = 0;
  for (let records = 1; at + 5 <= bytes.length && bytes[at] === HANDSHAKE_RECORD; records++) {
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > 16_640 || records > bound.helloRecords) return 'tcp';
    const part = bytes.subarray(at + 5, Math.min(bytes.length, at + 5 + length));
    message = message.length === 0 ? part : Buffer.concat([message, part]);
    if (message.length >= 4 && message.length >= 4 + message.readUIntBE(1, 3)) break;
    at += 5 + length;
  }
  return message;
}

/** Protocols that a ClientHello offers; none where it is malformed. */
function alpnOf(hello: Buffer): string[] {
  // version, random
  let at = 34;
  const skip = (size: number): boolean => {
    if (at + size > hello.length) return false;
    const length = hello.readUIntBE(at, size);
    at += size + length;
    return at <= hello.length;
  };
  // session id, cipher suites, compression methods
  if (!skip(1) || !skip(2) || !skip(1) || at + 2 > hello.length) return [];
  const end = Math.min(hello.length, at + 2 + hello.readUInt16BE(at));
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const next = at + 4 + hello.readUInt16BE(at + 2);
    if (next > end) return [];
    if (type === ALPN_EXTENSION) return protocolNames(hello.subarray(at + 4, next));
    at = next;
  }
  return [];
}

/** RFC 7301, 3.1. */
function protocolNames(extension: Buffer): string[] {
  const names: string[] = [];
  let at = 2;
  while (at < extension.length) {
    const length = extension[at]!;
    if (length === 0 || at + 1 + length > extension.length) return [];
    names.push(extension.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return names;
}
