import { write } from 'node:fs';

/** Characters that may wait for a slow reader; past it lines are dropped and counted. */
const MAX_PENDING = 4 * 1024 * 1024;
/** Lines of this long are written together: a write wakes a thread, which costs more than ten lines. A crash loses them. */
const FLUSH_AFTER_MS = 10;
const FLUSH_AT = 64 * 1024;
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
  let text = '';
  let rest: Buffer | undefined;
  let writing = false;
  let scheduled = false;
  let dropped = 0;
  let closed = false;

  function take(): Buffer {
    const chunk = Buffer.from(text);
    text = '';
    return chunk;
  }

  function onWritten(chunk: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error && error.code !== 'EAGAIN') {
      // nobody reads any more: what comes is dropped, the proxy lives on
      closed = error.code === 'EPIPE' || error.code === 'EBADF';
      rest = undefined;
    } else {
      const done = error ? 0 : written;
      rest = done < chunk.length ? chunk.subarray(done) : undefined;
    }
    writing = false;
    if (rest === undefined && text === '') return;
    if (error) setTimeout(flush, RETRY_MS);
    else flush();
  }

  function flush(): void {
    scheduled = false;
    if (writing || (rest === undefined && text === '')) return;
    const chunk = rest ?? take();
    rest = chunk;
    writing = true;
    writeSome(chunk, (error, written) => onWritten(chunk, error, written));
  }

  return {
    write(line) {
      if (closed || text.length + line.length > MAX_PENDING) {
        dropped += 1;
        return;
      }
      text += `${line}\n`;
      if (text.length >= FLUSH_AT) flush();
      else if (!scheduled) {
        scheduled = true;
        setTimeout(flush, FLUSH_AFTER_MS);
      }
    },
    get dropped() {
      return dropped;
    },
    async end(timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      flush();
      const idle = () => !writing && rest === undefined && text === '';
      while (!idle() && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, FLUSH_AFTER_MS));
    },
  };
}
