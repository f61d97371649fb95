/** Makes a new input from a known one: bytes flipped, parts moved, doubled, taken out, or words of the language put in. */
import type { Random } from './random.ts';

/** Lengths at which parsers tend to err. */
const INTERESTING = [
  0, 1, 0x7f, 0x80, 0xff, 9, 10, 13, 32, 0x2f, 0x30, 0x39, 0x3a, 0x3b, 0x2c, 0x22, 0x25, 0x2e,
];

export interface Mutator {
  random: Random;
  /** Words of the language. */
  dictionary: readonly Buffer[];
  maxBytes: number;
  /** Another known input, to take parts from. */
  other(): Buffer;
}

type Mutation = (input: Buffer, mutator: Mutator) => Buffer;

const splice = (input: Buffer, [from, to]: readonly [number, number], insert: Buffer): Buffer =>
  Buffer.concat([input.subarray(0, from), insert, input.subarray(to)]);

/** A part of `input`; more often a short one. */
function range(input: Buffer, random: Random): [number, number] {
  if (input.length === 0) return [0, 0];
  const from = random.below(input.length);
  const longest = random.below(3) === 0 ? input.length - from : Math.min(8, input.length - from);
  return [from, from + 1 + random.below(longest)];
}

function changeByte(input: Buffer, random: Random, change: (code: number) => number): Buffer {
  if (input.length === 0) return Buffer.from([random.below(256)]);
  const copy = Buffer.from(input);
  const at = random.below(copy.length);
  copy[at] = change(copy[at]!) & 0xff;
  return copy;
}

const place = (input: Buffer, random: Random): [number, number] => {
  const at = random.below(input.length + 1);
  return [at, at];
};

const mutations: readonly Mutation[] = [
  (input, { random }) => changeByte(input, random, (code) => code ^ (1 << random.below(8))),
  (input, { random }) => changeByte(input, random, () => random.below(256)),
  (input, { random }) => changeByte(input, random, () => random.pick(INTERESTING)),
  (input, { random }) => changeByte(input, random, (code) => code + random.below(9) - 4),
  (input, { random }) => splice(input, place(input, random), Buffer.from([random.pick(INTERESTING)])),
  (input, { random }) => splice(input, range(input, random), Buffer.alloc(0)),
  (input, { random }) => splice(input, place(input, random), input.subarray(...range(input, random))),
  (input, { random }) => splice(input, range(input, random), input.subarray(...range(input, random))),
  (input, { random, dictionary }) => splice(input, place(input, random), random.pick(dictionary)),
  (input, { random, dictionary }) => splice(input, range(input, random), random.pick(dictionary)),
  (input, { random, other }) => {
    const from = other();
    return splice(input, place(input, random), from.subarray(...range(from, random)));
  },
  (input, { random, other }) => {
    const tail = other();
    return Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      tail.subarray(random.below(tail.length + 1)),
    ]);
  },
  (input, { random }) => {
    const [from, to] = range(input, random);
    const times = 1 << random.below(9);
    return splice(
      input,
      [from, from],
      Buffer.concat(Array.from({ length: times }, () => input.subarray(from, to))),
    );
  },
];

/** One to eight mutations one after the other. */
export function mutate(input: Buffer, mutator: Mutator): Buffer {
  const { random, maxBytes } = mutator;
  let result = input;
  for (let left = 1 << random.below(4); left > 0; left--) {
    result = random.pick(mutations)(result, mutator);
    if (result.length > maxBytes) result = result.subarray(0, maxBytes);
  }
  return result;
}
