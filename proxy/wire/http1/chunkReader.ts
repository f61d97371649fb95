/**
 * Takes chunks apart (RFC 9112, 7.1) for an end that frames bodies itself. It reads only what Body has judged before, so
 * that nothing in it can be wrong.
 */
import type { FieldList } from '../exchange/message.ts';
import { MARK, markText } from '../streams/http1Mark.ts';
import { HEX, LF } from './characters.ts';

/** What has no place in HTTP/2. */
const OF_ONE_HOP =
  /^(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade|te|host|content-length)$/i;

type State = 'size' | 'rest of size' | 'data' | 'after data' | 'trailers';

export class ChunkReader {
  /** Fields after the last chunk, names in lower case, and how they were written; undefined where there were none. */
  trailers: FieldList | undefined = undefined;
  private written: string[] = [];
  private state: State = 'size';
  /** Of the chunk, or of the CR LF after it. */
  private remaining = 0;
  private trailerText = '';

  /** Calls `take` with each piece of the body in `bytes`. */
  read(bytes: Buffer, take: (piece: Buffer) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.state === 'data') at = this.readData(bytes, at, take);
      else if (this.state === 'trailers') at = this.readTrailers(bytes, at);
      else this.step(bytes[at++]!);
    }
  }

  /** The trailers for a stream. `marked`: to a proxy, which is told how their names were written. */
  trailersFor(marked: boolean): FieldList | undefined {
    const { trailers, written } = this;
    if (trailers === undefined || !marked || written.every((name) => name === name.toLowerCase()))
      return trailers;
    return [...trailers, MARK, markText({ names: written })];
  }

  private readData(bytes: Buffer, from: number, take: (piece: Buffer) => void): number {
    const to = Math.min(bytes.length, from + this.remaining);
    this.remaining -= to - from;
    if (this.remaining === 0) {
      this.state = 'after data';
      this.remaining = 2;
    }
    take(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    return to;
  }

  private step(code: number): void {
    if (this.state === 'after data') {
      if (--this.remaining === 0) this.state = 'size';
    } else if (code === LF) {
      this.state = this.remaining === 0 ? 'trailers' : 'data';
    } else if (this.state === 'size') {
      const digit = HEX[code]!;
      if (digit >= 0) this.remaining = this.remaining * 16 + digit;
      else this.state = 'rest of size';
    }
  }

  private readTrailers(bytes: Buffer, from: number): number {
    this.trailerText += bytes.toString('latin1', from);
    if (
      !this.trailerText.endsWith('\r\n') ||
      (this.trailerText.length > 2 && !this.trailerText.endsWith('\r\n\r\n'))
    )
      return bytes.length;
    const fields: string[] = [];
    for (const line of this.trailerText.split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      const name = line.slice(0, colon);
      if (OF_ONE_HOP.test(name)) continue;
      this.written.push(name);
      fields.push(name.toLowerCase(), line.slice(colon + 1).trim());
    }
    if (fields.length > 0) this.trailers = fields;
    return bytes.length;
  }
}
