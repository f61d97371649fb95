/** JSON with sorted keys: equal values give equal text, so that its hash is a hash of the content. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // plain loops: all that is compiled and all that is checked passes here
  let text = '';
  for (const key of Object.keys(value).sort()) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined)
      text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(field)}`;
  }
  return `{${text}}`;
}

/** Hashing is handed in: core does no I/O. Gives a short text (hex or base64url) of a cryptographic hash. */
export type Hash = (text: string) => string;

/** Orders documents: negative when `a` is older than `b`. */
export function compareRevision(
  a: { epoch: number; revision: string },
  b: { epoch: number; revision: string },
): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  const left = BigInt(a.revision);
  const right = BigInt(b.revision);
  return left < right ? -1 : left > right ? 1 : 0;
}
