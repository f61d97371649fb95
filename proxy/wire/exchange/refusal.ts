/** What the proxy says where it answers itself: that it was the proxy, why, and what to do about it. */
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

/** The body as text in UTF-8. */
export function refusalBody(code: Code, { unprocessed: _unprocessed, ...detail }: RefusalDetail): string {
  const { meaning, remedy } = codes[code];
  return `${JSON.stringify({ code, message: meaning, remedy, ...detail })}\n`;
}

/** The code that a peer gave as its reason, where it is one. */
export const knownCode = (reason: string): Code | undefined =>
  reason !== '' && Object.hasOwn(codes, reason) ? (reason as Code) : undefined;
