/**
 * Responses that clients are known to read in different ways, with the bytes that would be a response of their own where
 * the body is taken for shorter than it is. `ends`: the application closes the connection behind it.
 */
export interface ResponseCase {
  readonly name: string;
  readonly bytes: string;
  readonly ends: boolean;
  /** Of the request; GET where absent. */
  readonly method?: string;
}

const wire = (text: string) => text.replaceAll('\n', '\r\n');
const FORGED = 'HTTP/1.1 200 OK\nContent-Length: 6\n\nforged';
const CHUNKED = `5\nhello\n0\n\n`;

const head = (fields: string, body: string) => wire(`HTTP/1.1 200 OK\n${fields}\n${body}`);

const FIELDS: [string, string, string][] = [
  ['a length', 'Content-Length: 5\n', 'hello'],
  ['chunks', 'Transfer-Encoding: chunked\n', CHUNKED],
  ['a length and a coding', 'Content-Length: 5\nTransfer-Encoding: chunked\n', CHUNKED],
  ['a coding and a length', 'Transfer-Encoding: chunked\nContent-Length: 5\n', CHUNKED],
  ['two lengths', 'Content-Length: 5\nContent-Length: 0\n', 'hello'],
  ['two equal lengths', 'Content-Length: 5\nContent-Length: 5\n', 'hello'],
  ['a list of lengths', 'Content-Length: 5, 5\n', 'hello'],
  ['a sign', 'Content-Length: +5\n', 'hello'],
  ['a hexadecimal length', 'Content-Length: 0x5\n', 'hello'],
  ['leading zeros', 'Content-Length: 0005\n', 'hello'],
  ['an empty length', 'Content-Length:\n', 'hello'],
  ['a length too large', 'Content-Length: 18446744073709551621\n', 'hello'],
  ['a space before the colon', 'Content-Length : 5\n', 'hello'],
  ['a coding with a space before the colon', 'Transfer-Encoding : chunked\n', CHUNKED],
  ['a folded coding', 'Transfer-Encoding:\n chunked\n', CHUNKED],
  ['a folded field', 'X: y\n Content-Length: 5\n', 'hello'],
  ['an unknown coding', 'Transfer-Encoding: xchunked\n', CHUNKED],
  ['identity', 'Transfer-Encoding: identity\nContent-Length: 5\n', 'hello'],
  ['chunked, identity', 'Transfer-Encoding: chunked, identity\n', CHUNKED],
  ['identity, chunked', 'Transfer-Encoding: identity, chunked\n', CHUNKED],
  ['chunked twice', 'Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n', CHUNKED],
  ['gzip', 'Transfer-Encoding: gzip\n', 'hello'],
  ['a coding with a vertical tab', 'Transfer-Encoding: \x0bchunked\n', CHUNKED],
  ['a NUL in a field', 'X: y\0\nContent-Length: 5\n', 'hello'],
  ['a nominated length', 'Connection: content-length\nContent-Length: 5\n', 'hello'],
  ['a nominated coding', 'Connection: transfer-encoding\nTransfer-Encoding: chunked\n', CHUNKED],
  ['a field without a colon', 'X y\nContent-Length: 5\n', 'hello'],
  ['no framing', '', 'hello'],
  ['close', 'Connection: close\nContent-Length: 5\n', 'hello'],
  ['chunks with an extension', 'Transfer-Encoding: chunked\n', '5;a=b\nhello\n0\n\n'],
  ['chunks with an open quote', 'Transfer-Encoding: chunked\n', '5;a="\nhello\n0\n\n'],
  ['chunks with 0x', 'Transfer-Encoding: chunked\n', '0x5\nhello\n0\n\n'],
  ['chunks with a sign', 'Transfer-Encoding: chunked\n', '-5\nhello\n0\n\n'],
  ['chunks that overflow', 'Transfer-Encoding: chunked\n', '10000000000000005\nhello\n0\n\n'],
  ['chunks with trailers', 'Transfer-Encoding: chunked\n', '5\nhello\n0\nX: y\n\n'],
  ['chunks with a length as trailer', 'Transfer-Encoding: chunked\n', '5\nhello\n0\nContent-Length: 3\n\n'],
  ['chunks with a space after the size', 'Transfer-Encoding: chunked\n', '5 \nhello\n0\n\n'],
  ['chunks that are too long', 'Transfer-Encoding: chunked\n', '5\nhelloXX\n0\n\n'],
  ['chunks without an end', 'Transfer-Encoding: chunked\n', '5\nhello\n'],
  ['a body that is cut off', 'Content-Length: 9\n', 'hello'],
];

const RAW: [string, string][] = [
  ['LF as line ends', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'],
  ['LF hides a field', 'HTTP/1.1 200 OK\r\nX: y\nContent-Length: 5\r\n\r\nhello'],
  ['CR hides a field', 'HTTP/1.1 200 OK\r\nX: y\rContent-Length: 5\r\n\r\nhello'],
  ['CR in the phrase', 'HTTP/1.1 200 O\rK\r\nContent-Length: 5\r\n\r\nhello'],
  ['an empty line before', '\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['no phrase', 'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello'],
  ['an empty phrase', 'HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello'],
  ['two spaces', 'HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['status 000', 'HTTP/1.1 000 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['status 999', 'HTTP/1.1 999 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['HTTP/1.0 with chunks', `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${wire(CHUNKED)}`],
  ['HTTP/1.0 with a length', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['HTTP/1.0 that persists', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['no HTTP', 'hello'],
  ['ICY', 'ICY 200 OK\r\n\r\nhello'],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'],
  ['204 with chunks', `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n${wire(CHUNKED)}`],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ['304 with a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello'],
  ['205 with a length', 'HTTP/1.1 205 Reset\r\nContent-Length: 5\r\n\r\nhello'],
  ['100 before', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['103 before', 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['100 with a length', 'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['100 with chunks', `HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n${wire(CHUNKED)}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello`],
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello'],
  ['102 without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(40)],
]; // prettier-ignore

const HEADS: [string, string][] = [
  ['HEAD with a length', head('Content-Length: 5\n', '')],
  ['HEAD with chunks', head('Transfer-Encoding: chunked\n', '')],
  ['HEAD with a body', head('Content-Length: 5\n', 'hello')],
  ['HEAD with a forged response', head('Content-Length: 5\n', FORGED)],
  ['HEAD without framing', head('', '')],
];

const plain: Omit<ResponseCase, 'ends'>[] = [
  ...FIELDS.map(([name, fields, body]) => ({ name, bytes: head(fields, body) })),
  ...FIELDS.map(([name, fields, body]) => ({
    name: `${name}, and more`,
    bytes: head(fields, body + FORGED),
  })),
  ...RAW.map(([name, bytes]) => ({ name, bytes })),
  ...RAW.map(([name, bytes]) => ({ name: `${name}, and more`, bytes: bytes + wire(FORGED) })),
  ...HEADS.map(([name, bytes]) => ({ name, bytes, method: 'HEAD' })),
];

/** Each once with the connection left open and once with its end behind it. */
export const responseCorpus: readonly ResponseCase[] = plain.flatMap((each) => [
  { ...each, ends: false },
  { ...each, name: `${each.name}, then the end`, ends: true },
]);
