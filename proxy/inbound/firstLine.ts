/**
 * Watches what a client says first on a connection that is carried as bytes. A request that is typed slowly is not
 * recognized as one in time; it must not reach the application either, with fields that only proxies may set.
 */
import { sniff } from '../wire/sniff.ts';

const NOTHING = Buffer.alloc(0);

/** Judges bytes before they pass; false: they complete a request line of HTTP. */
export function firstLineGuard(): (bytes: Buffer) => boolean {
  let seen: Buffer | undefined = NOTHING;
  return (bytes) => {
    if (seen === undefined) return true;
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const spoken = sniff(seen);
    if (spoken === 'http' || spoken === 'http2') return false;
    // what was recognized stays recognized, whatever comes after
    if (spoken !== 'more' && spoken !== 'maybe-http') seen = undefined;
    return true;
  };
}
