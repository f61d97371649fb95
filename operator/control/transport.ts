/** Lines over one HTTP/2 stream, in both directions: bounded, and ended with the reason. */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { codes, WeftError } from '../../core/errors/index.ts';
import { LineSplitter } from '../../kube/lines.ts';
import { errorLine } from './compose.ts';

export interface LineStreamOptions {
  readonly maxBytes: number;
  /** Until the first line, ms. */
  readonly firstLineMs: number;
  /** From the beginning of any other line to its end, ms. */
  readonly lineMs: number;
  /** What it throws ends the stream. */
  readonly onLine: (line: string) => void;
  /** Once, whoever ended the stream. */
  readonly onEnd: () => void;
}

/** A peer that does not read why its stream ends loses it after this, ms. */
const REFUSE_MS = 1_000;

/** Nothing that a peer sends may end the process, what nobody thought of included. */
const asWeftError = (error: unknown): WeftError =>
  error instanceof WeftError
    ? error
    : new WeftError('MESSAGE_INVALID', (error as Error).message, { cause: error });

/** Says why, and gives the stream up. */
function refuse(stream: ServerHttp2Stream, { code, field, message }: WeftError): void {
  if (stream.destroyed || stream.closed) return;
  const timer = setTimeout(() => {
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    stream.destroy();
  }, REFUSE_MS);
  stream.once('close', () => clearTimeout(timer));
  if (!stream.headersSent) stream.respond({ ':status': codes[code].status || 422 });
  stream.end(errorLine(code, field ? `${field}: ${message}` : message), () => stream.close());
}

/** Reads the lines of a request; the answer is a stream of lines too. */
export class LineStream {
  readonly #stream: ServerHttp2Stream;
  readonly #onFailed: (error: WeftError) => void;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  /** `onFailed`: the stream was ended by this side, at most once. */
  constructor(stream: ServerHttp2Stream, onFailed: (error: WeftError) => void) {
    this.#stream = stream;
    this.#onFailed = onFailed;
  }

  /** Ends the stream, with the reason. Never throws; nothing more of it is read. */
  fail(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    const error = asWeftError(cause);
    this.#onFailed(error);
    try {
      refuse(this.#stream, error);
    } catch {
      this.#stream.destroy();
    }
  }

  #expectLine(withinMs: number): void {
    const late = new WeftError('REQUEST_TIMEOUT', `no whole message within ${withinMs} ms`);
    this.#timer = setTimeout(() => this.fail(late), withinMs);
  }

  serve({ maxBytes, firstLineMs, lineMs, onLine, onEnd }: LineStreamOptions): void {
    const stream = this.#stream;
    const splitter = new LineSplitter(maxBytes, { fatal: true });
    this.#expectLine(firstLineMs);
    stream.on('data', (chunk: Buffer) => {
      if (this.#ended) return;
      try {
        for (const line of splitter.push(chunk)) {
          clearTimeout(this.#timer);
          this.#timer = undefined;
          onLine(line);
          if (this.#ended) return;
        }
        if (splitter.isWithinLine && !this.#timer) this.#expectLine(lineMs);
      } catch (error) {
        this.fail(error);
      }
    });
    stream.on('end', () => stream.end());
    stream.once('close', () => {
      clearTimeout(this.#timer);
      this.#ended = true;
      onEnd();
    });
    // a peer may have reset it before it was looked at
    if (!stream.destroyed && !stream.closed) {
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
    }
  }
}
