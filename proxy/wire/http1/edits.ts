/** Forwarding a head: the bytes as they came, without some lines and with a few more at the end. */
import type { Head } from './head.ts';

/** True where the head has lines of these kinds (cut.…, added up). */
export function hasCuts(head: Head, kinds: number): boolean {
  for (const kind of head.cutKinds) if ((kind & kinds) !== 0) return true;
  return false;
}

/** The head's text without lines of `kinds`, with `insert` (complete lines) before its empty line. */
export function assemble(head: Head, kinds: number, insert: string): string {
  const { text: whole, cutKinds, cutStarts, cutEnds } = head;
  let from = head.first;
  let text = '';
  for (let index = 0; index < cutKinds.length; index++) {
    if ((cutKinds[index]! & kinds) === 0) continue;
    text += whole.slice(from, cutStarts[index]!);
    from = cutEnds[index]!;
  }
  return `${text}${whole.slice(from, head.length - 2)}${insert}\r\n`;
}
