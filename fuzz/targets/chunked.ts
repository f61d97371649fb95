const CHUNK = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n/;
const TRAILERS = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/;

/**
 * A chunked body from `at`, by an independent and slow reading of RFC 9112, section 7.1: where it ends, and the size of
 * its data. Undefined where it is not complete, or none.
 */
export function chunkedEnd(text: string, from: number): { end: number; size: number } | undefined {
  let at = from;
  let size = 0;
  for (;;) {
    const line = CHUNK.exec(text.slice(at, at + 4096));
    if (line === null) return undefined;
    at += line[0].length;
    const length = Number.parseInt(line[1]!, 16);
    if (length === 0) break;
    size += length;
    at += length;
    if (text.slice(at, at + 2) !== '\r\n') return undefined;
    at += 2;
  }
  const trailers = TRAILERS.exec(text.slice(at));
  return trailers === null ? undefined : { end: at + trailers[0].length, size };
}
