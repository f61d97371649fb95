/** Answers that the proxy gives itself: each says that it comes from the proxy, why, and what to do about it. */
import { codes, type Code } from '../../../core/errors/index.ts';

/** What a refusal says beyond its code. Only what the client may know. */
export interface RefusalDetail {
  /** `namespace/name` and rule that decided. */
  policy?: string;
  rule?: string;
  source?: string;
  destination?: string;
  detail?: string;
  /** Which bound is reached. */
  bound?: string;
  /** The application never saw the request: a peer proxy may send it elsewhere. */
  unprocessed?: boolean;
}

const PHRASES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

export interface ReplyOptions extends RefusalDetail {
  /** Announce that the connection ends with this answer. */
  close: boolean;
  /** HEAD: the length of the body is told, the body is not sent. */
  head: boolean;
}

/** The whole answer as text. */
export function reply(code: Code, { close, head, unprocessed, ...detail }: ReplyOptions): string {
  const { status, meaning, remedy } = codes[code];
  const body = `${JSON.stringify({ code, message: meaning, remedy, ...detail })}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${PHRASES[status] ?? 'Refused'}`,
    'server: weft',
    `x-weft-reason: ${code}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `date: ${new Date().toUTCString()}`,
  ];
  if (unprocessed === true) lines.push('x-weft-unprocessed: 1');
  if (close) lines.push('connection: close');
  return `${lines.join('\r\n')}\r\n\r\n${head ? '' : Buffer.from(body).toString('latin1')}`;
}
