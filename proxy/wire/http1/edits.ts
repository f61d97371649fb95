/** Forwarding a head: the bytes as they came, without some lines and with a few more at the end. */
import type { Head } from './head.ts';

/** True where the head has lines of these kinds (cut.…, added up). */
export function hasCuts(head: Head, kinds: number): boolean {
  for (const kind of head.cutKinds) if ((kind & kinds) !== 0) return true;
  return false;
}

/** The head's text without lines of `kinds`, with `insert` (complete lines) before its empty line. */
export function assemble(head: Head, kinds: number, insert: string): string {
  const { bytes, base, cutKinds, cutStarts, cutEnds } = head;
  let from = base + head.first;
  let text = '';
  for (let index = 0; index < cutKinds.length; index++) {
    if ((cutKinds[index]! & kinds) === 0) continue;
    text += bytes.toString('latin1', from, base + cutStarts[index]!);
    from = base + cutEnds[index]!;
  }
  return `${text}${bytes.toString('latin1', from, head.end - 2)}${insert}\r\n`;
}
