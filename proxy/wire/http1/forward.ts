/** What of a head is passed on: everything as it came, but for what belongs to one hop or may be said by proxies only. */
import type { Channel } from '../channel.ts';
import type { ClientConnection } from './clientConnection.ts';
import { assemble, hasCuts } from './edits.ts';
import type { Exchange } from './exchange.ts';
import { cut } from './cuts.ts';

/** Text of up to this size is joined with its head: one write instead of two. */
const JOIN_BYTES = 8192;

/** The request head to send, with `lines` added. */
export function requestText(exchange: Exchange, lines: string): string {
  const { request } = exchange;
  if (exchange.transparent) return assemble(request, 0, '');
  const cuts = cut.hop | cut.reason | cut.weft;
  if (exchange.upgrading) return assemble(request, cuts | cut.connection, `${lines}connection: Upgrade\r\n`);
  return assemble(request, cuts | cut.upgrade | (request.plainKeepAlive ? 0 : cut.connection), lines);
}

/** The final response head to pass on; '' where it goes unchanged. `cuts`: kinds of lines that the station leaves out. */
export function responseText(exchange: Exchange, { head }: ClientConnection, cuts: number): string {
  if (exchange.transparent) return '';
  let kinds = cuts | cut.hop;
  if (head.status !== 426) kinds |= cut.upgrade;
  let insert = '';
  if (!exchange.persists) {
    if (!head.plainClose) {
      kinds |= cut.connection;
      insert = 'connection: close\r\n';
    }
  } else if (exchange.request.version === 10 || head.version === 10) {
    kinds |= cut.connection;
    insert = 'connection: keep-alive\r\n';
  } else if (!head.plainKeepAlive) kinds |= cut.connection;
  return insert === '' && !hasCuts(head, kinds) ? '' : assemble(head, kinds, insert);
}

/** An interim response, or one that ends HTTP on the connection and keeps its Connection and Upgrade. */
export function otherResponseText(exchange: Exchange, { head }: ClientConnection, cuts: number): string {
  if (exchange.transparent) return assemble(head, 0, '');
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

/** Passes on a response head that came in `bytes`, with the part of its body up to `after`. */
export function writeResponse(
  channel: Channel,
  text: string,
  { bytes, from, end, after }: { bytes: Buffer; from: number; end: number; after: number },
): boolean {
  if (text === '')
    return channel.write(from === 0 && after === bytes.length ? bytes : bytes.subarray(from, after));
  if (after === end) return channel.write(text);
  if (after - end <= JOIN_BYTES) return channel.write(text + bytes.toString('latin1', end, after));
  return writeMessage(channel, text, [bytes.subarray(end, after)]);
}
