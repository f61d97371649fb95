import { randomBytes } from 'node:crypto';

/**
 * Names for requests that came without one: unlike any other's, in the form of a UUID, and not secret. The first part
 * is random for each process; counting on from it costs a tenth of new random bytes for each.
 */
export function requestIds(random: (size: number) => Buffer = randomBytes): () => string {
  const hex = random(16).toString('hex');
  const prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-`;
  // far from the end of twelve digits
  let count = Number.parseInt(hex.slice(20, 31), 16);
  return () => {
    count += 1;
    return prefix + count.toString(16).padStart(12, '0');
  };
}
