/** The arithmetic of a comparison. */

/** By linear interpolation between the two nearest values; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A small generator with a fixed seed, so that the same rounds give the same interval (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const RESAMPLES = 2000;

export interface Estimate {
  /** Median over the rounds. */
  value: number;
  /** 95 % interval of that median, by bootstrap; with few rounds it is about their range. */
  low: number;
  high: number;
}

export function estimate(values: readonly number[]): Estimate {
  const random = generator(values.length);
  const resampled = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)]!)),
  );
  return { value: median(values), low: quantile(resampled, 0.025), high: quantile(resampled, 0.975) };
}

/** What one run of one contender measured, by name of the measure. */
export type Round = Readonly<Record<string, number>>;

export interface Pairing {
  measure: string;
  /** ratio: ours by theirs; difference: ours less theirs. */
  by: 'ratio' | 'difference';
}

/** Within each round first: what the machine did to both at that time cancels out. */
export function paired(ours: readonly Round[], theirs: readonly Round[], { measure, by }: Pairing): Estimate {
  const rounds = Math.min(ours.length, theirs.length);
  const values = Array.from({ length: rounds }, (_, round) => {
    const [a, b] = [ours[round]![measure] ?? Number.NaN, theirs[round]![measure] ?? Number.NaN];
    return by === 'ratio' ? a / b : a - b;
  });
  return estimate(values);
}
