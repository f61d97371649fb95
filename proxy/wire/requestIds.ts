import { randomBytes } from 'node:crypto';

/** Counted with: beyond it, numbers are no longer small integers, and turning them into text costs three times as much. */
const COUNTED = 0x100_0000;

/**
 * Names for requests that came without one: unlike any other's, in the form of a UUID, and not secret. The first part
 * is random for each process; counting on from it costs a tenth of new random bytes for each.
 */
export function requestIds(random: (size: number) => Buffer = randomBytes): () => string {
  const hex = random(16).toString('hex');
  const process = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-`;
  let high = Number.parseInt(hex.slice(20, 25), 16);
  let low = Number.parseInt(hex.slice(25, 31), 16);
  let prefix = '';
  const raise = () => {
    prefix = process + high.toString(16).padStart(6, '0');
  };
  raise();
  return () => {
    low += 1;
    if (low === COUNTED) {
      low = 0;
      high += 1;
      raise();
    }
    return prefix + low.toString(16).padStart(6, '0');
  };
}
