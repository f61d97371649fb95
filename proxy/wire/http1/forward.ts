/** What of a head is passed on as text: everything as it came, but for what belongs to one hop or only proxies say. */
import type { Channel } from '../channel.ts';
import { cut } from '../exchange/cuts.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { FieldList } from '../exchange/message.ts';
import { assemble } from './edits.ts';
import type { RequestHead } from './request.ts';
import type { ResponseHead } from './response.ts';

/** Text of up to this size is joined with its head: one write instead of two. */
const JOIN_BYTES = 8192;

/** Complete lines. */
export function lines(fields: FieldList): string {
  let text = '';
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`;
  return text;
}

/** A request head that came as HTTP/1.x, with fields added. */
export function requestText(request: RequestHead, exchange: Exchange): string {
  if (exchange.transparent) return assemble(request, 0, '');
  const added = lines(exchange.addedFields);
  const cuts = cut.hop | cut.reason | cut.weft;
  if (request.upgrading) return assemble(request, cuts | cut.connection, `${added}connection: Upgrade\r\n`);
  return assemble(request, cuts | cut.upgrade | (request.plainKeepAlive ? 0 : cut.connection), added);
}

/** How the client is answered. */
export interface Answering {
  /** Version of its request. */
  version: 10 | 11;
  /** Its connection carries on after this. */
  persists: boolean;
  transparent: boolean;
  /** Kinds of lines that the station leaves out. */
  cuts: number;
}

/** A final response head that came as HTTP/1.x; '' where it goes unchanged. */
export function responseText(
  head: ResponseHead,
  { version, persists, transparent, cuts }: Answering,
): string {
  if (transparent) return '';
  let kinds = cuts | cut.hop;
  if (head.status !== 426) kinds |= cut.upgrade;
  let insert = '';
  if (!persists) {
    if (!head.plainClose) {
      kinds |= cut.connection;
      insert = 'connection: close\r\n';
    }
  } else if (version === 10 || head.version === 10) {
    kinds |= cut.connection;
    insert = 'connection: keep-alive\r\n';
  } else if (!head.plainKeepAlive) kinds |= cut.connection;
  return insert === '' && !head.cuts.has(kinds) ? '' : assemble(head, kinds, insert);
}

/** An interim response, or one that ends HTTP on the connection and keeps its Connection and Upgrade. */
export function otherResponseText(head: ResponseHead, { transparent, cuts }: Answering): string {
  if (transparent) return assemble(head, 0, '');
  const own = head.interim ? cut.connection | cut.upgrade : 0;
  return assemble(head, cuts | cut.hop | own, '');
}

/** Writes a head and what is there of the body, in one write where it is small. False: wait for `drain`. */
export function writeMessage(channel: Channel, text: string, chunks: readonly Buffer[]): boolean {
  if (chunks.length === 0) return channel.write(text);
  if (chunks.length === 1 && chunks[0]!.length <= JOIN_BYTES) {
    return channel.write(text + chunks[0]!.toString('latin1'));
  }
  channel.cork();
  let flowing = channel.write(text);
  for (const chunk of chunks) flowing = channel.write(chunk);
  channel.uncork();
  return flowing;
}

/** Passes on a response head that came as HTTP/1.x, with the part of its body that came with it. */
export function writeResponse(channel: Channel, text: string, head: ResponseHead): boolean {
  const { bytes, end, bodyEnd } = head;
  const from = head.base + head.first;
  if (text === '')
    return channel.write(from === 0 && bodyEnd === bytes.length ? bytes : bytes.subarray(from, bodyEnd));
  if (bodyEnd === end) return channel.write(text);
  if (bodyEnd - end <= JOIN_BYTES) return channel.write(text + bytes.toString('latin1', end, bodyEnd));
  return writeMessage(channel, text, [bytes.subarray(end, bodyEnd)]);
}
