/** What an encoder knows of one field name: which of its values are in the tables, and whether more are worth it. */
import { GUESSABLE, KNOWN_NAMES, policyOf, type Policy } from './policy.ts';
import { STATIC_COUNT, STATIC_NAMES, STATIC_VALUES } from './staticTable.ts';

/** So many new values in a row, and a name is taken to be volatile. */
const MISSES = 8;
/** A longer value is not remembered outside the table. */
const REMEMBERED = 256;

/** For each name of the static table, the index of its first value there and all of its values, which follow on. */
const STATIC_VALUES_OF = new Map<string, StaticValues>();
for (let index = 1; index <= STATIC_COUNT; index += 1) {
  const name = STATIC_NAMES[index]!;
  const value = STATIC_VALUES[index]!;
  // stands for the name alone: an empty value is too rare to be looked for
  if (value === '') continue;
  const values = STATIC_VALUES_OF.get(name);
  if (values === undefined) STATIC_VALUES_OF.set(name, { first: index, values: [value] });
  else values.values.push(value);
}

interface StaticValues {
  readonly first: number;
  readonly values: string[];
}

export class NameState {
  readonly name: string;
  readonly policy: Policy;
  /** Index of the name in the static table; 0 where it is not there. */
  readonly staticIndex: number;
  /** Entries of this name in the dynamic table. */
  held = 0;
  /** Number of the newest of them. */
  newest = -1;
  private readonly staticValues: StaticValues | undefined;
  private readonly numbers = new Map<string, number>();
  /** The value that was looked up last, and its number: most names have one value on a connection. */
  private lastValue = '';
  private lastNumber = -1;
  private misses = 0;
  private remembered = '';

  constructor(name: string) {
    const known = KNOWN_NAMES.get(name);
    this.name = name;
    this.policy = known === undefined ? policyOf(name) : known.policy;
    this.staticIndex = known === undefined ? 0 : known.staticIndex;
    this.staticValues = STATIC_VALUES_OF.get(name);
  }

  /** Index of the whole field in the static table; 0 where it is not there. */
  staticIndexOf(value: string): number {
    if (this.staticValues === undefined) return 0;
    // seven at most: comparing costs less than hashing a value that was just read
    const at = this.staticValues.values.indexOf(value);
    return at < 0 ? 0 : this.staticValues.first + at;
  }

  /** Whether this value may have no place in a table. */
  isSecret(value: string): boolean {
    return this.policy === 'secret' || (this.policy === 'secretIfShort' && value.length < GUESSABLE);
  }

  /** Number of the entry of the dynamic table with this value; -1 where there is none. */
  numberOf(value: string): number {
    if (this.held === 0) return -1;
    if (this.lastNumber >= 0 && value === this.lastValue) {
      this.misses = 0;
      return this.lastNumber;
    }
    // not worth the hashing of a value that was just read
    if (this.policy === 'volatile') return -1;
    const number = this.numbers.get(value);
    if (number === undefined) return -1;
    this.misses = 0;
    this.lastValue = value;
    this.lastNumber = number;
    return number;
  }

  /**
   * Whether a value that is not in the table should go there. A volatile name without an index gets one entry all the
   * same, for its name: later fields refer to that. A name whose values turned out never to come again is treated as
   * volatile until one comes twice in a row.
   */
  worthIndexing(value: string): boolean {
    if (this.policy === 'volatile') return this.staticIndex === 0 && this.held === 0;
    this.misses += 1;
    if (this.misses <= MISSES || (this.held === 0 && this.staticIndex === 0)) return true;
    if (value === this.remembered) return true;
    this.remembered = value.length <= REMEMBERED ? value : '';
    return false;
  }

  /** The value is about to be the entry `number`. */
  hold(value: string, number: number): void {
    this.numbers.set(value, number);
    this.held += 1;
    this.newest = number;
    this.lastValue = value;
    this.lastNumber = number;
  }

  /** The entry `number`, with this value, is about to leave. */
  release(value: string, number: number): void {
    this.numbers.delete(value);
    this.held -= 1;
    if (this.lastNumber === number) {
      this.lastValue = '';
      this.lastNumber = -1;
    }
  }
}
