/** Field names and values to and from bytes: one byte is one character, so that every byte survives. */

/** Node's Buffer has these beside toString and write, which first look up the encoding; Node's types leave them out. */
interface Latin1 {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number): number;
}

/** Up to here characters one by one cost less than a call out of JavaScript (measured: 16 and 42 ns for three). */
const SHORT_READ = 3;
/** The same for writing, which is called faster. */
const SHORT_WRITE = 12;

export function readLatin1(bytes: Buffer, start: number, end: number): string {
  if (end - start <= SHORT_READ) {
    let text = '';
    for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at]!);
    return text;
  }
  return (bytes as Buffer & Latin1).latin1Slice(start, end);
}

/** Returns the offset after the text, for which there must be room. */
export function writeLatin1(text: string, out: Buffer, at: number): number {
  if (text.length <= SHORT_WRITE) {
    for (let index = 0; index < text.length; index += 1) out[at + index] = text.charCodeAt(index);
    return at + text.length;
  }
  return at + (out as Buffer & Latin1).latin1Write(text, at);
}
