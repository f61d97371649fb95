/** Forwarding a head: the bytes as they came, without some lines and with a few more at the end. */
import type { Head } from './head.ts';

/** The head's text without lines of `kinds`, with `insert` (complete lines) before its empty line. */
export function assemble(head: Head, kinds: number, insert: string): string {
  const { text: whole, cuts } = head;
  let from = head.first;
  let text = '';
  for (let index = 0; index < cuts.count; index++) {
    if ((cuts.kinds[index]! & kinds) === 0) continue;
    text += whole.slice(from, cuts.starts[index]!);
    from = cuts.ends[index]!;
  }
  return `${text}${whole.slice(from, head.length - 2)}${insert}\r\n`;
}
