/** A line of JSON that is put together as bytes in the page that will be written, without making strings on the way. */

/** Node's Buffer has this beside `write`, which first looks up the encoding; Node's types leave it out. */
interface Utf8 {
  utf8Write(text: string, at: number): number;
}

/** Up to here characters one by one cost less than a call out of JavaScript and a look at what it wrote. */
const ONE_BY_ONE = 24;
/** A control character or a lone surrogate is six bytes of JSON; anything else is less. */
const BYTES_PER_CHARACTER = 6;
/** Below this, durations are written digit by digit; others, which are rare, are made a text first. */
const MAX_MICROSECONDS = 2_000_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DELETE = 0x7f;
const ZERO = 0x30;
const POINT = 0x2e;

/** The most that `JsonLine.text` writes for a text of so many characters. */
export const textBytes = (characters: number): number => characters * BYTES_PER_CHARACTER + 2;

/** The bytes of a text that is kept: small buffers otherwise share a larger one, which each would keep as a whole. */
export function keptBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** What comes before the value of a member that is not the first one, in words of four bytes. */
export interface MemberName {
  readonly words: readonly number[];
  readonly length: number;
}

export function memberName(name: string): MemberName {
  const text = `,${JSON.stringify(name)}:`;
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4));
  const words = Array.from({ length: padded.length / 4 }, (_, index) => padded.readInt32LE(index * 4));
  return { words, length: text.length };
}

/** As JSON says it; what it has no number for, which is a fault elsewhere, is `null`. */
const numberText = (value: number): string => (Number.isFinite(value) ? String(value) : 'null');

/** True for a character that is one byte of UTF-8 and stands for itself in JSON. */
const isPlain = (character: number): boolean =>
  character >= SPACE && character < DELETE && character !== QUOTE && character !== BACKSLASH;

/** The offset after the text; -1: it is not plain. */
function writeCharacters(text: string, page: Buffer, at: number): number {
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (!isPlain(character)) return -1;
    page[at + index] = character;
  }
  return at + text.length;
}

/** The same. Characters beyond ASCII become bytes beyond it. */
function writeNatively(text: string, page: Buffer, at: number): number {
  const end = at + (page as Buffer & Utf8).utf8Write(text, at);
  for (let index = at; index < end; index += 1) if (!isPlain(page[index]!)) return -1;
  return end;
}

export class JsonLine {
  /** Where the next byte goes. */
  at = 0;
  private page: Buffer = Buffer.alloc(0);
  private view = new DataView(this.page.buffer);

  /** There must be room for all that will be put into the line. */
  start(page: Buffer, at: number): void {
    if (page !== this.page) this.view = new DataView(page.buffer, page.byteOffset, page.length);
    this.page = page;
    this.at = at;
  }

  byte(value: number): void {
    this.page[this.at] = value;
    this.at += 1;
  }

  /** Four bytes at a time, as a call would cost more than all of them; what is too much is written over. */
  name({ words, length }: MemberName): void {
    const { view, at } = this;
    for (let index = 0; index < words.length; index += 1) view.setInt32(at + index * 4, words[index]!, true);
    this.at = at + length;
  }

  bytes(prepared: Buffer): void {
    this.page.set(prepared, this.at);
    this.at += prepared.length;
  }

  /** What was put since `start`, to be kept. */
  copy(start: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.at - start);
    this.page.copy(bytes, 0, start, this.at);
    return bytes;
  }

  /** A string of at most `bound` characters; what is longer is cut. */
  text(text: string, bound: number): void {
    const { page, at } = this;
    const short = text.length <= bound ? text : text.slice(0, bound);
    page[at] = QUOTE;
    const end =
      short.length <= ONE_BY_ONE ? writeCharacters(short, page, at + 1) : writeNatively(short, page, at + 1);
    if (end < 0) return this.raw(JSON.stringify(short));
    page[end] = QUOTE;
    this.at = end + 1;
  }

  /** A number that nearly always is whole and not negative. */
  number(value: number): void {
    const whole = value | 0;
    if (whole === value && whole >= 0) this.whole(whole);
    else this.raw(numberText(value));
  }

  /** With microseconds. Digits of whole numbers are known; those of a fraction would have to be searched for. */
  milliseconds(ms: number): void {
    const us = Math.round(ms * 1000);
    if (!(us >= 0 && us < MAX_MICROSECONDS)) return this.raw(numberText(us / 1000));
    const whole = (us / 1000) | 0;
    this.whole(whole);
    const rest = us - whole * 1000;
    if (rest === 0) return;
    this.byte(POINT);
    this.digits(rest, 3);
  }

  /** The last `count` digits of a whole number below 2^31. */
  digits(value: number, count: number): void {
    const { page, at } = this;
    let rest = value | 0;
    for (let index = at + count - 1; index >= at; index -= 1) {
      const tenth = (rest / 10) | 0;
      page[index] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.at = at + count;
  }

  private whole(value: number): void {
    let count = 1;
    for (let power = 10; value >= power; power *= 10) count += 1;
    this.digits(value, count);
  }

  private raw(text: string): void {
    this.at += (this.page as Buffer & Utf8).utf8Write(text, this.at);
  }
}
