import { describe, expect, it } from 'vitest';
import { assemble } from './edits.ts';
import { BAD, DONE, MORE, type Head } from './head.ts';
import { RequestHead } from './request.ts';
import { ResponseHead } from './response.ts';
import { ALL } from './testing/read.ts';

const REQUEST =
  'GET /a/path?q HTTP/1.1\r\nHost: cart:80\r\nX-Request-Id: id-1\r\nTraceparent: 00-1\r\nX-Weft-Reason: r\r\n\r\n';
const OTHER = 'POST /b HTTP/1.1\r\nhost: web\r\n\r\n';
const RESPONSE = 'HTTP/1.1 404 Not There\r\nX-Weft-Reason: DRAINING\r\nX-Weft-Unprocessed: 1\r\n\r\n';

/** What is said of a request. */
const said = ({ method, target, path, host, requestId, traceparent, reason, text }: RequestHead) => ({
  method,
  target,
  path,
  host,
  requestId,
  traceparent,
  reason,
  text,
});
const FIRST = {
  method: 'GET',
  target: '/a/path?q',
  path: '/a/path?q',
  host: 'cart:80',
  requestId: 'id-1',
  traceparent: '00-1',
  reason: 'r',
  text: REQUEST,
};
const LATER = {
  method: 'POST',
  target: '/b',
  path: '/b',
  host: 'web',
  requestId: '',
  traceparent: '',
  reason: '',
  text: OTHER,
};

/** Reads what lies after `before`, `size` bytes at a time. */
function readAfter(head: Head, [before, text]: readonly [string, string], size = text.length): void {
  const bytes = Buffer.from(before + text, 'latin1');
  let outcome: number = MORE;
  for (let end = before.length; outcome === MORE && end < bytes.length;) {
    end = Math.min(end + size, bytes.length);
    outcome = head.read(Buffer.from(bytes.subarray(0, end)), before.length);
  }
  expect(outcome).toBe(DONE);
}

describe.each([
  ['at the beginning', ''],
  ['after other bytes', 'HTTP/1.1 100 Continue\r\n\r\n'],
])('a head %s', (_where, before) => {
  it.each([1, 5, 1000])('in pieces of %i bytes says what it says', (size) => {
    const head = new RequestHead();
    readAfter(head, [before, REQUEST], size);
    expect(said(head)).toEqual(FIRST);
    expect(head.end).toBe(before.length + REQUEST.length);
  });

  it('keeps its empty line in front for itself', () => {
    const head = new RequestHead();
    readAfter(head, [before, `\r\n${REQUEST}`], 3);
    expect(said(head)).toEqual({ ...FIRST, text: `\r\n${REQUEST}` });
    expect(assemble(head, 0, 'a: b\r\n')).toBe(REQUEST.replace('\r\n\r\n', '\r\na: b\r\n\r\n'));
  });

  it('says of the next message what that says', () => {
    const head = new RequestHead();
    readAfter(head, [before, `\r\n${REQUEST}`]);
    expect(said(head).text).toContain('/a/path');
    head.reset();
    expect([head.text, head.target, head.host, head.requestId, head.begun]).toEqual(['', '', '', '', false]);
    readAfter(head, [before, OTHER]);
    expect(said(head)).toEqual(LATER);
    expect(assemble(head, ALL, '')).toBe(OTHER);
  });

  it('whose bytes are let go says the same', () => {
    const head = new RequestHead();
    readAfter(head, [before, REQUEST]);
    head.keepText();
    expect(head.bytes).toHaveLength(0);
    expect(said(head)).toEqual(FIRST);
    expect(assemble(head, ALL, '')).toBe(REQUEST.replace('X-Weft-Reason: r\r\n', ''));
    expect(head.end).toBe(before.length + REQUEST.length);
  });

  it('whose text is let go too says only how it is framed', () => {
    const head = new ResponseHead();
    readAfter(head, [before, RESPONSE]);
    expect([head.phrase, head.reason]).toEqual(['Not There', 'DRAINING']);
    head.dropText();
    expect([head.text, head.phrase, head.reason, head.bytes.length]).toEqual(['', '', '', 0]);
    expect([head.status, head.persists, head.unprocessed]).toEqual([404, true, true]);
    head.reset();
    readAfter(head, [before, 'HTTP/1.0 200 OK\r\n\r\n'], 2);
    expect([head.phrase, head.unprocessed, head.persists]).toEqual(['OK', false, false]);
  });
});

it('a head that is not complete keeps the bytes that it is read from', () => {
  const head = new RequestHead();
  const part = Buffer.from(REQUEST.slice(0, 60), 'latin1');
  expect(head.read(part, 0)).toBe(MORE);
  head.keepText();
  expect(head.bytes).toBe(part);
  expect([head.text, head.method, head.target, head.host]).toEqual(['', 'GET', '/a/path?q', 'cart:80']);
  readAfter(head, ['', REQUEST]);
  expect(said(head)).toEqual(FIRST);
});

describe('a head that is refused', () => {
  it.each([
    [
      'when all of it is there',
      'GET /a HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n',
      'more than one Host field',
    ],
    ['for its host', 'GET /a HTTP/1.1\r\nHost: one/two\r\n\r\n', 'invalid Host'],
    ['amid its lines', 'GET /a HTTP/1.1\r\nHost: one\r\nX: \0\r\n\r\n', 'control character in a field value'],
  ])('%s says what was asked for, and is forgotten for the next', (_when, text, problem) => {
    for (const before of ['', 'other bytes']) {
      const head = new RequestHead();
      expect(head.read(Buffer.from(before + text, 'latin1'), before.length)).toBe(BAD);
      expect([head.problem, head.method, head.target]).toEqual([problem, 'GET', '/a']);
      expect(head.host).toMatch(/^(?:one|two)/);
      head.reset();
      readAfter(head, [before, OTHER], 4);
      expect([head.problem, said(head)]).toEqual(['', LATER]);
    }
  });
});
