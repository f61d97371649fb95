/** Channels without sockets: what is fed arrives at once, unless the reader pauses. */
import { FakeChannel } from '../../proxy/wire/http2/testing/fakeChannel.ts';
import { chunkedEnd } from './chunked.ts';

export class MemoryChannel extends FakeChannel {
  private readonly waiting: (Buffer | 'end')[] = [];

  /** All that was written so far. */
  get written(): string {
    return Buffer.concat(this.writes).toString('latin1');
  }
  override feed(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.flow();
  }
  override finish(): void {
    this.waiting.push('end');
    this.flow();
  }
  override resume(): void {
    super.resume();
    this.flow();
  }
  private flow(): void {
    while (!this.paused && !this.closed) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      if (next === 'end') super.finish();
      else super.feed(next);
    }
  }
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n';

/** An application that reads requests slowly and plainly, and answers each when it is complete. */
export class AppChannel extends MemoryChannel {
  readonly requests: string[] = [];
  problem = '';
  private text = '';
  private readonly later: (task: () => void) => void;

  /** `later` runs a task after the writer has returned, as a socket would. */
  constructor(later: (task: () => void) => void) {
    super();
    this.later = later;
  }

  override write(bytes: Buffer | string): boolean {
    if (!this.closed && !this.finished) {
      this.text += typeof bytes === 'string' ? bytes : bytes.toString('latin1');
      this.answer();
    }
    return super.write(bytes);
  }

  private answer(): void {
    const end = this.requestEnd();
    if (end < 0) return;
    const request = this.text.slice(0, end);
    if (end < this.text.length) this.problem = `bytes behind a request: ${JSON.stringify(this.text)}`;
    this.text = '';
    this.requests.push(request);
    const bodiless = request.startsWith('HEAD ');
    const answer = request.startsWith('CONNECT ') ? 'HTTP/1.1 405 No\r\ncontent-length: 2\r\n\r\n' : ANSWER;
    this.later(() => this.feed(Buffer.from(`${answer}${bodiless ? '' : 'ok'}`)));
  }

  /** Where the first request ends; -1 where more of it is to come. */
  private requestEnd(): number {
    const head = this.text.indexOf('\r\n\r\n');
    if (head < 0) return -1;
    const fields = this.text.slice(0, head);
    const length = /\r\ncontent-length:[\t ]*(\d+)/i.exec(fields);
    if (/\r\ntransfer-encoding:/i.test(fields)) {
      const end = chunkedEnd(this.text, head + 4);
      return end === undefined ? -1 : end.end;
    }
    const end = head + 4 + Number(length?.[1] ?? 0);
    return end > this.text.length ? -1 : end;
  }
}
