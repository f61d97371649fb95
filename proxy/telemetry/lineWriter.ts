import { write } from 'node:fs';

/** Bytes that may wait for a slow reader; past it lines are dropped and counted. */
const MAX_PENDING = 4 * 1024 * 1024;
/**
 * Lines of this long are written together: each write wakes a thread and this one again, which costs more than ten lines.
 * Also what a crash can lose.
 */
const FLUSH_AFTER_MS = 20;
/** A page that is full is written at once. */
const PAGE_BYTES = 64 * 1024;
/** What a page has beyond that. Lines ask for the most that they may need, and nearly all need far less. */
const MARGIN_BYTES = 32 * 1024;
const WHOLE_PAGE = PAGE_BYTES + MARGIN_BYTES;
const NEWLINE = 10;
/** Pause before a full pipe is tried again. */
const RETRY_MS = 5;

export interface LineWriter {
  /** Takes one line without its end. Never waits. */
  write(line: string): void;
  /**
   * The offset in `page` where a line of at most `maxBytes`, without its end, may be put before anything else is done
   * here; -1: it is dropped.
   */
  begin(maxBytes: number): number;
  readonly page: Buffer;
  /** The line that was put into `page` ends before the offset `end`. */
  finish(end: number): void;
  /** Lines that were dropped because the reader was too slow. */
  readonly dropped: number;
  /** Resolves when nothing waits any more, or after `timeoutMs`; for the end of the process. */
  end(timeoutMs: number): Promise<void>;
}

export type WriteSome = (
  chunk: Buffer,
  done: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void;

/**
 * Lines to a file descriptor, many in one call. Node's own stdout writes to pipes synchronously: a slow log reader
 * would stop the data path. Here one write runs at a time, in the thread pool, and the rest waits within a bound.
 */
export const lineWriter = (
  fd: number,
  writeSome: WriteSome = (chunk, done) => write(fd, chunk, done),
): LineWriter => new PagedLines(writeSome);

class PagedLines implements LineWriter {
  page: Buffer = Buffer.alloc(0);
  dropped = 0;
  private readonly writeSome: WriteSome;
  private used = 0;
  /** Full, in their order. */
  private readonly full: Buffer[] = [];
  private spare: Buffer | undefined;
  private pending = 0;
  private rest: Buffer | undefined;
  private writing = false;
  private scheduled = false;
  private closed = false;
  private readonly flush = () => this.writeNext();

  constructor(writeSome: WriteSome) {
    this.writeSome = writeSome;
  }

  write(line: string): void {
    // a character of a text is three bytes of UTF-8 at most
    const at = this.begin(line.length * 3);
    if (at >= 0) this.finish(at + this.page.write(line, at));
  }

  begin(maxBytes: number): number {
    if (this.closed || this.pending + maxBytes > MAX_PENDING) {
      this.dropped += 1;
      return -1;
    }
    if (this.used + maxBytes >= this.page.length) this.nextPage(maxBytes + 1);
    return this.used;
  }

  finish(end: number): void {
    this.page[end] = NEWLINE;
    this.pending += end + 1 - this.used;
    this.used = end + 1;
    if (this.full.length > 0) this.writeNext();
    else this.schedule();
  }

  async end(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    do {
      this.writeNext();
      if (!this.writing && this.pending === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    } while (Date.now() < deadline);
  }

  private nextPage(bytes: number): void {
    if (this.used > 0) this.full.push(this.page.subarray(0, this.used));
    this.used = 0;
    if (this.spare && bytes <= WHOLE_PAGE) {
      this.page = this.spare;
      this.spare = undefined;
    } else this.page = Buffer.allocUnsafeSlow(Math.max(WHOLE_PAGE, bytes));
  }

  /** A page whose last bytes are written serves again: its memory is at hand, and need not be cleared. */
  private keepPage({ buffer }: Buffer): void {
    const needed = buffer === this.page.buffer || buffer === this.full[0]?.buffer;
    if (!needed && buffer.byteLength === WHOLE_PAGE) this.spare = Buffer.from(buffer);
  }

  private take(): Buffer | undefined {
    const full = this.full.shift();
    if (full !== undefined || this.used === 0) return full;
    const chunk = this.page.subarray(0, this.used);
    this.page = this.page.subarray(this.used);
    this.used = 0;
    return chunk;
  }

  private writeNext(): void {
    this.scheduled = false;
    if (this.writing) return;
    const chunk = this.rest ?? this.take();
    if (chunk === undefined) return;
    this.rest = chunk;
    this.writing = true;
    this.writeSome(chunk, (error, written) => this.onWritten(chunk, error, written));
  }

  private onWritten(chunk: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error && error.code !== 'EAGAIN') {
      // nobody reads any more: what comes is dropped, the proxy lives on
      this.closed = error.code === 'EPIPE' || error.code === 'EBADF';
      this.rest = undefined;
      this.pending -= chunk.length;
    } else {
      const done = error ? 0 : written;
      this.rest = done < chunk.length ? chunk.subarray(done) : undefined;
      this.pending -= done;
    }
    this.writing = false;
    if (this.rest === undefined) this.keepPage(chunk);
    if (error) setTimeout(this.flush, RETRY_MS);
    else if (this.rest !== undefined || this.full.length > 0) this.writeNext();
    else if (this.used > 0) this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.writing) return;
    this.scheduled = true;
    setTimeout(this.flush, FLUSH_AFTER_MS);
  }
}
