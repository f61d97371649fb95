/** Makes frames out of bytes: mostly such as a peer would send next, so that they get deep; now and then any. */
import { EMPTY, MAX_31 } from '../constants.ts';
import type { Core } from '../core.ts';
import { block, frame, settings, u32 } from './frames.ts';

export const REQUEST: readonly string[] = [
  ':method',
  'POST',
  ':scheme',
  'http',
  ':path',
  '/',
  ':authority',
  'a',
];
const REQUESTS: readonly (readonly string[])[] = [
  REQUEST,
  [':method', 'GET', ...REQUEST.slice(2)],
  [...REQUEST, 'content-length', '16'],
  [':method', 'CONNECT', ':authority', 'a:1'],
  [':method', 'CONNECT', ':protocol', 'websocket', ...REQUEST.slice(2)],
  [...REQUEST, 'x-large', 'y'.repeat(2500)],
  [':method', 'OPTIONS', ':scheme', 'https', ':path', '*'],
  ['te', 'trailers'],
];
const RESPONSES: readonly (readonly string[])[] = [
  [':status', '200'],
  [':status', '103'],
  [':status', '200', 'content-length', '16'],
  [':status', '204'],
  [':status', '304', 'content-length', '5'],
  [':status', '101'],
  [':status', '500', 'x-large', 'y'.repeat(2500)],
  ['grpc-status', '0'],
];
/** Names and values that mean something. */
const WORDS: readonly string[] =
  `:method :scheme :path :authority :protocol :status host te content-length connection cookie x-a GET CONNECT HEAD http
  / * a:1 websocket 200 103 204 0 5 trailers A x\u007f ${'y'.repeat(300)}`.split(/\s+/);
const VALUES: readonly number[] = [0, 1, 2, 5, 100, 4096, 16_384, 65_535, 1_000_000, MAX_31, MAX_31 + 1];

/** Reads numbers until the bytes are used up, then zeros. */
export class Source {
  private readonly bytes: Uint8Array;
  private at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get more(): boolean {
    return this.at < this.bytes.length;
  }
  next(): number {
    return this.bytes[this.at++] ?? 0;
  }
  take(count: number): Buffer {
    const taken = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return Buffer.from(taken);
  }
  of<T>(list: readonly T[]): T {
    return list[this.next() % list.length]!;
  }
}

/** Kinds that `makeFrame` knows; above them it makes any frame. */
export const KINDS = 13;

/** A frame to `connection`; `kind` says which. */
export function makeFrame(connection: Core, kind: number, source: Source): Buffer {
  const { sections } = connection;
  // something else amid a field section ends the connection: seldom
  if (sections.streamId !== 0 && kind < 12) return continue_(sections.streamId, source);
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return opening(connection, source);
    case 3:
      return frame({
        type: 1,
        flags: 4 | (source.next() & 1),
        id: known(connection, source),
        payload: fields(connection, source),
      });
    case 4:
    case 5:
    case 6:
      return content(known(connection, source), source);
    case 7:
      return frame({
        type: 8,
        id: (source.next() & 1) * known(connection, source),
        payload: u32(source.next() * 50 + 1),
      });
    case 8:
      return frame({ type: 3, id: known(connection, source), payload: u32(source.next() % 16) });
    case 9:
      return settings([source.next() % 9, source.of(VALUES)]);
    case 10:
      return frame({
        type: 6,
        flags: source.next() & 1,
        payload: source.take(8).length === 8 ? source.take(8) : Buffer.alloc(8),
      });
    case 11:
      return frame({
        type: 2,
        id: known(connection, source),
        payload: Buffer.concat([u32(2), Buffer.from([1])]),
      });
    case 12:
      return frame({ type: 7, payload: u32(source.next() & 1 ? MAX_31 : source.next(), source.next() % 14) });
    default:
      return any(source);
  }
}

/** One that is or was open, or the next. */
function known(connection: Core, source: Source): number {
  const ids = [...connection.table.open.keys()];
  const which = source.next();
  if (ids.length > 0 && which < 240) return ids[which % ids.length]!;
  return Math.max(1, connection.table.last - (which & 4));
}

function opening(connection: Core, source: Source): Buffer {
  const flags = source.next();
  const id =
    connection.role === 'server'
      ? connection.table.last + (connection.table.last === 0 ? 1 : 2)
      : known(connection, source);
  let payload = fields(connection, source);
  if ((flags & 0x20) !== 0) payload = Buffer.concat([u32(0), Buffer.from([7]), payload]);
  if ((flags & 8) !== 0) payload = Buffer.concat([Buffer.from([2]), payload, Buffer.alloc(2)]);
  return frame({ type: 1, flags: (flags & 0x29) | ((flags & 0xd0) === 0xd0 ? 0 : 4), id, payload });
}

function continue_(id: number, source: Source): Buffer {
  const flags = source.next();
  return frame({
    type: 9,
    flags: (flags & 3) !== 0 ? 4 : 0,
    id,
    payload: (flags & 4) !== 0 ? EMPTY : block(['x-a', 'b']),
  });
}

function content(id: number, source: Source): Buffer {
  const flags = source.next();
  const size = (flags & 0xf0) === 0 ? 16 : source.next() * ((flags >> 4) & 3);
  const payload = Buffer.alloc(size);
  if ((flags & 8) === 0) return frame({ flags: flags & 1, id, payload });
  return frame({
    flags: flags & 9,
    id,
    payload: Buffer.concat([Buffer.from([3]), payload, Buffer.alloc(3)]),
  });
}

function fields({ role }: Core, source: Source): Buffer {
  const kind = source.next();
  if (kind > 250) return source.take(kind % 64);
  const list = (role === 'server' ? REQUESTS : RESPONSES)[kind & 7]!.slice();
  for (let count = kind >> 6; count > 1; count--) list.push('x-a', 'b');
  if ((kind & 0x38) === 0x38) list.push(source.of(WORDS), source.of(WORDS));
  return block(list);
}

function any(source: Source): Buffer {
  const type = source.next();
  const [flags, id] = [source.next(), source.next() & 0x1f];
  return frame({ type: type % 12, flags, id, payload: source.take(source.next() & 0x1f) });
}
