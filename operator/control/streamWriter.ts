/**
 * Lines to one proxy, one after the other. Large ones go in pieces: node's TLS keeps for each connection as much memory
 * as its largest write took, for as long as the connection lives.
 */
import type { ServerHttp2Stream } from 'node:http2';
import { WeftError } from '../../core/errors/index.ts';
import { BULK_BYTES, type Bulk } from './bulk.ts';
import type { Writer } from './proxySession.ts';

const PIECE_BYTES = 8 * 1024;
/** Lines that wait for a peer that reads nothing: one update, one directory, and answers to what it goes on asking. */
export const MAX_WAITING = 64;
/** The same in bytes, of the answers alone: of updates and directories no more than one of each is waiting. */
export const MAX_WAITING_BYTES = 256 * 1024;

interface Waiting {
  readonly type: string;
  readonly line: Buffer;
  readonly flushed: (() => void) | undefined;
}

export class StreamWriter implements Writer {
  readonly #stream: ServerHttp2Stream;
  readonly #bulk: Bulk;
  readonly #onSent: (type: string, bytes: number) => void;
  readonly #fail: (error: unknown) => void;
  readonly #waiting: Waiting[] = [];
  #busy = false;

  constructor(
    stream: ServerHttp2Stream,
    options: {
      bulk: Bulk;
      onSent: (type: string, bytes: number) => void;
      /** Ends the stream. */
      fail: (error: unknown) => void;
    },
  ) {
    this.#stream = stream;
    this.#bulk = options.bulk;
    this.#onSent = options.onSent;
    this.#fail = options.fail;
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Never throws: whoever is calling has others to serve. A peer that does not read what it asks for loses its stream. */
  write(type: string, line: Buffer, flushed?: () => void): void {
    if (!this.#isOpen) return;
    if (this.#waiting.length >= MAX_WAITING || (type === 'absent' && this.#bytes() > MAX_WAITING_BYTES)) {
      const error = new WeftError('OVERLOADED', `${this.#waiting.length} answers wait to be read`, {
        resource: type,
      });
      this.#waiting.length = 0;
      this.fail(error);
      return;
    }
    this.#onSent(type, line.length);
    this.#waiting.push({ type, line, flushed });
    if (!this.#busy) this.#next();
  }

  #bytes(): number {
    return this.#waiting.reduce((sum, { type, line }) => sum + (type === 'absent' ? line.length : 0), 0);
  }

  #next(): void {
    const next = this.#waiting.shift();
    this.#busy = next !== undefined;
    if (!next) return;
    const { line, flushed } = next;
    const done = (): void => {
      if (this.#isOpen) flushed?.();
      this.#next();
    };
    if (line.length <= BULK_BYTES) this.#piece(line, done);
    else {
      this.#bulk.enter(({ progressed, written }) =>
        this.#pieces(line, progressed, () => {
          written();
          done();
        }),
      );
    }
  }

  #pieces(line: Buffer, progressed: () => void, done: () => void): void {
    if (line.length === 0 || !this.#isOpen) {
      done();
      return;
    }
    this.#piece(line.subarray(0, PIECE_BYTES), () => {
      progressed();
      this.#pieces(line.subarray(PIECE_BYTES), progressed, done);
    });
  }

  #piece(piece: Buffer, written: () => void): void {
    if (this.#isOpen) this.#stream.write(piece, written);
    else {
      this.#waiting.length = 0;
      written();
    }
  }

  get #isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.writableEnded;
  }
}
