import type { Response } from '../exchange/message.ts';
import { CR, FIELD, LF, SPACE } from './characters.ts';
import { Head } from './head.ts';

const VERSION = Buffer.from('HTTP/1.', 'latin1');

/** The head of a response. */
export class ResponseHead extends Head implements Response {
  status = 0;
  private phraseStart = 0;
  private phraseEnd = 0;
  /** Offset in `bytes` up to which they hold the body. */
  bodyEnd = 0;
  /** Only the end of the connection ends the body. */
  untilClose = false;

  /** RFC 9112, 9.3: whether the sender keeps the connection, as far as it says. */
  get persists(): boolean {
    return this.version === 11 ? !this.close : this.keepAlive && !this.close;
  }
  /** 1xx other than 101: the final response follows. */
  get interim(): boolean {
    return this.status < 200 && this.status !== 101;
  }

  /** The reason phrase; '' where there is none. */
  get phrase(): string {
    return this.phraseEnd > this.phraseStart ? this.slice(this.phraseStart, this.phraseEnd) : '';
  }

  /** 1xx and 204: whatever its fields say, it ends with its head (RFC 9112, 6.3). */
  private get bodiless(): boolean {
    return this.status < 200 || this.status === 204;
  }

  protected startLine(from: number): number {
    const { bytes } = this;
    const end = bytes.length;
    const known = Math.min(end - from, VERSION.length);
    for (let index = 0; index < known; index++) {
      if (bytes[from + index] !== VERSION[index]) return this.invalid('not HTTP/1.x');
    }
    // "HTTP/1.1 200" and what follows it
    if (end < from + 13) return 0;
    const minor = bytes[from + 7]! - 0x30;
    if (minor !== 0 && minor !== 1) return this.invalid('unknown version');
    if (bytes[from + 8] !== SPACE) return this.invalid('invalid status line');
    this.version = minor === 0 ? 10 : 11;
    this.status = 0;
    for (let at = from + 9; at < from + 12; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) return this.invalid('invalid status');
      this.status = this.status * 10 + digit;
    }
    if (this.status < 100 || this.status > 599) return this.invalid('invalid status');
    let at = from + 12;
    // servers leave out the space where there is no reason phrase
    if (bytes[at] !== SPACE && bytes[at] !== CR) return this.invalid('invalid status line');
    this.phraseStart = at + 1 - this.base;
    while (at < end && FIELD[bytes[at]!] === 1) at++;
    if (at === end) return 0;
    if (bytes[at] !== CR) return this.invalid('control character in the reason phrase');
    if (at + 1 === end) return 0;
    if (bytes[at + 1] !== LF) return this.invalid('CR without LF');
    this.phraseEnd = at - this.base;
    return at + 2 - from;
  }

  protected conclude(): boolean {
    if (this.chunked && this.contentLength >= 0)
      return this.refuse('both Content-Length and Transfer-Encoding');
    if (this.chunked && this.version === 10) return this.refuse('Transfer-Encoding in HTTP/1.0');
    // RFC 9110, 8.6 and RFC 9112, 6.1: they say nothing here, and a client that believes them waits for a body
    if (this.bodiless && (this.chunked || this.contentLength > 0))
      this.nominated.push('content-length', 'transfer-encoding');
    if (this.nominated.length > 0) this.cutNominated();
    return true;
  }

  private invalid(problem: string): -1 {
    this.problem = problem;
    return -1;
  }
}
