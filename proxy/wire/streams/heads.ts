/** Heads of either version as fields of HTTP/2, pseudo-fields first. */
import { cut } from '../exchange/cuts.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Response } from '../exchange/message.ts';
import { PHRASES } from '../http1/replies.ts';
import type { RequestHead } from '../http1/request.ts';
import type { ResponseHead } from '../http1/response.ts';
import { appendFields } from '../http1/toFields.ts';
import { without } from './fields.ts';
import { MARK, markText, OTHER_PROTOCOL, type Http1Mark } from './http1Mark.ts';
import { StreamRequest } from './request.ts';
import { StreamResponse } from './response.ts';

const STATUS: Record<number, string> = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [index + 100, String(index + 100)]),
);
export const statusText = (status: number): string => STATUS[status] ?? String(status);

/** A request for a server of HTTP/2. `marked`: the server is a proxy, which is told what HTTP/1.x said besides. */
export function requestFields(exchange: Exchange, marked: boolean): string[] {
  const { request } = exchange;
  const fields =
    request instanceof StreamRequest ? ofStream(request) : ofHttp1(request as RequestHead, marked);
  const added = exchange.addedFields;
  for (let at = 0; at < added.length; at++) fields.push(added[at]!);
  return fields;
}

function ofStream(request: StreamRequest): string[] {
  const { method, authority, protocol, scheme, target, fields } = request;
  const pseudo =
    protocol !== ''
      ? [
          ':method',
          'CONNECT',
          ':protocol',
          protocol,
          ':scheme',
          scheme,
          ':authority',
          authority,
          ':path',
          target,
        ]
      : method === 'CONNECT'
        ? [':method', method, ':authority', authority]
        : [':method', method, ':scheme', scheme, ':authority', authority, ':path', target];
  for (let at = 0; at < fields.length; at++) pseudo.push(fields[at]!);
  return pseudo;
}

function ofHttp1(request: RequestHead, marked: boolean): string[] {
  const { method, upgrading } = request;
  const host = request.authority;
  const fields =
    method === 'CONNECT'
      ? [':method', method, ':authority', host]
      : upgrading
        ? [
            ':method',
            'CONNECT',
            ':protocol',
            protocolOf(request),
            ':scheme',
            'http',
            ':authority',
            host,
            ':path',
            request.path,
          ]
        : [':method', method, ':scheme', 'http', ':authority', host, ':path', request.path];
  const mark = appendFields(request, cut.reason | cut.weft, fields);
  if (!marked) return fields;
  const upgrade = upgrading && protocolOf(request) === OTHER_PROTOCOL ? request.upgradeTo : '';
  fields.push(MARK, markText(upgrading ? { ...mark, method, upgrade } : mark));
  return fields;
}

/** `websocket`, but not `echo/1`, is a word (RFC 8441, 4). */
const protocolOf = ({ upgradeTo }: RequestHead): string =>
  /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(upgradeTo) ? upgradeTo : OTHER_PROTOCOL;

/** A response for a client of HTTP/2. `marked`: it is a proxy. `switched`: the connection carries bytes from here on. */
export function responseFields(
  response: Response,
  cuts: number,
  { marked, switched = false }: { marked: boolean; switched?: boolean },
): string[] {
  if (response instanceof StreamResponse) {
    const kept = without(response.fields, cuts);
    return [':status', switched ? '200' : statusText(response.status), ...kept];
  }
  const head = response as ResponseHead;
  const fields = [':status', switched ? '200' : statusText(head.status)];
  const mark: Partial<Http1Mark> = appendFields(head, cuts, fields);
  if (!marked) return fields;
  mark.switched = switched;
  const { phrase } = head;
  if (phrase !== PHRASES[head.status]) mark.phrase = phrase;
  fields.push(MARK, markText(mark));
  return fields;
}
