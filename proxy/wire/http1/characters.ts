/** Which bytes may stand where in HTTP/1.1 (RFC 9110, 5.5 and 5.6.2; RFC 9112, 3.2; RFC 3986). One lookup per byte. */

const TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~";
const HOST_PUNCTUATION = "-._~:!$&'()*+;=";

const table = (accepts: (code: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, code) => (accepts(code) ? 1 : 0));

const isAlphanumeric = (code: number) => /^[0-9A-Za-z]$/.test(String.fromCharCode(code));
const among = (punctuation: string, code: number) =>
  code < 128 && punctuation.includes(String.fromCharCode(code));

/** tchar: methods and field names. */
export const TOKEN = table((code) => isAlphanumeric(code) || among(TOKEN_PUNCTUATION, code));

/** Field values: tab, visible ASCII, space and obs-text; no other control character. */
export const FIELD = table((code) => code === 9 || (code >= 32 && code !== 127));

/** Request targets: visible ASCII without `#`, which no client sends and on which servers disagree. */
export const TARGET = table((code) => code > 32 && code < 127 && code !== 35);

/**
 * Host field and authority. No comma, slash, at sign or space: they make one host look like two. No escapes: who decodes
 * them reads another host than who does not. Brackets only around an address, see request.ts.
 */
export const HOST = table((code) => isAlphanumeric(code) || among(HOST_PUNCTUATION, code));

/** Value of a hexadecimal digit, or -1. */
export const HEX = Int8Array.from({ length: 256 }, (_, code) => {
  const digit = String.fromCharCode(code);
  return /^[0-9A-Fa-f]$/.test(digit) ? Number.parseInt(digit, 16) : -1;
});

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const COLON = 58;
export const SEMICOLON = 59;
export const UNDERSCORE = 95;
