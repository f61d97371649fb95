/** Field names and values to and from bytes: one byte is one character, so that every byte survives. */

/** Node's Buffer has these beside toString and write, which first look up the encoding; Node's types leave them out. */
interface Latin1 {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number): number;
}

export function readLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Latin1).latin1Slice(start, end);
}

/** Returns the offset after the text, for which there must be room. */
export function writeLatin1(text: string, out: Buffer, at: number): number {
  return at + (out as Buffer & Latin1).latin1Write(text, at);
}
