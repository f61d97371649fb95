/**
 * The fields that a proxy must understand: framing, what belongs to one hop only, and what Weft itself says.
 * Everything else passes untouched. Lines that may have to go are remembered as cuts.
 */
import { cut } from '../exchange/cuts.ts';
import { CutList } from './cutList.ts';
import { limit } from './limits.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  HOST_NAME,
  HTTP2_SETTINGS,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  REQUEST_ID,
  TRACEPARENT,
  TRANSFER_ENCODING,
  UPGRADE,
  WEFT_REASON,
  WEFT_UNPROCESSED,
  isMark,
  isName,
  isWeft,
} from './names.ts';

/** Codings that may stand before the final `chunked` (RFC 9112, 7.2). */
const CODINGS = new Set(['gzip', 'x-gzip', 'deflate', 'compress', 'x-compress']);
/** Fields without which a message would be read differently: nobody may declare them to be of one hop. */
const NEVER_OF_ONE_HOP = new Set(['host', 'content-length', 'transfer-encoding']);

export const EMPTY = Buffer.alloc(0);

export abstract class Fields {
  bytes: Buffer = EMPTY;
  base = 0;
  /** What is wrong, for the one who sent it. */
  problem = '';
  /** Offset of the start line: 2 where an empty line came before it. */
  first = 0;

  /** -1: no Content-Length. */
  contentLength = -1;
  chunked = false;
  close = false;
  keepAlive = false;
  /** Connection lists `upgrade`. */
  upgrades = false;
  /** Lower-case value of Upgrade. */
  upgradeTo = '';
  expectContinue = false;
  hosts = 0;
  /** Seconds of `Keep-Alive: timeout=`, or -1. */
  keepAliveSeconds = -1;
  /** The peer could not hand the request over (x-weft-unprocessed). */
  unprocessed = false;
  protected hostStart = 0;
  protected hostEnd = 0;
  private requestIdStart = 0;
  private requestIdEnd = 0;
  private traceparentStart = 0;
  private traceparentEnd = 0;
  private reasonStart = 0;
  private reasonEnd = 0;

  /** Lines that may be left out. */
  readonly cuts = new CutList();
  /** Names that Connection lists beyond the usual ones; `te` passes, since trailers pass too. */
  protected readonly nominated: string[] = [];

  /** Absolute offsets of the value just read, and of the end of its line. */
  protected valueStart = 0;
  protected valueEnd = 0;
  protected lineEnd = 0;

  protected resetFields(): void {
    // an idle connection must not keep its last message
    this.bytes = EMPTY;
    this.problem = '';
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.upgrades = false;
    this.upgradeTo = '';
    this.expectContinue = false;
    this.hosts = 0;
    this.keepAliveSeconds = -1;
    this.unprocessed = false;
    this.requestIdStart = this.requestIdEnd = 0;
    this.traceparentStart = this.traceparentEnd = 0;
    this.reasonStart = this.reasonEnd = 0;
    this.hostStart = this.hostEnd = 0;
    this.cuts.clear();
    if (this.nominated.length > 0) this.nominated.length = 0;
  }

  /** Text between two offsets from `base`. */
  protected abstract slice(start: number, end: number): string;
  get host(): string {
    return this.slice(this.hostStart, this.hostEnd);
  }
  get requestId(): string {
    return this.slice(this.requestIdStart, this.requestIdEnd);
  }
  get hasRequestId(): boolean {
    return this.requestIdEnd > this.requestIdStart;
  }
  get traceparent(): string {
    return this.slice(this.traceparentStart, this.traceparentEnd);
  }
  get reason(): string {
    return this.slice(this.reasonStart, this.reasonEnd);
  }

  /** Connection says keep-alive or close and nothing else: it may pass where that is what this hop does too. */
  get plainKeepAlive(): boolean {
    return this.keepAlive && !this.close && !this.upgrades && this.nominated.length === 0;
  }
  get plainClose(): boolean {
    return this.close && !this.keepAlive && !this.upgrades && this.nominated.length === 0;
  }

  /** Takes the field whose name starts at `start`; false where the message must be refused. */
  protected field(start: number, nameLength: number): boolean {
    // first of all, whatever its length: what only a proxy may say
    if ((this.bytes[start]! | 0x20) === 0x78) {
      this.takeExtension(start, nameLength);
      return true;
    }
    switch (nameLength) {
      case 4:
        if (this.is(start, HOST_NAME)) this.takeHost();
        return true;
      case 6:
        return !this.is(start, EXPECT) || this.takeExpect();
      case 7:
        if (this.is(start, UPGRADE)) this.takeUpgrade(start);
        return true;
      case 10:
        if (this.is(start, CONNECTION)) return this.takeConnection(start);
        if (this.is(start, KEEP_ALIVE)) this.takeKeepAlive(start);
        else if (isMark(this.bytes, start)) this.cutLine(start, cut.weft);
        return true;
      case 11:
        if (this.is(start, TRACEPARENT)) {
          this.traceparentStart = this.valueStart - this.base;
          this.traceparentEnd = this.valueEnd - this.base;
        }
        return true;
      case 14:
        if (this.is(start, CONTENT_LENGTH)) return this.takeLength();
        if (this.is(start, HTTP2_SETTINGS)) this.cutLine(start, cut.hop);
        return true;
      case 17:
        return !this.is(start, TRANSFER_ENCODING) || this.takeCoding();
      case 16:
        if (this.is(start, PROXY_CONNECTION)) this.cutLine(start, cut.hop);
        return true;
      default:
        return true;
    }
  }

