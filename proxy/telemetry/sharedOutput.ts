import { write } from 'node:fs';
import type { WriteSome } from './lineWriter.ts';

/** Pause before a full pipe is tried again. */
const RETRY_MS = 5;

interface Piece {
  rest: Buffer;
  readonly length: number;
  readonly done: Parameters<WriteSome>[1];
}

/**
 * One output for several line writers, such as those of several threads. Each piece, which holds whole lines, is written
 * to its end before the next begins: two writes at the same time would mix lines where the reader of a pipe is slow. As
 * a line writer hands out one piece at a time, what waits here is bounded by their number.
 */
export function sharedOutput(writeSome: WriteSome): WriteSome {
  const waiting: Piece[] = [];
  let writing = false;

  function next(): void {
    const [piece] = waiting;
    writing = piece !== undefined;
    if (piece) writeSome(piece.rest, (error, written) => onWritten(piece, error, written));
  }

  function onWritten(piece: Piece, error: NodeJS.ErrnoException | null, written: number): void {
    if (error?.code === 'EAGAIN') return void setTimeout(next, RETRY_MS);
    if (!error && written < piece.rest.length) piece.rest = piece.rest.subarray(written);
    else {
      waiting.shift();
      piece.done(error, error ? 0 : piece.length);
    }
    next();
  }

  return (chunk, done) => {
    waiting.push({ rest: chunk, length: chunk.length, done });
    if (!writing) next();
  };
}

/** The output of a file descriptor, for several line writers. */
export const sharedDescriptor = (fd: number): WriteSome =>
  sharedOutput((chunk, done) => write(fd, chunk, done));
