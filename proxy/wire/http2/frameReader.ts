/**
 * Cuts bytes into frames (RFC 9113, 4.1), however they are split. DATA passes as it comes, in slices and without
 * waiting for the whole frame; of any other frame that is incomplete, its bytes so far are kept.
 */
import { code, DATA, EMPTY, FRAME_HEAD, PADDED, PREFACE } from './constants.ts';

/** Takes what was read; the reader's fields say what it is. */
export interface FrameSink {
  /** A whole frame other than DATA: `type`, `flags`, `streamId`, its payload in `bytes` from `start` to `end`. */
  frame(): void;
  /** The head of a DATA frame: `flags`, `streamId`, `length` with padding, `content` without. */
  dataHead(): void;
  /** Content of it; at least one call for each frame. It is the last where `contentLeft` is 0. */
  dataPart(bytes: Buffer, start: number, end: number): void;
  /** What cannot be a frame: the connection is over. */
  broken(errorCode: number, text: string): void;
}

export class FrameReader {
  type = 0;
  flags = 0;
  streamId = 0;
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  length = 0;
  content = 0;
  /** Content of the current DATA frame that has not come yet. */
  contentLeft = 0;
  /** Frames begun so far; says whether there is progress. */
  frames = 0;
  /** Nothing more is read. */
  stopped = false;

  private readonly sink: FrameSink;
  private readonly maxFrame: number;
  private prefaceLeft: number;
  private paddingLeft = 0;
  /** An incomplete head, or an incomplete frame with its head. */
  private partial: Buffer | undefined = undefined;
  private have = 0;
  private need = 0;

  constructor(sink: FrameSink, options: { maxFrame: number; preface: boolean }) {
    this.sink = sink;
    this.maxFrame = options.maxFrame;
    this.prefaceLeft = options.preface ? PREFACE.length : 0;
  }

  /** The preface is missing, or a frame other than DATA has begun and is not complete. */
  get incomplete(): boolean {
    return this.prefaceLeft > 0 || this.partial !== undefined;
  }

  /** Bytes that are kept. */
  get kept(): number {
    return this.partial === undefined ? 0 : this.partial.length;
  }

  read(bytes: Buffer): void {
    let at = this.prefaceLeft > 0 ? this.readPreface(bytes) : 0;
    while (at < bytes.length && !this.stopped) {
      if (this.contentLeft > 0) at = this.readContent(bytes, at);
      else if (this.paddingLeft > 0) at = this.skipPadding(bytes, at);
      else if (this.partial !== undefined) at = this.fill(bytes, at);
      else at = this.readFrame(bytes, at);
    }
    // an idle connection must not keep what came last
    this.bytes = EMPTY;
  }

  private readPreface(bytes: Buffer): number {
    let at = 0;
    let expected = PREFACE.length - this.prefaceLeft;
    while (at < bytes.length && expected < PREFACE.length) {
      if (bytes[at++] !== PREFACE[expected++]) {
        this.sink.broken(code.PROTOCOL_ERROR, 'invalid connection preface');
        return at;
      }
    }
    this.prefaceLeft = PREFACE.length - expected;
    return at;
  }

  private readFrame(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (available < FRAME_HEAD) return this.keep(bytes, at, FRAME_HEAD);
    if (!this.readHead(bytes, at)) return at;
    if (this.type === DATA) {
      const head = this.dataHeadLength();
      if (available < head) return this.keep(bytes, at, head);
      this.beginData(bytes, at);
      return at + head;
    }
    const size = FRAME_HEAD + this.length;
    if (available < size) return this.keep(bytes, at, size);
    this.frames++;
    this.bytes = bytes;
    this.start = at + FRAME_HEAD;
    this.end = at + size;
    this.sink.frame();
    return at + size;
  }

  private readHead(bytes: Buffer, at: number): boolean {
    this.length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    this.streamId =
      ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    if (this.length <= this.maxFrame) return true;
    this.sink.broken(code.FRAME_SIZE_ERROR, 'frame exceeds SETTINGS_MAX_FRAME_SIZE');
    return false;
  }

  /** With the length of the padding, which must be known to tell content from padding. */
  private dataHeadLength(): number {
    return (this.flags & PADDED) !== 0 && this.length > 0 ? FRAME_HEAD + 1 : FRAME_HEAD;
  }

  private beginData(bytes: Buffer, at: number): void {
    this.frames++;
    this.content = this.length;
    if ((this.flags & PADDED) !== 0) {
      const padding = bytes[at + FRAME_HEAD]!;
      if (this.length === 0) return this.sink.broken(code.FRAME_SIZE_ERROR, 'padded DATA without padding');
      this.content = this.length - 1 - padding;
      if (this.content < 0) return this.sink.broken(code.PROTOCOL_ERROR, 'padding exceeds the frame');
      this.paddingLeft = padding;
    }
    this.contentLeft = this.content;
    this.sink.dataHead();
    if (this.content === 0 && !this.stopped) this.sink.dataPart(EMPTY, 0, 0);
  }

  private readContent(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.contentLeft);
    this.contentLeft -= end - at;
    this.sink.dataPart(bytes, at, end);
    return end;
  }

  private skipPadding(bytes: Buffer, at: number): number {
    const skipped = Math.min(bytes.length - at, this.paddingLeft);
    this.paddingLeft -= skipped;
    return at + skipped;
  }

  /** Keeps what there is of a frame of which `need` bytes must come together. */
  private keep(bytes: Buffer, at: number, need: number): number {
    this.partial = Buffer.allocUnsafeSlow(need);
    this.need = need;
    this.have = bytes.copy(this.partial, 0, at);
    return bytes.length;
  }

  private fill(bytes: Buffer, at: number): number {
    const partial = this.partial!;
    const copied = bytes.copy(partial, this.have, at, at + this.need - this.have);
    this.have += copied;
    if (this.have === this.need) this.filled(partial);
    return at + copied;
  }

  private filled(partial: Buffer): void {
    if (this.need === FRAME_HEAD && !this.readHead(partial, 0)) return;
    const whole = this.type === DATA ? this.dataHeadLength() : FRAME_HEAD + this.length;
    if (whole > this.need) {
      // the head is there, and says that more must come
      this.keep(partial, 0, whole);
      return;
    }
    this.partial = undefined;
    if (this.type === DATA) return this.beginData(partial, 0);
    this.frames++;
    this.bytes = partial;
    this.start = FRAME_HEAD;
    this.end = whole;
    this.sink.frame();
  }
}
