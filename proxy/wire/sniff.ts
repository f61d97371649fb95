/** Recognizes what a client speaks from its first bytes, however they are split. Looks at bytes only. */
import { CR, LF } from './http1/characters.ts';
import { readClientHello, startsAsTls, type ClientHello } from './clientHello.ts';

/**
 * more: not known yet. maybe-http: not known yet, but starts as a request line does. weft: TLS that offers our ALPN.
 * tls: any other TLS. http2: its preface. tcp: anything else.
 */
export type Sniffed = 'more' | 'maybe-http' | 'http' | 'http2' | 'weft' | 'tls' | 'tcp';

export const ALPN_TCP = 'weft-tcp/1';
export const ALPN_HTTP2 = 'weft/1';

/**
 * What any server might take for a request line, also one that is lenient: its strict reader then refuses it. Carried as
 * bytes, a request would reach the application with fields that only proxies may set.
 */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}[ \t]+[^\r\n]*[ \t]HTTP\/[0-9][^\r\n]*\r?\n$/;
const REQUEST_LINE_START = /^[A-Z][A-Z_-]{0,31} [^ \r\n]/;
const METHOD_START = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?:[ \t][^\n]*)?$/;
/** Empty lines before a request (RFC 9112, 2.2). */
const MAX_LINE_ENDS = 8;
/** The request line of the preface (RFC 9113, 3.4): a line that HTTP/1.x would refuse. The rest is judged by its reader. */
const HTTP2_PREFACE = 'PRI * HTTP/2.0';
/** So much of the preface is no other protocol's greeting. */
const MUCH_OF_PREFACE = 'PRI'.length;

export function sniff(bytes: Buffer): Sniffed {
  if (bytes.length === 0) return 'more';
  if (startsAsTls(bytes)) return sniffTls(bytes);
  const from = afterLineEnds(bytes);
  if (from > MAX_LINE_ENDS) return 'tcp';
  if (from === bytes.length) return 'more';
  const first = bytes[from]! | 0x20;
  if (first < 0x61 || first > 0x7a) return 'tcp';
  const newline = bytes.indexOf(10, from);
  const end = newline < 0 ? Math.min(bytes.length, from + 8192) : newline + 1;
  const line = bytes.toString('latin1', from, end);
  if (line.startsWith(HTTP2_PREFACE)) return 'http2';
  if (newline >= 0) return REQUEST_LINE.test(line) ? 'http' : 'tcp';
  if (line.length >= MUCH_OF_PREFACE && HTTP2_PREFACE.startsWith(line)) return 'maybe-http';
  // a request line this long is judged, and bounded, by the reader of heads
  if (REQUEST_LINE_START.test(line)) return bytes.length < 8192 ? 'maybe-http' : 'http';
  return METHOD_START.test(line) ? 'more' : 'tcp';
}

function afterLineEnds(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && at <= MAX_LINE_ENDS && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}

/** The same where a port is known to speak HTTP, so that all there is to tell is its version. */
export function sniffVersion(bytes: Buffer): 'more' | 'http' | 'http2' {
  const start = bytes.toString('latin1', 0, HTTP2_PREFACE.length);
  if (start === HTTP2_PREFACE) return 'http2';
  return HTTP2_PREFACE.startsWith(start) ? 'more' : 'http';
}

function sniffTls(bytes: Buffer): Sniffed {
  const hello = readClientHello(bytes);
  if (typeof hello === 'string') return hello;
  return offersWire(hello) ? 'weft' : 'tls';
}

/** It comes from a proxy of the mesh, or says so. */
export const offersWire = ({ protocols }: ClientHello): boolean =>
  protocols.includes(ALPN_TCP) || protocols.includes(ALPN_HTTP2);
