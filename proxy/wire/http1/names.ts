/** Names of the fields that a proxy must understand, and how to recognize them in bytes. */
import { UNDERSCORE } from './characters.ts';

const nameBytes = (name: string) => Buffer.from(name, 'latin1');
export const HOST_NAME = nameBytes('host');
export const EXPECT = nameBytes('expect');
export const UPGRADE = nameBytes('upgrade');
export const CONNECTION = nameBytes('connection');
export const KEEP_ALIVE = nameBytes('keep-alive');
export const TRACEPARENT = nameBytes('traceparent');
export const REQUEST_ID = nameBytes('x-request-id');
export const CONTENT_LENGTH = nameBytes('content-length');
export const HTTP2_SETTINGS = nameBytes('http2-settings');
export const PROXY_CONNECTION = nameBytes('proxy-connection');
export const TRANSFER_ENCODING = nameBytes('transfer-encoding');
export const WEFT_REASON = nameBytes('x-weft-reason');
export const WEFT_UNPROCESSED = nameBytes('x-weft-unprocessed');

/** Compares without regard to case; `name` is lower-case letters, digits and hyphens, which 0x20 leaves alone. */
export function isName(bytes: Buffer, start: number, name: Buffer): boolean {
  for (let at = 0; at < name.length; at++) {
    if ((bytes[start + at]! | 0x20) !== name[at]) return false;
  }
  return true;
}

/** `weft-http1`, what HTTP/2 cannot say of HTTP/1.x between proxies; of it, too, any spelling. */
const MARK_NAME = /^weft[-_]http1$/i;
export const isMark = (bytes: Buffer, start: number): boolean =>
  (bytes[start]! | 0x20) === 0x77 && MARK_NAME.test(bytes.toString('latin1', start, start + 10));

/** `x-weft-`, also with underscores: CGI-like servers take both for the same name. */
export function isWeft(bytes: Buffer, start: number): boolean {
  const separator = (code: number) => code === 0x2d || code === UNDERSCORE;
  return (
    separator(bytes[start + 1]!) &&
    (bytes[start + 2]! | 0x20) === 0x77 &&
    (bytes[start + 3]! | 0x20) === 0x65 &&
    (bytes[start + 4]! | 0x20) === 0x66 &&
    (bytes[start + 5]! | 0x20) === 0x74 &&
    separator(bytes[start + 6]!)
  );
}
