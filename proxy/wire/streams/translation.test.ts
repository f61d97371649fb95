import { array, assert, nat, property, stringMatching, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut } from '../exchange/cuts.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { ChunkReader } from '../http1/chunkReader.ts';
import { requestTextOf, responseTextOf } from '../http1/fromFields.ts';
import { DONE } from '../http1/head.ts';
import { RequestHead } from '../http1/request.ts';
import { ResponseHead } from '../http1/response.ts';
import { Http2Head } from '../http2/head.ts';
import { without } from './fields.ts';
import { requestFields, responseFields } from './heads.ts';
import { MARK, markText, parseMark } from './http1Mark.ts';
import { StreamRequest } from './request.ts';
import { StreamResponse } from './response.ts';

/** What a request becomes that goes from one proxy to another and out again. */
function across(text: string, { ended = true, marked = true } = {}): string {
  const head = new RequestHead();
  expect(head.read(Buffer.from(text, 'latin1'), 0)).toBe(DONE);
  const fields = requestFields({ request: head, addedFields: [] } as unknown as Exchange, marked);
  const taken = new Http2Head();
  expect(taken.takeRequest(fields)).toBe('');
  const request = new StreamRequest(taken, { trusted: true, ended });
  return requestTextOf(request, { added: [], chunking: !ended && request.contentLength < 0 });
}

function answerAcross(text: string, ended = false): string {
  const head = new ResponseHead();
  expect(head.read(Buffer.from(text, 'latin1'), 0)).toBe(DONE);
  const taken = new Http2Head();
  expect(taken.takeResponse(responseFields(head, cut.reason | cut.weft, { marked: true }))).toBe('');
  const response = new StreamResponse(taken, true);
  return responseTextOf(response, {
    answering: { version: 11, persists: true, transparent: false, cuts: cut.weft },
    chunking: head.chunked,
    empty: ended,
  });
}

const request = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;

describe('a request of HTTP/1.x between two proxies', () => {
  it.each([
    ['in title case', request('GET /a?b=1 HTTP/1.1', 'Host: cart:8080', 'User-Agent: x', 'Accept: */*')],
    ['in lower case', request('GET / HTTP/1.1', 'host: cart', 'user-agent: x')],
    ['in any case', request('GET / HTTP/1.1', 'HOST: cart', 'X-gRPC-iD: 1', 'accept: a')],
    ['with Host at the end', request('POST /p HTTP/1.1', 'Accept: */*', 'Content-Length: 0', 'Host: c')],
    ['with Host in the middle', request('GET / HTTP/1.1', 'A: 1', 'hoST: c', 'B: 2')],
    ['with duplicates', request('GET / HTTP/1.1', 'Host: c', 'Cookie: a=1', 'X: 1', 'Cookie: b=2', 'X: 2')],
    ['of version 1.0', request('GET / HTTP/1.0', 'Host: c')],
    ['with obsolete text', request('GET / HTTP/1.1', 'Host: c', 'X-Name: caf\xe9')],
    ['with an empty value', request('GET / HTTP/1.1', 'Host: c', 'X-Empty: ')],
    ['with OPTIONS *', request('OPTIONS * HTTP/1.1', 'Host: c')],
  ])('%s comes out as it went in', (_name, text) => {
    expect(across(text)).toBe(text);
  });

  it('keeps its chunks, and codings before them', () => {
    const text = request('POST / HTTP/1.1', 'Host: c', 'Transfer-Encoding: chunked');
    expect(across(text, { ended: false }).toLowerCase()).toBe(text.toLowerCase());
    const zipped = request('POST / HTTP/1.1', 'Host: c', 'Transfer-Encoding: gzip, chunked');
    expect(across(zipped, { ended: false })).toBe(zipped);
  });

  it('loses what belongs to one hop, and what only proxies may say', () => {
    const text = request(
      'GET / HTTP/1.1',
      'Host: c',
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=5',
      'TE: gzip',
      'x-weft-source: spiffe://me',
      `${MARK}: 1.0`,
      'X-Kept: 1',
    );
    expect(across(text)).toBe(request('GET / HTTP/1.1', 'Host: c', 'X-Kept: 1'));
  });

  it('is one of HTTP/2 for a server that is no proxy', () => {
    expect(across(request('GET /x HTTP/1.1', 'Accept: a', 'Host: c'), { marked: false })).toBe(
      request('GET /x HTTP/1.1', 'host: c', 'accept: a'),
    );
  });

  it('asks for another protocol as it did', () => {
    const upgrade = request(
      'GET /chat HTTP/1.1',
      'Host: c',
      'Sec-WebSocket-Key: k',
      'Upgrade: websocket',
      'Connection: Upgrade',
    );
    expect(across(upgrade)).toBe(upgrade);
  });

  it('asks for a protocol that is more than a word as it did', () => {
    const lines = ['GET / HTTP/1.1', 'Host: c', 'Upgrade: echo/1, echo/2', 'Connection: Upgrade'];
    expect(across(request(...lines))).toBe(request(...lines));
  });

  it('any head comes out as it went in', () => {
    const name = stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
    const value = stringMatching(/^[!-~]([ -~]{0,12}[!-~])?$/);
    const reserved =
      /^(?:host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|content-length|expect|proxy-connection|http2-settings|x[-_]weft.*|weft.*)$/i;
    const field = tuple(name, value).filter(([key]) => !reserved.test(key));
    assert(
      property(array(field, { maxLength: 8 }), nat(8), (fields, place) => {
        const lines = fields.map(([key, text]) => `${key}: ${text}`);
        lines.splice(Math.min(place, lines.length), 0, 'Host: cart');
        const text = request('GET /a HTTP/1.1', ...lines);
        expect(across(text)).toBe(text);
      }),
    );
  });
});

