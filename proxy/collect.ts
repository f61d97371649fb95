/**
 * Collects all garbage and gives its memory back, where Node was started so that it can. For moments when nobody waits:
 * an ordinary collection leaves V8 with the pages that reading documents took, 2 MB for 1,000 services of a directory.
 */
export function collectGarbage(): void {
  void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
