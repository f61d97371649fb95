/** Lines over one HTTP/2 stream, in both directions: bounded, and ended with the reason. */
import type { ServerHttp2Stream } from 'node:http2';
import { codes, WeftError } from '../../core/errors/index.ts';
import { LineSplitter } from '../../kube/lines.ts';
import { errorLine } from './compose.ts';

export interface LineStreamOptions {
  readonly maxBytes: number;
  /** Until the first line, ms. */
  readonly firstLineMs: number;
  /** Throws WeftError where the stream must end. */
  readonly onLine: (line: string) => void;
  /** The stream was ended because of what came over it. */
  readonly onFailed: (error: WeftError) => void;
  /** Once, whoever ended the stream. */
  readonly onEnd: () => void;
}

/** Nothing that a peer sends may end the process, what nobody thought of included. */
const asWeftError = (error: unknown): WeftError =>
  error instanceof WeftError
    ? error
    : new WeftError('MESSAGE_INVALID', (error as Error).message, { cause: error });

/** Says why, and gives the stream up. Nothing more of it is read. */
export function refuse(stream: ServerHttp2Stream, error: WeftError): void {
  if (stream.destroyed || stream.closed) return;
  const { code, field, message } = error;
  if (!stream.headersSent) stream.respond({ ':status': codes[code].status || 422 });
  stream.end(errorLine(code, field ? `${field}: ${message}` : message), () => stream.close());
}

/** Reads the lines of a request; the answer is a stream of lines too. */
export function serveLines(stream: ServerHttp2Stream, options: LineStreamOptions): void {
  const splitter = new LineSplitter(options.maxBytes);
  let failed = false;
  const fail = (error: WeftError): void => {
    failed = true;
    options.onFailed(error);
    refuse(stream, error);
  };
  const timer = setTimeout(
    () => fail(new WeftError('REQUEST_TIMEOUT', 'no message came')),
    options.firstLineMs,
  );
  const read = (chunk: Buffer): void => {
    if (failed) return;
    try {
      for (const line of splitter.push(chunk)) {
        clearTimeout(timer);
        options.onLine(line);
      }
    } catch (error) {
      clearTimeout(timer);
      fail(asWeftError(error));
    }
  };
  stream.on('data', read);
  stream.on('end', () => stream.end());
  stream.once('close', () => {
    clearTimeout(timer);
    failed = true;
    options.onEnd();
  });
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
}
