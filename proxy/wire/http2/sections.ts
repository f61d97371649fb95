/** Field sections (RFC 9113, 4.3): their frames put together and decoded. */
import { exactCopy } from '../copies.ts';
import { code, END_HEADERS, END_STREAM, PADDED, PRIORITIZED } from './constants.ts';
import type { Core } from './core.ts';
import type { FrameReader } from './frameReader.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import type { Messages } from './messages.ts';

export class Sections {
  /** The stream whose field section has begun and is not complete; 0: none. */
  streamId = 0;
  readonly decoder: HpackDecoder;
  private readonly messages: Messages;
  private readonly connection: Core;
  private ended = false;
  private fragments: Buffer[] = [];
  private fragmentBytes = 0;

  constructor(connection: Core, messages: Messages) {
    const { headerTableBytes, headerListBytes } = connection.limits;
    this.connection = connection;
    this.messages = messages;
    this.decoder = new HpackDecoder({ maxTableSize: headerTableBytes, maxListBytes: headerListBytes });
  }

  /** Bytes of the section that has begun. */
  get gathered(): number {
    return this.fragmentBytes;
  }

  headers(reader: FrameReader): void {
    const { connection } = this;
    const { flags, streamId, bytes } = reader;
    // only a client opens streams, with odd identifiers (5.1.1)
    if ((streamId & 1) === 0) return connection.fail(code.PROTOCOL_ERROR, 'HEADERS on an even stream');
    let { start, end } = reader;
    const padded = (flags & PADDED) !== 0;
    const prioritized = (flags & PRIORITIZED) !== 0;
    if (end - start < (padded ? 1 : 0) + (prioritized ? 5 : 0)) {
      return connection.fail(code.FRAME_SIZE_ERROR, 'HEADERS is too short');
    }
    if (padded) end -= bytes[start++]!;
    if (prioritized) {
      if ((bytes.readUInt32BE(start) & 0x7fffffff) === streamId) {
        return connection.fail(code.PROTOCOL_ERROR, 'a stream that depends on itself');
      }
      start += 5;
    }
    if (end < start) return connection.fail(code.PROTOCOL_ERROR, 'padding exceeds the frame');
    this.ended = (flags & END_STREAM) !== 0;
    this.streamId = streamId;
    if ((flags & END_HEADERS) !== 0) this.decode(bytes, start, end);
    else this.gather(bytes.subarray(start, end));
  }

  continuation(reader: FrameReader): void {
    const { connection } = this;
    if (this.streamId === 0) return connection.fail(code.PROTOCOL_ERROR, 'CONTINUATION without HEADERS');
    if (!this.gather(reader.bytes.subarray(reader.start, reader.end))) return;
    if ((reader.flags & END_HEADERS) === 0) return;
    const block = Buffer.concat(this.fragments);
    this.fragments = [];
    this.fragmentBytes = 0;
    this.decode(block, 0, block.length);
  }

  private decode(bytes: Buffer, start: number, end: number): void {
    const { streamId, decoder } = this;
    this.streamId = 0;
    const list = decoder.decode(bytes, start, end);
    if (list === 'compression') {
      return this.connection.fail(code.COMPRESSION_ERROR, 'a field section cannot be decoded');
    }
    if (list === 'large') this.messages.large(streamId, this.ended, decoder.takeBeginning());
    else this.messages.section(streamId, this.ended, list);
  }

  /**
   * A section that is not decoded leaves the tables of both sides different: past a bound the connection cannot go on.
   * Copies, since a fragment must not hold on to the much larger piece in which it came.
   */
  private gather(fragment: Buffer): boolean {
    const { headerBlockBytes, continuations } = this.connection.limits;
    this.fragmentBytes += fragment.length;
    const large = this.fragmentBytes > headerBlockBytes;
    if (large || this.fragments.length > continuations) {
      const bound = large ? 'headerBlockBytes' : 'continuations';
      this.connection.exceeds(bound, 'field section is too large or in too many frames');
      return false;
    }
    this.fragments.push(exactCopy(fragment));
    return true;
  }
}
