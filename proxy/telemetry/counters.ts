import { header, labelText, sample, type Family } from './exposition.ts';

/** A pre-bound counter: the hot path adds to `value` and does nothing else. */
export interface Counter {
  value: number;
}

export interface CounterFamilyOptions {
  name: string;
  help: string;
  labels: readonly string[];
  /** Series beside `other`; what peers can make up must not grow without bound. */
  limit?: number;
  onOverflow?: () => void;
}

const DEFAULT_LIMIT = 500;

/** A counter with labels. Past its limit new label values share one series whose labels are all `other`. */
export class CounterFamily implements Family {
  readonly #options: CounterFamilyOptions;
  readonly #series = new Map<string, Counter>();
  #other: Counter | undefined;

  constructor(options: CounterFamilyOptions) {
    this.#options = options;
  }

  #labelsOf(values: readonly string[]): string {
    return labelText(Object.fromEntries(this.#options.labels.map((label, i) => [label, values[i] ?? ''])));
  }

  /** The counter of these label values, in the order of `labels`. Keep it where it is used often. */
  get(...values: string[]): Counter {
    const labels = this.#labelsOf(values);
    let counter = this.#series.get(labels);
    if (counter) return counter;
    if (this.#series.size >= (this.#options.limit ?? DEFAULT_LIMIT)) {
      this.#options.onOverflow?.();
      return (this.#other ??= { value: 0 });
    }
    counter = { value: 0 };
    this.#series.set(labels, counter);
    return counter;
  }

  expose(): string {
    const { name, help, labels } = this.#options;
    let text = header(name, 'counter', help);
    for (const [labels, { value }] of this.#series) text += sample(name, labels, value);
    if (this.#other) text += sample(name, this.#labelsOf(labels.map(() => 'other')), this.#other.value);
    return text;
  }
}
