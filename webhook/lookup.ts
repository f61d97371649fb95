/** A bounded memory of answers: many pods of one ReplicaSet arrive at once, and their owner never changes. */
import { WeftError } from '../core/errors/index.ts';

export interface LookupOptions<T> {
  /** Asks; rejects or gives `undefined` where there is no answer, which is not remembered. */
  load: (key: string) => Promise<T | undefined>;
  /** Entries that are kept; the one used longest ago makes room. */
  max: number;
  /** Questions that may be open at once; more are refused, so that nobody can make the API server busy through us. */
  maxPending: number;
  ttlMs: number;
  now: () => number;
}

interface Entry<T> {
  answer: Promise<T | undefined>;
  until: number;
}

export class Lookup<T> {
  readonly #options: LookupOptions<T>;
  readonly #entries = new Map<string, Entry<T>>();
  #pending = 0;

  constructor(options: LookupOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Simultaneous questions for one key are asked once. Rejects as `load` does, or with WeftError OVERLOADED. */
  get(key: string): Promise<T | undefined> {
    const { now, ttlMs, load, max } = this.#options;
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    if (known && known.until > now()) {
      this.#entries.set(key, known);
      return known.answer;
    }
    const entry: Entry<T> = { answer: this.#bounded(load, key), until: now() + ttlMs };
    this.#entries.set(key, entry);
    if (this.#entries.size > max) this.#entries.delete(this.#entries.keys().next().value!);
    const forget = (): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    entry.answer.then((answer) => answer === undefined && forget(), forget);
    return entry.answer;
  }

  async #bounded(load: LookupOptions<T>['load'], key: string): Promise<T | undefined> {
    if (this.#pending >= this.#options.maxPending) {
      throw new WeftError('OVERLOADED', `${this.#pending} questions are open`, { resource: key });
    }
    this.#pending += 1;
    try {
      return await load(key);
    } finally {
      this.#pending -= 1;
    }
  }
}
