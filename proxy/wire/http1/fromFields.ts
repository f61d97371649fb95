/** Fields of HTTP/2 as heads and chunks of HTTP/1.x (RFC 9113, 8.2.3 and 8.3; RFC 9112). */
import { cut } from '../exchange/cuts.ts';
import type { FieldList } from '../exchange/message.ts';
import { isLeftOut } from '../streams/fields.ts';
import { MARK, isTitled, originalName, parseMark, type Http1Mark } from '../streams/http1Mark.ts';
import type { StreamRequest } from '../streams/request.ts';
import type { StreamResponse } from '../streams/response.ts';
import { acceptLine, keyLine, valueOf } from '../streams/webSocket.ts';
import { lines, type Answering } from './forward.ts';
import type { HeadFirst } from './headFirst.ts';
import { lineText } from './lineTexts.ts';
import { PHRASES } from './replies.ts';

export interface RequestForm {
  /** Fields that the station adds. */
  added: FieldList;
  /** The body goes as chunks. */
  chunking: boolean;
}

export function requestTextOf(request: StreamRequest, { added, chunking }: RequestForm): string {
  const { mark, method, authority, fields } = request;
  const target = method === 'CONNECT' ? authority : request.target;
  // HTTP/1.0 knows no chunks
  const version = mark?.version === 10 && !chunking ? 'HTTP/1.0' : 'HTTP/1.1';
  let text = `${method} ${target} ${version}\r\n`;
  text += mark
    ? markedLines(fields, mark, { cuts: FROM_CLIENT, host: authority === '' ? undefined : authority })
    : `host: ${authority}\r\n${plainLines(fields, FROM_CLIENT)}`;
  text += lines(added);
  if (request.upgrading) text += upgradeLines(request);
  if (chunking) text += codingLine(mark);
  return `${text}\r\n`;
}

export interface ResponseForm {
  answering: Answering;
  chunking: boolean;
  /** There is no body, and nothing says so yet. */
  empty: boolean;
}

function upgradeLines({ protocol, fields }: StreamRequest): string {
  const key = keyLine(protocol, valueOf(fields, 'sec-websocket-key') !== '');
  return `${key}Upgrade: ${protocol}\r\nConnection: Upgrade\r\n`;
}

export function responseTextOf(
  response: StreamResponse,
  { answering, chunking, empty }: ResponseForm,
): string {
  const { mark } = response;
  let text = statusLine(response, mark) + responseLines(response, answering.cuts);
  if (!answering.persists) text += 'connection: close\r\n';
  else if (answering.version === 10 || mark?.version === 10) text += 'connection: keep-alive\r\n';
  if (chunking) text += codingLine(mark);
  else if (empty && mark?.version !== 10) text += 'content-length: 0\r\n';
  return `${text}\r\n`;
}

export function interimTextOf(response: StreamResponse, cuts: number): string {
  return `${statusLine(response, response.mark)}${responseLines(response, cuts)}\r\n`;
}

/** What the client of HTTP/1.1 asked for. */
export interface Upgrade {
  /** '' where it was CONNECT. */
  protocol: string;
  /** Its Sec-WebSocket-Key, or ''. */
  key: string;
}

/** The answer after which the connection carries bytes: 101, or the 2xx to CONNECT. */
export function switchTextOf(response: StreamResponse, cuts: number, { protocol, key }: Upgrade): string {
  const { mark, fields } = response;
  if (protocol === '') return interimTextOf(response, cuts);
  const phrase = mark?.phrase ?? PHRASES[101]!;
  const accept = valueOf(fields, 'sec-websocket-accept') === '' ? acceptLine(protocol, key) : '';
  const own = `Upgrade: ${protocol}\r\nConnection: Upgrade\r\n${accept}`;
  return `HTTP/1.1 101 ${phrase}\r\n${own}${responseLines(response, cuts)}\r\n`;
}

/** One chunk (RFC 9112, 7.1). False: wait for drain. */
export function writeChunk(channel: HeadFirst, bytes: Buffer): boolean {
  // an empty chunk would end the body
  if (bytes.length === 0) return true;
  const size = `${bytes.length.toString(16)}\r\n`;
  if (bytes.length <= 4096) return channel.write(`${size}${bytes.toString('latin1')}\r\n`);
  channel.cork();
  channel.write(size);
  channel.write(bytes);
  const flowing = channel.write('\r\n');
  channel.uncork();
  return flowing;
}

/** The last chunk, with trailers where there are any. */
export function writeEnd(channel: HeadFirst, trailers: FieldList | undefined): boolean {
  return channel.write(`0\r\n${trailers === undefined ? '' : trailerLines(trailers)}\r\n`);
}

function trailerLines(trailers: FieldList): string {
  const mark = parseMark(valueOf(trailers, MARK));
  return markedLines(trailers, mark, FROM_TRAILERS);
}

function statusLine({ status }: StreamResponse, mark: Http1Mark | undefined): string {
  const version = mark?.version === 10 ? 'HTTP/1.0' : 'HTTP/1.1';
  return `${version} ${status} ${mark?.phrase ?? PHRASES[status] ?? ''}\r\n`;
}

function responseLines({ fields, mark }: StreamResponse, cuts: number): string {
  return mark ? markedLines(fields, mark, { cuts, host: undefined }) : plainLines(fields, cuts);
}

interface Selection {
  /** Kinds of fields (cut.…) that are left out. */
  cuts: number;
  /** Of requests: goes where Host stood. */
  host: string | undefined;
}

const FROM_CLIENT = cut.reason | cut.weft;
const FROM_TRAILERS: Selection = { cuts: cut.reason | cut.weft, host: undefined };

/** As they were written, with Host where it stood. */
function markedLines(fields: FieldList, mark: Http1Mark, { cuts, host }: Selection): string {
  const written = new WrittenLines(mark);
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isLeftOut(name, cuts)) continue;
    if (host !== undefined && written.count === mark.host) written.add('host', host);
    // the authority stands for it
    if (host !== undefined && name === 'host') written.count++;
    else written.add(name, fields[at + 1]!);
  }
  if (host !== undefined && written.count <= mark.host) written.add('host', host);
  return written.text;
}

class WrittenLines {
  text = '';
  count = 0;
  private readonly mark: Http1Mark;

  constructor(mark: Http1Mark) {
    this.mark = mark;
  }

  add(name: string, value: string): void {
    const { mark } = this;
    const index = this.count++;
    this.text +=
      typeof mark.names === 'object'
        ? `${originalName(mark, name, index)}: ${value}\r\n`
        : lineText(name, isTitled(mark.names, index), value);
  }
}

/** HTTP/2 may send Cookie in pieces, which HTTP/1.x must get as one (RFC 9113, 8.2.3). */
function plainLines(fields: FieldList, cuts: number): string {
  let text = '';
  let cookie = '';
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (isLeftOut(name, cuts)) continue;
    if (name === 'cookie') cookie = cookie === '' ? fields[at + 1]! : `${cookie}; ${fields[at + 1]}`;
    // the authority stands for it
    else if (name !== 'host') text += lineText(name, false, fields[at + 1]!);
  }
  return cookie === '' ? text : `${text}cookie: ${cookie}\r\n`;
}

const codingLine = (mark: Http1Mark | undefined): string =>
  mark === undefined || mark.codings === ''
    ? 'transfer-encoding: chunked\r\n'
    : `Transfer-Encoding: ${mark.codings}, chunked\r\n`;
