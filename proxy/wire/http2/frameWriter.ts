/**
 * Makes frames. All of one event-loop turn gather in a scratch buffer and leave together: system calls and TLS records,
 * the main costs, are paid per turn and not per frame. Scratch buffers are lent for the turn, so that a connection
 * without anything to say holds none; exactly what is written is copied out of them. Large payloads are not copied.
 */
import type { Channel } from '../channel.ts';
import { copyOut, exactCopy } from '../copies.ts';
import {
  CONTINUATION,
  DATA,
  DEFAULT_FRAME,
  EMPTY,
  END_HEADERS,
  END_STREAM,
  FRAME_HEAD,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './constants.ts';
import { sizeBound, type HpackEncoder } from './hpack/encoder.ts';

const SCRATCH_BYTES = 16 * 1024;
/** Scratch buffers kept for later turns, in all: for as many connections as have something to say in one. */
const KEPT = 128;
/** Payloads from this size on leave by reference; below, one write of everything is cheaper than several. */
const BY_REFERENCE = 4 * 1024;

const spare: Buffer[] = [];

export class FrameWriter {
  /** SETTINGS_MAX_FRAME_SIZE of the peer. */
  maxFrame = DEFAULT_FRAME;
  private readonly encoder: HpackEncoder;
  private scratch: Buffer = EMPTY;
  private at = 0;
  private readonly pieces: Buffer[] = [];
  private pieceBytes = 0;

  constructor(encoder: HpackEncoder) {
    this.encoder = encoder;
  }

  /** Made and not yet written. */
  get bytes(): number {
    return this.pieceBytes + this.at;
  }

  /** DATA whose `length` bytes of content follow by `payload`. */
  data(streamId: number, length: number, ended: boolean): void {
    this.head(length, ended ? (DATA << 8) | END_STREAM : DATA << 8, streamId);
  }

  payload(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length >= BY_REFERENCE) {
      this.spill();
      this.pieces.push(length === bytes.length ? bytes : bytes.subarray(start, end));
      this.pieceBytes += length;
      return;
    }
    this.room(length);
    bytes.copy(this.scratch, this.at, start, end);
    this.at += length;
  }

  headers(streamId: number, fields: readonly string[], ended: boolean): void {
    this.room(FRAME_HEAD);
    let start = this.at;
    let end = this.encoder.encode(fields, this.scratch, start + FRAME_HEAD);
    if (end < 0) {
      this.spill();
      this.room(FRAME_HEAD);
      start = 0;
      end = this.encoder.encode(fields, this.scratch, FRAME_HEAD);
      if (end < 0) return this.largeHeaders(streamId, fields, ended);
    }
    const length = end - start - FRAME_HEAD;
    if (length > this.maxFrame) {
      const block = exactCopy(this.scratch.subarray(start + FRAME_HEAD, end));
      return this.fragments(streamId, block, ended);
    }
    this.head(length, (HEADERS << 8) | END_HEADERS | (ended ? END_STREAM : 0), streamId);
    this.at = end;
  }

  private largeHeaders(streamId: number, fields: readonly string[], ended: boolean): void {
    const block = Buffer.allocUnsafeSlow(sizeBound(fields));
    const length = this.encoder.encode(fields, block, 0);
    this.fragments(streamId, block.subarray(0, length), ended);
  }

  private fragments(streamId: number, block: Buffer, ended: boolean): void {
    let type = (HEADERS << 8) | (ended ? END_STREAM : 0);
    for (let at = 0; at < block.length; at += this.maxFrame) {
      const end = Math.min(block.length, at + this.maxFrame);
      this.head(end - at, end === block.length ? type | END_HEADERS : type, streamId);
      this.payload(block, at, end);
      type = CONTINUATION << 8;
    }
  }

  reset(streamId: number, errorCode: number): void {
    this.head(4, RST_STREAM << 8, streamId);
    this.number(errorCode);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.head(4, WINDOW_UPDATE << 8, streamId);
    this.number(increment);
  }

  /** Pairs of identifier and value, flat. */
  settings(pairs: readonly number[], ack: boolean): void {
    this.head(pairs.length * 3, (SETTINGS << 8) | (ack ? 1 : 0), 0);
    this.room(pairs.length * 3);
    for (let index = 0; index < pairs.length; index += 2) {
      this.at = this.scratch.writeUInt16BE(pairs[index]!, this.at);
      this.number(pairs[index + 1]!);
    }
  }

  /** `high` and `low`: the eight bytes of it. */
  ping(high: number, low: number, ack: boolean): void {
    this.head(8, (PING << 8) | (ack ? 1 : 0), 0);
    this.number(high);
    this.number(low);
  }

  goaway(lastId: number, errorCode: number, text: string): void {
    const debug = Buffer.from(text, 'latin1');
    this.head(8 + debug.length, GOAWAY << 8, 0);
    this.number(lastId);
    this.number(errorCode);
    this.payload(debug, 0, debug.length);
  }

  /** Bytes that are no frame: the preface. */
  raw(bytes: Buffer): void {
    this.payload(bytes, 0, bytes.length);
  }

  /** Writes all in one piece; false where the channel asks to wait. */
  leave(channel: Channel): boolean {
    let go = true;
    const { pieces } = this;
    if (pieces.length === 0) {
      if (this.at > 0) go = channel.write(this.copyOut());
    } else {
      this.spill();
      channel.cork();
      for (const piece of pieces) go = channel.write(piece) && go;
      channel.uncork();
      pieces.length = 0;
      this.pieceBytes = 0;
    }
    this.giveBack();
    return go;
  }

  /** Keeps what is made, though it cannot be written now, without holding a scratch buffer. */
  rest(): void {
    this.spill();
    this.giveBack();
  }

  /** Forgets what was made. */
  drop(): void {
    this.at = 0;
    this.pieces.length = 0;
    this.pieceBytes = 0;
    this.giveBack();
  }

  private giveBack(): void {
    if (this.scratch === EMPTY) return;
    if (spare.length < KEPT) spare.push(this.scratch);
    this.scratch = EMPTY;
  }

  private room(size: number): void {
    if (this.scratch.length - this.at >= size) return;
    this.spill();
    if (this.scratch === EMPTY) this.scratch = spare.pop() ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  }

  private spill(): void {
    if (this.at === 0) return;
    this.pieceBytes += this.at;
    this.pieces.push(this.copyOut());
  }

  private copyOut(): Buffer {
    const copy = copyOut(this.scratch, this.at);
    this.at = 0;
    return copy;
  }

  /** `typeAndFlags`: type * 256 + flags. */
  private head(length: number, typeAndFlags: number, streamId: number): void {
    this.room(FRAME_HEAD);
    const { scratch, at } = this;
    scratch[at] = length >>> 16;
    scratch[at + 1] = length >>> 8;
    scratch[at + 2] = length;
    scratch[at + 3] = typeAndFlags >>> 8;
    scratch[at + 4] = typeAndFlags;
    this.at = at + 5;
    this.number(streamId);
  }

  private number(value: number): void {
    this.room(4);
    const { scratch, at } = this;
    scratch[at] = value >>> 24;
    scratch[at + 1] = value >>> 16;
    scratch[at + 2] = value >>> 8;
    scratch[at + 3] = value;
    this.at = at + 4;
  }
}