describe('a response of HTTP/1.x between two proxies', () => {
  it.each([
    ['with a phrase of its own', request('HTTP/1.1 200 All Fine', 'Server: x', 'Content-Length: 3')],
    ['without a phrase', request('HTTP/1.1 299 ', 'Content-Length: 3')],
    ['in any case', request('HTTP/1.1 404 Not Found', 'sERVER: x', 'Content-Length: 3')],
  ])('%s comes out as it went in', (_name, text) => {
    expect(answerAcross(text)).toBe(text);
  });

  it('says that it is empty where nothing else does', () => {
    expect(answerAcross(request('HTTP/1.1 200 OK', 'Server: x'), true)).toBe(
      request('HTTP/1.1 200 OK', 'Server: x', 'content-length: 0'),
    );
  });
});

describe('the mark', () => {
  it('is short in the usual case', () => {
    expect(markText({ version: 11, names: 'title' })).toBe('1.1;names=title');
  });

  it('reads what it wrote', () => {
    const mark = {
      version: 10 as const,
      names: ['A', 'b'],
      host: 3,
      phrase: 'All; fine, 100%',
      codings: 'gzip, deflate',
      method: 'GET',
      upgrade: 'echo/1, x',
      switched: true,
    };
    expect(parseMark(markText(mark))).toEqual(mark);
  });

  it('cannot bring lines of its own', () => {
    expect(parseMark('1.1;phrase=a%0d%0ax: y').phrase).toBeUndefined();
    expect(parseMark('1.1;method=GET / HTTP').method).toBe('');
    expect(parseMark('1.1;codings=%0d%0a').codings).toBe('');
    expect(parseMark('1.1;upgrade=a%0d%0ab').upgrade).toBe('');
  });

  it('is not believed from anyone else', () => {
    const head = new Http2Head();
    head.takeRequest([':method', 'GET', ':scheme', 'http', ':authority', 'c', ':path', '/', MARK, '1.0']);
    const request = new StreamRequest(head, { trusted: false, ended: true });
    expect(request.mark).toBeUndefined();
    expect(request.fields).toEqual([]);
  });
});

describe('fields that only proxies may say', () => {
  it('go, in any spelling', () => {
    const fields = ['x-weft-source', 'a', 'x_weft_reason', 'b', 'x-weft_x', 'c', 'x-weftish', 'd', MARK, 'e'];
    expect(without(fields, cut.reason | cut.weft)).toEqual(['x-weftish', 'd']);
  });

  it('cost nothing where there are none', () => {
    const fields = ['accept', '*/*'];
    expect(without(fields, cut.weft)).toBe(fields);
  });
});

describe('chunks', () => {
  it('come apart however they are split', () => {
    const text = '4;x=1\r\nWeft\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX-Sum: 7\r\nY: z\r\n\r\n';
    assert(
      property(array(nat(text.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const reader = new ChunkReader();
        let body = '';
        for (const [index, from] of places.entries())
          reader.read(Buffer.from(text.slice(from, places[index + 1]), 'latin1'), (piece) => {
            body += piece.toString('latin1');
          });
        expect(body).toBe('Weftabcdefghijklmnopqrstuvwxyz');
        expect(reader.trailersFor(false)).toEqual(['x-sum', '7', 'y', 'z']);
        expect(reader.trailersFor(true)).toEqual(['x-sum', '7', 'y', 'z', MARK, '1.1;names=X-Sum,Y']);
      }),
    );
  });
});
