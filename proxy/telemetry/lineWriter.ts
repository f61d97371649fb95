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
const NEWLINE = 10;
/** Pause before a full pipe is tried again. */
const RETRY_MS = 5;

export interface LineWriter {
  /** Takes one line without its end. Never waits. */
  write(line: string): void;
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
export function lineWriter(
  fd: number,
  writeSome: WriteSome = (chunk, done) => write(fd, chunk, done),
): LineWriter {
  let page: Buffer = Buffer.alloc(0);
  let used = 0;
  /** Full, in their order. */
  const pages: Buffer[] = [];
  let pending = 0;
  let rest: Buffer | undefined;
  let writing = false;
  let scheduled = false;
  let dropped = 0;
  let closed = false;

  /** Room for a line, in a page that is not being written. */
  function room(bytes: number): void {
    if (used + bytes <= page.length) return;
    if (used > 0) pages.push(page.subarray(0, used));
    page = Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, bytes));
    used = 0;
  }

  function take(): Buffer | undefined {
    const full = pages.shift();
    if (full !== undefined || used === 0) return full;
    const chunk = page.subarray(0, used);
    page = page.subarray(used);
    used = 0;
    return chunk;
  }

  function onWritten(chunk: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error && error.code !== 'EAGAIN') {
      // nobody reads any more: what comes is dropped, the proxy lives on
      closed = error.code === 'EPIPE' || error.code === 'EBADF';
      rest = undefined;
      pending -= chunk.length;
    } else {
      const done = error ? 0 : written;
      rest = done < chunk.length ? chunk.subarray(done) : undefined;
      pending -= done;
    }
    writing = false;
    if (error) setTimeout(flush, RETRY_MS);
    else if (rest !== undefined || pages.length > 0) flush();
    else if (used > 0) schedule();
  }

  function flush(): void {
    scheduled = false;
    if (writing) return;
    const chunk = rest ?? take();
    if (chunk === undefined) return;
    rest = chunk;
    writing = true;
    writeSome(chunk, (error, written) => onWritten(chunk, error, written));
  }

  function schedule(): void {
    if (scheduled || writing) return;
    scheduled = true;
    setTimeout(flush, FLUSH_AFTER_MS);
  }

  return {
    write(line) {
      if (closed || pending + line.length > MAX_PENDING) {
        dropped += 1;
        return;
      }
      // a character of a text is three bytes of UTF-8 at most
      room(line.length * 3 + 1);
      const end = used + page.write(line, used);
      page[end] = NEWLINE;
      pending += end + 1 - used;
      used = end + 1;
      if (pages.length > 0) flush();
      else schedule();
    },
    get dropped() {
      return dropped;
    },
    async end(timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      flush();
      const idle = () => !writing && pending === 0;
      while (!idle() && Date.now() < deadline) {
        flush();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  };
}