  /** A name that begins with `x`. */
  private takeExtension(start: number, nameLength: number): void {
    if (nameLength === REQUEST_ID.length && this.is(start, REQUEST_ID)) {
      this.requestIdStart = this.valueStart - this.base;
      this.requestIdEnd = this.valueEnd - this.base;
    } else if (nameLength >= 7 && isWeft(this.bytes, start)) this.takeWeft(start, nameLength);
  }

  private takeWeft(start: number, nameLength: number): void {
    if (nameLength === WEFT_REASON.length && this.is(start, WEFT_REASON)) {
      this.reasonStart = this.valueStart - this.base;
      this.reasonEnd = this.valueEnd - this.base;
      this.cutLine(start, cut.reason);
      return;
    }
    if (nameLength === WEFT_UNPROCESSED.length && this.is(start, WEFT_UNPROCESSED)) this.unprocessed = true;
    this.cutLine(start, cut.weft);
  }

  private takeHost(): void {
    this.hosts++;
    this.hostStart = this.valueStart - this.base;
    this.hostEnd = this.valueEnd - this.base;
  }

  private takeExpect(): boolean {
    if (this.value() !== '100-continue') return this.refuse('unknown expectation');
    this.expectContinue = true;
    return true;
  }

  private takeUpgrade(start: number): void {
    this.upgradeTo = this.upgradeTo === '' ? this.value() : `${this.upgradeTo}, ${this.value()}`;
    this.cutLine(start, cut.upgrade);
  }

  private takeKeepAlive(start: number): void {
    const seconds = /(?:^|[,;\s])timeout\s*=\s*"?([0-9]{1,6})/.exec(this.value());
    if (seconds) this.keepAliveSeconds = Number(seconds[1]);
    this.cutLine(start, cut.hop);
  }

  private takeConnection(start: number): boolean {
    this.cutLine(start, cut.connection);
    // what nearly all say
    if (this.valueEnd - this.valueStart === KEEP_ALIVE.length && this.is(this.valueStart, KEEP_ALIVE)) {
      this.keepAlive = true;
      return true;
    }
    const value = this.value();
    const tokens = value.split(',');
    if (tokens.length > limit.connectionTokens) return this.refuse('too many names in Connection');
    return tokens.every((token) => this.takeConnectionToken(token.trim()));
  }

  private takeConnectionToken(token: string): boolean {
    if (token === 'close') this.close = true;
    else if (token === 'keep-alive') this.keepAlive = true;
    else if (token === 'upgrade') this.upgrades = true;
    else if (NEVER_OF_ONE_HOP.has(token)) return this.refuse(`Connection names ${token}`);
    else if (token !== '' && token !== 'te') this.nominated.push(token);
    return true;
  }

  /** RFC 9112, 6.3: anything but one plain number is an attempt to be read in two ways. */
  private takeLength(): boolean {
    if (this.contentLength >= 0) return this.refuse('more than one Content-Length');
    const { bytes, valueStart, valueEnd } = this;
    if (valueEnd === valueStart || valueEnd - valueStart > 15) return this.refuse('invalid Content-Length');
    let length = 0;
    for (let at = valueStart; at < valueEnd; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) return this.refuse('invalid Content-Length');
      length = length * 10 + digit;
    }
    this.contentLength = length;
    return true;
  }

  private takeCoding(): boolean {
    if (this.chunked) return this.refuse('more than one Transfer-Encoding');
    const codings = this.value().split(',');
    if (codings.pop()!.trim() !== 'chunked') return this.refuse('Transfer-Encoding does not end in chunked');
    if (!codings.every((coding) => CODINGS.has(coding.trim())))
      return this.refuse('unknown Transfer-Encoding');
    this.chunked = true;
    return true;
  }

  /** RFC 9110, 7.6.1: what Connection lists belongs to this hop. It may stand before or after Connection. */
  protected cutNominated(): void {
    const wanted = new Set(this.nominated);
    const text = this.bytes.toString('latin1', this.base, this.lineEnd);
    let at = text.indexOf('\r\n', this.first) + 2;
    while (at < text.length) {
      const next = text.indexOf('\r\n', at) + 2;
      const name = text.slice(at, text.indexOf(':', at)).toLowerCase();
      // order matters to whoever copies what lies between the cuts
      if (wanted.has(name)) this.cuts.insert(cut.hop, at, next);
      at = next;
    }
  }

  protected refuse(problem: string): false {
    this.problem = problem;
    return false;
  }

  /** The value just read, in lower case. */
  private value(): string {
    return this.bytes.toString('latin1', this.valueStart, this.valueEnd).toLowerCase();
  }

  private cutLine(start: number, kind: number): void {
    this.cuts.add(kind, start - this.base, this.lineEnd - this.base);
  }

  private is(start: number, name: Buffer): boolean {
    return isName(this.bytes, start, name);
  }
}
