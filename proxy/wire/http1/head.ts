/**
 * Reads the head of an HTTP/1.x message (RFC 9112, 2 to 6) without copying it. A head is judged as a whole line at a
 * time, keeps offsets into the bytes it came in, and is reused for the next message of its connection. What is
 * ambiguous is refused, never repaired: a repaired message is read differently by whoever comes next.
 */
import { COLON, CR, FIELD, LF, SPACE, TAB, TOKEN } from './characters.ts';
import { EMPTY, Fields } from './fields.ts';
import { limit } from './limits.ts';

/** More bytes are needed · the head is complete · it is not HTTP/1.x · it exceeds the bound. */
export const MORE = 0;
export const DONE = 1;
export const BAD = 2;
export const LARGE = 3;
export type Outcome = typeof MORE | typeof DONE | typeof BAD | typeof LARGE;
/** A line that is longer and not complete is not looked at again until its end has come. */
const LONG_LINE = 1024;
/** A line was read and another follows. */
const LINE = 4;
type LineOutcome = Outcome | typeof LINE;

export abstract class Head extends Fields {
  /** Bytes of the whole head with its empty line, once DONE. */
  length = 0;
  /** Offset from `base` of the first field line. */
  fieldsFrom = 0;
  version: 10 | 11 = 11;
  private cursor = 0;
  private started = false;
  private fieldCount = 0;
  private searched = 0;
  private wholeText = '';

  /** Makes ready for the next message. */
  reset(): void {
    this.resetFields();
    this.length = 0;
    this.first = 0;
    this.cursor = 0;
    this.started = false;
    this.fieldCount = 0;
    this.searched = 0;
    this.wholeText = '';
  }

  /** Reads on: `bytes` holds the message from `base`, and all of what earlier calls were given. */
  read(bytes: Buffer, base: number): Outcome {
    this.bytes = bytes;
    this.base = base;
    const long = this.searched - this.cursor > LONG_LINE;
    const outcome = long && !this.lineEnds() ? MORE : this.lines();
    if (outcome === MORE) {
      this.searched = bytes.length - base;
      return this.searched > limit.headBytes ? LARGE : MORE;
    }
    return outcome === DONE && this.length > limit.headBytes ? LARGE : outcome;
  }

  /** Lets go of the bytes, which may be many more than the head; `text` stays. */
  keepText(): void {
    if (this.text !== '') this.bytes = EMPTY;
  }

  /** Lets go of both: nothing of the head is asked for any more but what it said about framing. */
  dropText(): void {
    this.bytes = EMPTY;
    this.wholeText = '';
    this.length = 0;
  }

  /** All of it, once DONE. Made once: passing it on, judging it and logging it all need some of it. */
  get text(): string {
    if (this.wholeText === '' && this.length > 0) {
      this.wholeText = this.bytes.toString('latin1', this.base, this.base + this.length);
    }
    return this.wholeText;
  }

  protected slice(start: number, end: number): string {
    if (start === end) return '';
    if (this.length > 0) return this.text.slice(start, end);
    return this.bytes.toString('latin1', this.base + start, this.base + end);
  }

  /** Offset in `bytes` just after the head. */
  get end(): number {
    return this.base + this.length;
  }

  /** True once any byte of a message was seen. */
  get begun(): boolean {
    return this.searched > 0;
  }

  /** Reads the start line at `from` up to and with its line end; gives its length, 0 where bytes are missing, -1 where bad. */
  protected abstract startLine(from: number): number;
  /** Judges the fields together, at the end. */
  protected abstract conclude(): boolean;

  /** Without this, a long line that comes byte by byte would be read again for each byte. */
  private lineEnds(): boolean {
    return this.bytes.indexOf(LF, this.base + this.searched) >= 0;
  }

  private lines(): Outcome {
    if (!this.started) {
      const outcome = this.start();
      if (outcome !== LINE) return outcome;
    }
    for (;;) {
      const outcome = this.line();
      if (outcome !== LINE) return outcome;
    }
  }

  private start(): LineOutcome {
    const { bytes, base } = this;
    // RFC 9112, 2.2: one empty line before a request is ignored
    if (this.first === 0 && bytes[base] === CR) {
      if (bytes.length < base + 2) return MORE;
      if (bytes[base + 1] !== LF) return this.bad('CR without LF');
      this.first = 2;
    }
    const from = base + this.first;
    if (from >= bytes.length) return MORE;
    const length = this.startLine(from);
    if (length < 0) return BAD;
    if (length === 0) return MORE;
    this.cursor = this.fieldsFrom = this.first + length;
    this.started = true;
    return LINE;
  }

  private line(): LineOutcome {
    const { bytes } = this;
    const end = bytes.length;
    const start = this.base + this.cursor;
    let at = start;
    while (at < end && TOKEN[bytes[at]!] === 1) at++;
    if (at === end) return MORE;
    if (bytes[at] !== COLON || at === start) return this.notAField(start, at);
    const nameLength = at - start;
    at++;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const valueStart = at;
    while (at < end && FIELD[bytes[at]!] === 1) at++;
    if (at === end) return MORE;
    if (bytes[at] !== CR) return this.bad('control character in a field value');
    if (at + 1 === end) return MORE;
    if (bytes[at + 1] !== LF) return this.bad('CR without LF');
    this.cursor = at + 2 - this.base;
    while (at > valueStart && (bytes[at - 1] === SPACE || bytes[at - 1] === TAB)) at--;
    this.lineEnd = this.base + this.cursor;
    this.valueStart = valueStart;
    this.valueEnd = at;
    if (++this.fieldCount > limit.fields) return LARGE;
    return this.field(start, nameLength) ? LINE : BAD;
  }

  /** The empty line that ends the head, or a field line that is none. */
  private notAField(start: number, at: number): LineOutcome {
    const { bytes } = this;
    const code = bytes[at]!;
    if (at === start && code === CR) {
      if (at + 1 === bytes.length) return MORE;
      if (bytes[at + 1] !== LF) return this.bad('CR without LF');
      this.length = this.cursor + 2;
      return this.conclude() ? DONE : BAD;
    }
    if (code === LF) return this.bad('LF without CR');
    if (code === CR) return this.bad('field line without a colon');
    if (at === start && (code === SPACE || code === TAB)) return this.bad('folded field line');
    if (at === start && code === COLON) return this.bad('empty field name');
    if (code === SPACE || code === TAB) return this.bad('white space before the colon');
    return this.bad('invalid character in a field name');
  }

  private bad(problem: string): typeof BAD {
    this.problem = problem;
    return BAD;
  }
}
