/** Says what must hold, with what was found instead. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [one, two] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== two) throw new Error(`${what}: ${one} and ${two}`);
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** The pieces that a connection might have brought `bytes` in; `choice` decides where it is cut. */
export function pieces(bytes: Buffer, choice: number): Buffer[] {
  const parts: Buffer[] = [];
  let state = choice + 1;
  for (let at = 0; at < bytes.length;) {
    // mostly short pieces: what is cut in the middle matters
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const length = (state >>> 16) % 7 === 0 ? 1 + ((state >>> 20) % 200) : 1 + ((state >>> 20) % 6);
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}
