/** Follows the body of a message (RFC 9112, 6 and 7) so that its bytes can pass as they came. */
import { COLON, CR, FIELD, HEX, LF, SEMICOLON, SPACE, TAB, TOKEN } from './characters.ts';
import { limit } from './limits.ts';

export const framing = { none: 0, length: 1, chunked: 2, close: 3 } as const;
export type Framing = (typeof framing)[keyof typeof framing];

const SIZE_FIRST = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_FIRST = 7;
const TRAILER_NAME = 8;
const TRAILER_VALUE = 9;
const TRAILER_LF = 10;
const END_LF = 11;

/**
 * RFC 9112, 7.1.1: `;name`, `;name=token` or `;name="text"`, each any number of times. Nobody needs what they say, but
 * who reads quotes and who does not would see the line end at different places where one stays open.
 */
const EXTENSIONS =
  /^(?:[\t ]*;[\t ]*[!#$%&'*+\-.^_`|~\dA-Za-z]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+\-.^_`|~\dA-Za-z]+|"(?:[^"\\]|\\.)*"))?)+$/;

/** Fields that would change how a message is read, or say what only a proxy may say, once it is complete. */
const NOT_A_TRAILER = /^(?:content-length|transfer-encoding|host|connection|trailer|te|x[-_]weft[-_].*)$/;

export class Body {
  done = true;
  problem = '';
  /** Bytes of the body so far, without its framing. */
  size = 0;
  private kind: Framing = framing.none;
  private remaining = 0;
  private state = SIZE_FIRST;
  private digits = 0;
  /** Extensions of this chunk, which are few and short. */
  private extension = '';
  private extensions = 0;
  private trailerBytes = 0;
  private trailers = 0;
  private trailerName = '';

  /** Begins a body; `length` is read for framing.length only. */
  begin(kind: Framing, length: number): void {
    this.kind = kind;
    this.remaining = kind === framing.length ? length : 0;
    this.done = kind === framing.none || (kind === framing.length && length === 0);
    this.size = 0;
    if (kind === framing.chunked) {
      this.problem = '';
      this.state = SIZE_FIRST;
      this.extension = '';
      this.digits = this.extensions = this.trailerBytes = this.trailers = 0;
    }
  }

  /** True where only the end of the connection ends the body. */
  get untilClose(): boolean {
    return this.kind === framing.close;
  }

  /** Offset in `bytes` just after what belongs to this body, reading from `from`; -1: see `problem`. */
  read(bytes: Buffer, from: number): number {
    if (this.done) return from;
    if (this.kind === framing.chunked) return this.readChunked(bytes, from);
    const available = bytes.length - from;
    if (this.kind === framing.close) {
      this.size += available;
      return bytes.length;
    }
    const taken = Math.min(available, this.remaining);
    this.remaining -= taken;
    this.size += taken;
    this.done = this.remaining === 0;
    return from + taken;
  }

  private readChunked(bytes: Buffer, from: number): number {
    const end = bytes.length;
    let at = from;
    while (at < end) {
      if (this.state === DATA) {
        const taken = Math.min(end - at, this.remaining);
        this.remaining -= taken;
        this.size += taken;
        at += taken;
        if (this.remaining === 0) this.state = DATA_CR;
        continue;
      }
      if (!this.step(bytes[at]!)) return -1;
      at++;
      if (this.done) return at;
    }
    return end;
  }

  private step(code: number): boolean {
    switch (this.state) {
      case SIZE_FIRST:
      case SIZE:
        return this.sizeDigit(code);
      case EXTENSION:
        return this.extensionByte(code);
      case SIZE_LF:
        if (code !== LF) return this.refuse('CR without LF');
        this.digits = 0;
        this.state = this.remaining === 0 ? TRAILER_FIRST : DATA;
        return true;
      case DATA_CR:
        return this.expect(code, CR, DATA_LF);
      case DATA_LF:
        return this.expect(code, LF, SIZE_FIRST);
      default:
        return this.trailer(code);
    }
  }

  private sizeDigit(code: number): boolean {
    const digit = HEX[code]!;
    if (digit >= 0) {
      if (++this.digits > 12) return this.refuse('chunk size is too large');
      this.remaining = this.remaining * 16 + digit;
      this.state = SIZE;
      return true;
    }
    if (this.state === SIZE_FIRST) return this.refuse('invalid chunk size');
    if (code === CR) this.state = SIZE_LF;
    else if (code === SEMICOLON || code === SPACE || code === TAB) {
      this.state = EXTENSION;
      this.extension = '';
      return this.extensionByte(code);
    } else return this.refuse('invalid chunk size');
    return true;
  }

  private extensionByte(code: number): boolean {
    if (code === CR) {
      this.state = SIZE_LF;
      return EXTENSIONS.test(this.extension) || this.refuse('invalid chunk extension');
    }
    if (FIELD[code] !== 1) return this.refuse('control character in a chunk extension');
    if (this.extension.length === limit.chunkExtensionBytes || ++this.extensions > limit.chunkExtensionsBytes)
      return this.refuse('chunk extensions are too long');
    this.extension += String.fromCharCode(code);
    return true;
  }

  private trailer(code: number): boolean {
    if (++this.trailerBytes > limit.trailerBytes) return this.refuse('trailers are too long');
    switch (this.state) {
      case TRAILER_FIRST:
        this.trailerName = '';
        if (code === CR) this.state = END_LF;
        else if (TOKEN[code] !== 1) return this.refuse('invalid trailer');
        else this.startTrailer(code);
        return this.trailers <= limit.trailers || this.refuse('too many trailers');
      case TRAILER_NAME:
        return this.trailerNameByte(code);
      case TRAILER_VALUE:
        if (code === CR) this.state = TRAILER_LF;
        else if (FIELD[code] !== 1) return this.refuse('control character in a trailer');
        return true;
      case TRAILER_LF:
        return this.expect(code, LF, TRAILER_FIRST);
      default:
        this.done = code === LF;
        return this.done || this.refuse('CR without LF');
    }
  }

  private startTrailer(code: number): void {
    this.trailers++;
    this.trailerName = String.fromCharCode(code);
    this.state = TRAILER_NAME;
  }

  private trailerNameByte(code: number): boolean {
    if (TOKEN[code] === 1) {
      // enough to recognize the forbidden ones
      if (this.trailerName.length < 24) this.trailerName += String.fromCharCode(code);
      return true;
    }
    if (code !== COLON) return this.refuse('invalid trailer');
    if (NOT_A_TRAILER.test(this.trailerName.toLowerCase())) {
      return this.refuse(`${this.trailerName} is not allowed as a trailer`);
    }
    this.state = TRAILER_VALUE;
    return true;
  }

  private expect(code: number, expected: number, next: number): boolean {
    if (code !== expected) return this.refuse('chunk does not end where it should');
    this.state = next;
    return true;
  }

  private refuse(problem: string): false {
    this.problem = problem;
    return false;
  }
}
