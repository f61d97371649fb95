import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { cut } from '../exchange/cuts.ts';
import { originalName, parseMark, markText } from '../streams/http1Mark.ts';
import { DONE, MORE, type Head } from './head.ts';
import { RequestHead } from './request.ts';
import { ResponseHead } from './response.ts';
import { appendFields } from './toFields.ts';

/** A line as a client writes it, name and value with its white space. */
type Written = readonly [name: string, value: string];

const name = fc.oneof(
  fc.constantFrom(
    'Accept', 'accept', 'ACCEPT', 'Cookie', 'cookie', 'Authorization', 'TE', 'te', 'ETag', 'Etag', 'X-Request-Id', 'traceparent',
    'Keep-Alive', 'Connection', 'Proxy-Connection', 'Upgrade', 'X-Weft-Source', 'x_weft_a', 'x-weft-reason', 'X-A', 'x-a', 'A', 'A-',
    'Transfer-Encoding', 'transfer-encoding', 'Content-Length',
  ),
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,5}$/),
); // prettier-ignore
const value = fc.oneof(
  fc.constantFrom(
    '', 'a', 'b', 'trailers', 'Trailers', 'keep-alive', 'close', 'x-a', 'X-A, te', 'chunked', 'gzip, chunked', '5', 'a: b', 'Cookie: x',
    'caf\xe9', 'y'.repeat(500), 'y'.repeat(600),
  ),
  fc.stringMatching(/^[!-~]{0,6}$/),
); // prettier-ignore
const blank = fc.constantFrom('', ' ', '  ', '\t', ' \t');
const line: fc.Arbitrary<Written> = fc
  .tuple(name, blank, value, blank)
  .map(([written, before, content, after]) => [written, before + content + after]);
/** What a client says each time. */
const client = fc.array(line, { maxLength: 8 });
/** One message: of which client, its own last line, and how it arrives. */
const message = fc.record({
  from: fc.nat({ max: 2 }),
  own: fc.option(line),
  host: fc.nat({ max: 3 }),
  request: fc.boolean(),
  base: fc.constantFrom(0, 1, 33),
  emptyLine: fc.boolean(),
  size: fc.constantFrom(1, 7, 10_000),
});

const BLANKS = /^[ \t]+|[ \t]+$/g;
const OF_ONE_HOP = ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'http2-settings'];

/** The lines that stay, in the plainest way. */
function expected(
  lines: readonly Written[],
  kinds: number,
): { fields: string[]; names: string[]; host: number } {
  const listed = lines
    .filter(([written]) => written.toLowerCase() === 'connection')
    .flatMap(([, content]) => content.toLowerCase().split(','))
    .map((token) => token.trim());
  const known = new Set(['close', 'keep-alive', 'upgrade', 'te']);
  const nominated = new Set(listed.filter((token) => token !== '' && !known.has(token)));
  const fields: string[] = [];
  const names: string[] = [];
  let host = 0;
  for (const [written, content] of lines) {
    const lower = written.toLowerCase();
    const text = lower === 'te' ? content.toLowerCase().replace(BLANKS, '') : content.replace(BLANKS, '');
    if (OF_ONE_HOP.includes(lower) || nominated.has(lower) || lower === 'transfer-encoding') continue;
    if (/^x[-_]weft[-_]/.test(lower) && (kinds & (lower === 'x-weft-reason' ? cut.reason : cut.weft)) !== 0)
      continue;
    if (lower === 'te' && text !== 'trailers') continue;
    if (lower === 'host') host = names.length;
    else fields.push(lower, text);
    names.push(written);
  }
  return { fields, names, host };
}

/** Reads what lies at `base`, in pieces of `size`; false where it is no message. */
function readAt(head: Head, text: string, { base, size }: { base: number; size: number }): boolean {
  const bytes = Buffer.from(`${'z'.repeat(base)}${text}`, 'latin1');
  for (let end = base + Math.min(size, text.length); ; end = Math.min(end + size, bytes.length)) {
    const outcome = head.read(bytes.subarray(0, end), base);
    if (outcome !== MORE) return outcome === DONE;
  }
}

it('the fields of messages of several clients are those that each has, in turns and in pieces', () => {
  let read = 0;
  fc.assert(
    fc.property(
      fc.tuple(client, client, client),
      fc.array(message, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(0, cut.reason | cut.weft),
      (clients, messages, kinds) => {
        // reused for one message after the other, as by a connection
        const heads = { request: new RequestHead(), response: new ResponseHead() };
        for (const { from, own, host, request, base, emptyLine, size } of messages) {
          const lines = [...clients[from]!, ...(own === null ? [] : [own])];
          if (request) lines.splice(host, 0, ['Host', 'a.b:80']);
          const text = `${emptyLine && request ? '\r\n' : ''}${request ? 'GET /a/path HTTP/1.1' : 'HTTP/1.1 200 OK'}\r\n${lines
            .map(([written, content]) => `${written}:${content}\r\n`)
            .join('')}\r\n`;
          const head = request ? heads.request : heads.response;
          head.reset();
          if (!readAt(head, text, { base, size })) continue;
          read++;
          const fields = ['before', 'it'];
          const mark = appendFields(head, kinds, fields);
          const right = expected(lines, kinds);
          expect(fields).toEqual(['before', 'it', ...right.fields]);
          expect([mark.version, mark.host]).toEqual([11, right.host]);
          const passed = parseMark(markText(mark));
          expect(right.names.map((written, at) => originalName(passed, written.toLowerCase(), at))).toEqual(
            right.names,
          );
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(read).toBeGreaterThan(500);
});
