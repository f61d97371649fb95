/**
 * Requests that servers are known to read in different ways, each with the bytes that would be a request of its own
 * where the body is taken for shorter than it is. Lines end in LF here and in CR LF on the wire, unless they are raw.
 */
export interface Case {
  readonly name: string;
  readonly bytes: string;
}

const wire = (text: string) => text.replaceAll('\n', '\r\n');
const named = (name: string, text: string): Case => ({ name, bytes: wire(text) });
const raw = (name: string, bytes: string): Case => ({ name, bytes });

/** What an attacker wants to be taken for a request. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\nHost: a\n\n';
const CHUNKED_SMUGGLED = `0\n\n${SMUGGLED}`;
const post = (fields: string, body: string) => `POST /p HTTP/1.1\nHost: a\n${fields}\n${body}`;

const CODINGS = [
  'chunked', 'Chunked', 'CHUNKED', ' chunked', 'chunked ', '\tchunked', 'chunked\t', '\x0bchunked', 'chunked\x0b', '\x0cchunked',
  'chunked\0', 'xchunked', 'chunkedx', 'chunked, identity', 'identity, chunked', 'identity', 'chunked, chunked', 'chunked,',
  ',chunked', ', , chunked', 'gzip', 'gzip, chunked', 'chunked, gzip', 'gzip,chunked', 'chunked;q=1', 'chunked; ext="x"',
  '"chunked"', "'chunked'", 'chun ked', '', 'cow', 'cow, chunked', '\xa0chunked', 'chunked\x85', 'chunked\x7f', '\\chunked',
  'trailers', 'deflate, gzip, chunked', 'x-gzip, chunked', 'br, chunked', 'zstd, chunked', '[chunked]', 'chunked\u00ad',
]; // prettier-ignore

const LENGTHS = [
  '0', '5', '05', '00005', '+5', '-5', '-0', '+0', '5,', ',5', '5,5', '5, 5', '5, 6', '5 5', '0x5', '5.0', '5e0', '٥', '5\t', '\t5',
  '5\x0b', '5\0', '5;q=1', '"5"', '', ' ', '18446744073709551621', '4294967301', '9223372036854775813', '99999999999999999999',
  '5_0', '5\x7f', 'five', '5 ', '000000000000000000000000000005',
].map((length) => Buffer.from(length, 'utf8').toString('latin1')); // prettier-ignore

const codings: Case[] = CODINGS.flatMap((coding) => [
  named(
    `Transfer-Encoding ${JSON.stringify(coding)}`,
    post(`Transfer-Encoding: ${coding}\n`, CHUNKED_SMUGGLED),
  ),
  named(
    `Transfer-Encoding ${JSON.stringify(coding)} beside a Content-Length`,
    post(
      `Content-Length: ${wire(CHUNKED_SMUGGLED).length}\nTransfer-Encoding: ${coding}\n`,
      CHUNKED_SMUGGLED,
    ),
  ),
]);

const lengths: Case[] = LENGTHS.map((length) =>
  named(`Content-Length ${JSON.stringify(length)}`, post(`Content-Length: ${length}\n`, `hello${SMUGGLED}`)),
);

const FRAMING_FIELDS: [string, string][] = [
  ['a space before the colon', 'Transfer-Encoding : chunked\n'],
  ['a tab before the colon', 'Transfer-Encoding\t: chunked\n'],
  ['a length with a space before the colon', 'Content-Length : 5\n'],
  ['a space before the name', ' Transfer-Encoding: chunked\n'],
  ['a folded coding', 'Transfer-Encoding:\n chunked\n'],
  ['a folded length', 'Content-Length:\n 5\n'],
  ['a fold after the coding', 'Transfer-Encoding: chunked\n , identity\n'],
  ['a fold that hides a coding', 'X-A: b\n Transfer-Encoding: chunked\n'],
  ['a name with an underscore', 'Transfer_Encoding: chunked\n'],
  ['a length with an underscore', 'Content_Length: 5\n'],
  ['a name with a NUL', 'Transfer-Encoding\0: chunked\n'],
  ['a name with a control character', 'Transfer-\x01Encoding: chunked\n'],
  ['two codings', 'Transfer-Encoding: chunked\nTransfer-Encoding: identity\n'],
  ['two codings, chunked last', 'Transfer-Encoding: identity\nTransfer-Encoding: chunked\n'],
  ['the same coding twice', 'Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n'],
  ['an empty coding first', 'Transfer-Encoding:\nTransfer-Encoding: chunked\n'],
  ['two equal lengths', 'Content-Length: 5\nContent-Length: 5\n'],
  ['two lengths', 'Content-Length: 5\nContent-Length: 0\n'],
  ['two lengths, the other way', 'Content-Length: 0\nContent-Length: 5\n'],
  ['a length before the coding', 'Content-Length: 5\nTransfer-Encoding: chunked\n'],
  ['a length after the coding', 'Transfer-Encoding: chunked\nContent-Length: 5\n'],
  ['a length that is nominated', 'Connection: content-length\nContent-Length: 5\n'],
  ['a coding that is nominated', 'Connection: close, transfer-encoding\nTransfer-Encoding: chunked\n'],
  ['a nominated host', 'Connection: host\nContent-Length: 5\n'],
  ['no framing at all', ''],
  ['a field without a colon', 'Transfer-Encoding chunked\nContent-Length: 5\n'],
  ['an empty name', ': x\nContent-Length: 5\n'],
  ['a trailing colon', 'Transfer-Encoding:: chunked\n'],
];
const framing: Case[] = FRAMING_FIELDS.map(([name, fields]) => named(name, post(fields, CHUNKED_SMUGGLED)));

const CHUNKS: [string, string][] = [
  ['plain', '5\r\nhello\r\n0\r\n\r\n'],
  ['upper case', 'A\r\n0123456789\r\n0\r\n\r\n'],
  ['leading zeros', '0005\r\nhello\r\n0000\r\n\r\n'],
  ['many leading zeros', '00000000000000000005\r\nhello\r\n0\r\n\r\n'],
  ['0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['a plus sign', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a minus sign', '-5\r\nhello\r\n0\r\n\r\n'],
  ['an underscore', '0_5\r\nhello\r\n0\r\n\r\n'],
  ['a space before', ' 5\r\nhello\r\n0\r\n\r\n'],
  ['a space after', '5 \r\nhello\r\n0\r\n\r\n'],
  ['a tab after', '5\t\r\nhello\r\n0\r\n\r\n'],
  ['a vertical tab after', '5\x0b\r\nhello\r\n0\r\n\r\n'],
  ['an overflow of 32 bits', '100000005\r\nhello\r\n0\r\n\r\n'],
  ['an overflow of 64 bits', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
  ['the largest of 64 bits', 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  ['the sign bit of 64 bits', '8000000000000000\r\nhello\r\n0\r\n\r\n'],
  ['an extension', '5;a=b\r\nhello\r\n0;c\r\n\r\n'],
  ['an extension with a space', '5 ; a = b\r\nhello\r\n0\r\n\r\n'],
  ['a quoted extension', '5;a="b;c"\r\nhello\r\n0\r\n\r\n'],
  ['a quoted line end', '5;a="\r\nhello\r\n0\r\n\r\n"\r\n'],
  ['an extension with LF', '5;a\nhello\r\n0\r\n\r\n'],
  ['an extension with CR', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
  ['an extension with NUL', '5;a\0\r\nhello\r\n0\r\n\r\n'],
  ['an extension with a broken quote', '5;a="b\r\nhello\r\n0\r\n\r\n'],
  ['an extension without a name', '5;\r\nhello\r\n0\r\n\r\n'],
  ['LF after the size', '5\nhello\r\n0\r\n\r\n'],
  ['CR after the size', '5\rhello\r\n0\r\n\r\n'],
  ['CR CR LF after the size', '5\r\r\nhello\r\n0\r\n\r\n'],
  ['LF after the data', '5\r\nhello\n0\r\n\r\n'],
  ['nothing after the data', '5\r\nhello0\r\n\r\n'],
  ['two other bytes after the data', '5\r\nhelloXX0\r\n\r\n'],
  ['LF at the end', '5\r\nhello\r\n0\n\n'],
  ['LF as the empty line', '5\r\nhello\r\n0\r\n\n'],
  ['CR as the empty line', '5\r\nhello\r\n0\r\n\r'],
  ['an empty size', '\r\nhello\r\n0\r\n\r\n'],
  ['a size that is no number', 'z\r\nhello\r\n0\r\n\r\n'],
  ['a size with a comma', '5,5\r\nhello\r\n0\r\n\r\n'],
  ['trailers', '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'],
  ['a length as a trailer', '5\r\nhello\r\n0\r\nContent-Length: 40\r\n\r\n'],
  ['a coding as a trailer', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a trailer without a colon', '0\r\nGET /smuggled HTTP/1.1\r\n\r\n'],
  ['a trailer with a space before its colon', '0\r\nX : 1\r\n\r\n'],
  ['a folded trailer', '0\r\nX: 1\r\n y\r\n\r\n'],
  ['a trailer that ends in LF', '0\r\nX: 1\nY: 2\r\n\r\n'],
  ['a trailer with CR', '0\r\nX: 1\rGET / HTTP/1.1\r\n\r\n'],
];
const chunks: Case[] = CHUNKS.map(([name, body]) =>
  raw(
    `chunks: ${name}`,
    `POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}${wire(SMUGGLED)}`,
  ),
);

const LINES: [string, string][] = [
  ['LF as line end', 'GET /p HTTP/1.1\nHost: a\n\n'],
  ['LF in the head', 'GET /p HTTP/1.1\r\nHost: a\nX: y\r\n\r\n'],
  ['LF hides a field', 'POST /p HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 5\r\n\r\nhello'],
  ['CR hides a field', 'POST /p HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n\r\nhello'],
  ['CR CR LF', 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\r\n\r\nhello'],
  ['NUL hides a field', 'POST /p HTTP/1.1\r\nHost: a\r\nX: y\0\r\nContent-Length: 5\r\n\r\nhello'],
  ['an empty line before', '\r\nGET /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['two empty lines before', '\r\n\r\nGET /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['LF before', '\nGET /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a space before the method', ' GET /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['two spaces', 'GET  /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a tab', 'GET\t/p\tHTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a space at the end', 'GET /p HTTP/1.1 \r\nHost: a\r\n\r\n'],
  ['a space in the target', 'GET /p q HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CR in the target', 'GET /p\rq HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['NUL in the target', 'GET /p\0q HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a fragment', 'GET /p#q HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a byte beyond ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['lower-case method', 'get /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['another method', 'PURGE /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a method with punctuation', 'M-SEARCH /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an odd method', 'GE@T /p HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HTTP/0.9', 'GET /p\r\n'],
  ['HTTP/0.9 with fields', 'GET /p\r\nHost: a\r\n\r\n'],
  ['HTTP/1.2', 'GET /p HTTP/1.2\r\nHost: a\r\n\r\n'],
  ['HTTP/1.10', 'GET /p HTTP/1.10\r\nHost: a\r\n\r\n'],
  ['HTTP/01.1', 'GET /p HTTP/01.1\r\nHost: a\r\n\r\n'],
  ['HTTP/2.0', 'GET /p HTTP/2.0\r\nHost: a\r\n\r\n'],
  ['http/1.1', 'GET /p http/1.1\r\nHost: a\r\n\r\n'],
  ['HTTP/1', 'GET /p HTTP/1\r\nHost: a\r\n\r\n'],
  ['ICE/1.0', 'GET /p ICE/1.0\r\nHost: a\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
];

const MESSAGES: [string, string][] = [
  ['HTTP/1.0 with chunked', 'POST /p HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n'],
  ['HTTP/1.0 with chunked and keep-alive', `POST /p HTTP/1.0\nHost: a\nConnection: keep-alive\nTransfer-Encoding: chunked\n\n${CHUNKED_SMUGGLED}`],
  ['HTTP/1.0 with keep-alive', 'GET /p HTTP/1.0\nHost: a\nConnection: keep-alive\n\n'],
  ['HTTP/1.0 without Host', 'GET /p HTTP/1.0\nConnection: keep-alive\n\n'],
  ['HTTP/1.0 with a length', 'POST /p HTTP/1.0\nConnection: keep-alive\nContent-Length: 5\n\nhello'],
  ['no Host', 'GET /p HTTP/1.1\n\n'],
  ['an empty Host', 'GET /p HTTP/1.1\nHost:\n\n'],
  ['two Hosts', 'GET /p HTTP/1.1\nHost: a\nHost: b\n\n'],
  ['the same Host twice', 'GET /p HTTP/1.1\nHost: a\nHost: a\n\n'],
  ['a folded Host', 'GET /p HTTP/1.1\nHost:\n a\n\n'],
  ['a Host with a space before its colon', 'GET /p HTTP/1.1\nHost : a\n\n'],
  ['a Host with a path', 'GET /p HTTP/1.1\nHost: a/b\n\n'],
  ['a Host with a comma', 'GET /p HTTP/1.1\nHost: a, b\n\n'],
  ['a Host with user information', 'GET /p HTTP/1.1\nHost: u@a\n\n'],
  ['absolute form', 'GET http://a/p HTTP/1.1\nHost: a\n\n'],
  ['absolute form, other Host', 'GET http://b/p HTTP/1.1\nHost: a\n\n'],
  ['absolute form without a path', 'GET http://a HTTP/1.1\nHost: a\n\n'],
  ['absolute form of another scheme', 'GET ftp://a/p HTTP/1.1\nHost: a\n\n'],
  ['a target without a slash', 'GET p HTTP/1.1\nHost: a\n\n'],
  ['asterisk form', 'OPTIONS * HTTP/1.1\nHost: a\n\n'],
  ['asterisk form of GET', 'GET * HTTP/1.1\nHost: a\n\n'],
  ['two slashes', 'GET //b/p HTTP/1.1\nHost: a\n\n'],
  ['dots', 'GET /a/../b HTTP/1.1\nHost: a\n\n'],
  ['CONNECT with a body', 'CONNECT a:1 HTTP/1.1\nHost: a:1\nContent-Length: 5\n\nhello'],
  ['CONNECT with a path', 'CONNECT /p HTTP/1.1\nHost: a\n\n'],
  ['GET with a body', 'GET /p HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'],
  ['GET with chunks', 'GET /p HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n'],
  ['HEAD with a body', 'HEAD /p HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'],
  ['DELETE with a body', 'DELETE /p HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'],
  ['DELETE with chunks', 'DELETE /p HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n'],
  ['OPTIONS with a body', 'OPTIONS /p HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'],
  ['TRACE with a body', 'TRACE /p HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'],
  ['a GET whose body is a request', `GET /p HTTP/1.1\nHost: a\nContent-Length: ${wire(SMUGGLED).length}\n\n${SMUGGLED}`],
  ['upgrade', 'GET /p HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n'],
  ['upgrade with a body', 'POST /p HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nContent-Length: 5\n\nhello'],
  ['upgrade to h2c', `GET /p HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n`],
  ['upgrade with a request behind it', `GET /p HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: x\n\n${SMUGGLED}`],
  ['expect', 'POST /p HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\nhello'],
  ['expect of a GET', 'GET /p HTTP/1.1\nHost: a\nExpect: 100-continue\n\n'],
  ['an unknown expectation', 'POST /p HTTP/1.1\nHost: a\nExpect: x\nContent-Length: 5\n\nhello'],
  ['expect twice', 'POST /p HTTP/1.1\nHost: a\nExpect: 100-continue\nExpect: 100-continue\nContent-Length: 5\n\nhello'],
  ['close and keep-alive', 'GET /p HTTP/1.1\nHost: a\nConnection: close, keep-alive\n\n'],
  ['keep-alive and close', 'GET /p HTTP/1.1\nHost: a\nConnection: keep-alive\nConnection: close\n\n'],
  ['many names in Connection', `GET /p HTTP/1.1\nHost: a\nConnection: ${'a, '.repeat(40)}b\n\n`],
  ['a very long line', `GET /p HTTP/1.1\nHost: a\nX: ${'y'.repeat(6000)}\n\n`],
  ['many fields', `GET /p HTTP/1.1\nHost: a\n${'X: y\n'.repeat(90)}\n`],
  ['pipelined', `GET /1 HTTP/1.1\nHost: a\n\nPOST /2 HTTP/1.1\nHost: a\nContent-Length: 2\n\nhiGET /3 HTTP/1.1\nHost: a\n\n`],
  ['pipelined chunks', `POST /1 HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\nPOST /2 HTTP/1.1\nHost: a\nContent-Length: 2\n\nho`],
  ['an empty line between requests', `POST /1 HTTP/1.1\nHost: a\nContent-Length: 2\n\nhi\nGET /2 HTTP/1.1\nHost: a\n\n`],
  ['a request behind one that closes', `GET /1 HTTP/1.1\nHost: a\nConnection: close\n\n${SMUGGLED}`],
  ['a proxy-connection', 'GET /p HTTP/1.1\nHost: a\nProxy-Connection: keep-alive\n\n'],
  ['te: trailers', 'GET /p HTTP/1.1\nHost: a\nTE: trailers\nConnection: TE\n\n'],
]; // prettier-ignore

export const requestCorpus: readonly Case[] = [
  ...codings,
  ...lengths,
  ...framing,
  ...chunks,
  ...LINES.map(([name, bytes]) => raw(name, bytes)),
  ...MESSAGES.map(([name, text]) => named(name, text)),
];
